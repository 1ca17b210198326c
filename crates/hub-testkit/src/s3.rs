//! A real S3 protocol server in a process of its own: moto, from the Python set-up of the tests.

use std::{
    collections::HashMap,
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use crate::shared::python;

/// How long the server may take to start.
const START_SECONDS: u64 = 120;
/// The bucket that every server has.
const BUCKET: &str = "lake";

/// A running server with one empty bucket. It ends when this is dropped.
#[derive(Debug)]
pub struct S3Server {
    process: Child,
    port: u16,
}

impl S3Server {
    /// Starts a server on a free port, or answers `None`, and says so, where moto is not installed.
    pub fn start() -> Option<Self> {
        let python = python();
        let installed = Command::new(&python)
            .args(["-c", "import moto.server, flask"])
            .stderr(Stdio::null())
            .status()
            .is_ok_and(|status| status.success());
        if !installed {
            eprintln!("skipped: moto[server] is not installed for {}", python.display());
            return None;
        }
        let mut process = Command::new(python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("moto starts");
        let output = process.stderr.take().expect("its output is piped");
        let (found, port) = mpsc::channel();
        // The server logs every request, so its output must be read as long as it runs.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(port) = port_of(&line) {
                    let _ = found.send(port);
                }
            }
        });
        let port = port
            .recv_timeout(Duration::from_secs(START_SECONDS))
            .expect("moto says where it listens");
        let server = Self { process, port };
        server.create_bucket();
        Some(server)
    }

    fn create_bucket(&self) {
        let mut connection = TcpStream::connect(("127.0.0.1", self.port)).expect("moto listens");
        let request = format!(
            "PUT /{BUCKET} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            self.port
        );
        connection.write_all(request.as_bytes()).expect("moto takes requests");
        let mut answer = String::new();
        connection.read_to_string(&mut answer).expect("moto answers");
        assert!(answer.contains(" 200 "), "the bucket was not made: {answer}");
    }

    /// The address of a folder in the bucket.
    pub fn url(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    /// The server's own address.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The settings with which a client reaches the server, by object_store's keys.
    pub fn options(&self) -> HashMap<String, String> {
        [
            ("aws_endpoint", self.endpoint().as_str()),
            ("aws_region", "us-east-1"),
            ("aws_access_key_id", "test"),
            ("aws_secret_access_key", "test"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
    }
}

impl Drop for S3Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The port in the line by which the server says where it runs.
fn port_of(line: &str) -> Option<u16> {
    let rest = line.split("Running on http://127.0.0.1:").nth(1)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

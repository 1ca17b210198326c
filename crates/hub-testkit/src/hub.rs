//! A real `mochiyori` server process for end-to-end tests: the binary that users run, on a port of its
//! own, in a data folder of its own. It must not reach into the hub's crates: what a test sees of the
//! hub is what a user sees of it, an address, a token, answers, a log and an exit status.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    time::{Duration, Instant},
};

use reqwest::Client;
use tempfile::TempDir;

mod requests;

/// How long a server may take to become ready, and to leave after it was asked to.
const DEADLINE: Duration = Duration::from_secs(60);
/// How often a condition is looked at while it is waited for.
const GLANCE: Duration = Duration::from_millis(10);
/// How long a connection is used again: the hub closes one that says nothing for ten seconds, and a test
/// that waits for another process does not see that.
const IDLE: Duration = Duration::from_secs(5);
/// How much of the log is shown where a test fails, in characters from its end.
const LOG_TAIL: usize = 8_000;

/// What a server is started with beyond the defaults.
#[derive(Debug, Clone, Default)]
pub struct HubOptions {
    /// The text of a configuration file, given to the server with `--config`.
    pub config: Option<String>,
    /// Environment variables. None of the caller's own `MOCHIYORI_` variables reach the server.
    pub env: Vec<(String, String)>,
    /// The data folder, which then outlives the server; a temporary one where none is named.
    pub data_dir: Option<PathBuf>,
    /// More arguments for `mochiyori serve`, after those that the testkit gives.
    pub args: Vec<String>,
    /// The program to run in place of the binary under test.
    pub binary: Option<PathBuf>,
}

/// A running server. Dropping it kills the process; a failing test shows the end of its log.
#[derive(Debug)]
pub struct Hub {
    process: Option<Child>,
    options: HubOptions,
    data_dir: PathBuf,
    scratch: TempDir,
    base: String,
    client: Client,
}

impl Hub {
    /// Starts a server with its defaults on a new data folder, and waits until it is ready.
    pub async fn start() -> Self {
        Self::start_with(HubOptions::default()).await
    }

    /// Starts a server and waits until `/readyz` answers; stops the test with the server's log where
    /// that does not come to pass.
    pub async fn start_with(options: HubOptions) -> Self {
        let mut hub = Self::prepare(options);
        hub.spawn();
        hub.wait_until_ready().await;
        hub
    }

    /// Starts a server that is expected to give up by itself, as on a wrong configuration, and returns
    /// its exit status and its log.
    pub async fn start_and_fail(options: HubOptions) -> (ExitStatus, String) {
        let mut hub = Self::prepare(options);
        hub.spawn();
        let status = hub.wait_for_exit().await.unwrap_or_else(|| {
            panic!("the server was expected to give up, and runs\n{}", hub.log_tail())
        });
        (status, hub.log())
    }

    /// The full URL of a path such as `/v1/datasets`.
    pub fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// An HTTP client without proxies or default headers.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// The folder that the server keeps its data in.
    pub fn data_dir(&self) -> &Path {
        &self.data_dir
    }

    /// The process id of the running server.
    pub fn process_id(&self) -> u32 {
        self.process.as_ref().expect("the server runs").id()
    }

    /// The token that the server wrote at its first start.
    pub fn admin_token(&self) -> String {
        let path = self.data_dir.join("admin-token");
        fs::read_to_string(&path).expect("the server has written its admin token").trim().to_owned()
    }

    /// What the server has written so far, on both of its outputs, over all its starts.
    pub fn log(&self) -> String {
        fs::read(self.log_path())
            .map_or_else(|_| String::new(), |log| String::from_utf8_lossy(&log).into_owned())
    }

    /// Ends the process at once, as a crash or a power cut would (SIGKILL). It does nothing to a server
    /// that has already ended.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // Either fails only where the process has ended already.
            let _ = process.kill();
            let _ = process.wait();
        }
    }

    /// Asks the process to end (SIGTERM) and waits for it; fails the test where it does not leave.
    pub async fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.left().await
    }

    /// Waits for a process that was asked to end; fails the test where it does not leave.
    pub async fn left(&mut self) -> ExitStatus {
        let status = self.wait_for_exit().await;
        status.unwrap_or_else(|| panic!("the server did not leave\n{}", self.log_tail()))
    }

    /// Asks the process to end (SIGTERM) without waiting, for tests of what it still finishes.
    pub fn terminate(&self) {
        // A signal other than SIGKILL needs a system call that std does not offer; the shell has it built in.
        let status = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &self.process_id().to_string()])
            .status()
            .expect("a shell can be run");
        assert!(
            status.success(),
            "the server had ended before it was asked to\n{}",
            self.log_tail()
        );
    }

    /// Starts the server again on the same data folder, after stopping it where it still runs. The
    /// address changes.
    pub async fn restart(&mut self) {
        if self.process.is_some() {
            self.stop().await;
        }
        self.spawn();
        self.wait_until_ready().await;
    }

    fn prepare(options: HubOptions) -> Self {
        let scratch = TempDir::new().expect("a temporary folder can be made");
        let data_dir = options.data_dir.clone().unwrap_or_else(|| scratch.path().join("data"));
        if let Some(config) = &options.config {
            fs::write(scratch.path().join("mochiyori.toml"), config)
                .expect("the configuration file can be written");
        }
        let client = Client::builder().no_proxy().pool_idle_timeout(IDLE).build();
        let client = client.expect("an HTTP client can be made");
        Self { process: None, options, data_dir, scratch, base: String::new(), client }
    }

    fn spawn(&mut self) {
        // A stale address would be taken for the new server's.
        let _ = fs::remove_file(self.address_path());
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("the log file can be opened");
        let mut command = Command::new(self.options.binary.clone().unwrap_or_else(binary));
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("MOCHIYORI_") {
                command.env_remove(name);
            }
        }
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&self.data_dir);
        if self.options.config.is_some() {
            command.arg("--config").arg(self.scratch.path().join("mochiyori.toml"));
        }
        command
            .args(&self.options.args)
            .envs(self.options.env.iter().map(|(name, value)| (name, value)))
            .current_dir(self.scratch.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log file can be shared"))
            .stderr(log);
        self.process = Some(command.spawn().expect("the mochiyori binary can be run"));
    }

    /// Waits for the address that the server writes when its port is open, then for `/readyz`.
    async fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let process = self.process.as_mut().expect("the server was started");
            if let Some(status) = process.try_wait().expect("the server's state can be read") {
                panic!("the server gave up with {status}\n{}", self.log_tail());
            }
            if let Ok(address) = fs::read_to_string(self.address_path())
                && let Ok(address) = address.trim().parse::<std::net::SocketAddr>()
            {
                self.base = format!("http://{address}");
                let answer = self.client.get(self.url("/readyz")).timeout(DEADLINE).send().await;
                if answer.is_ok_and(|response| response.status().is_success()) {
                    return;
                }
            }
            assert!(Instant::now() < deadline, "the server is not ready\n{}", self.log_tail());
            tokio::time::sleep(GLANCE).await;
        }
    }

    /// The exit status, or `None` where the process still runs at the deadline.
    async fn wait_for_exit(&mut self) -> Option<ExitStatus> {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let process = self.process.as_mut().expect("the server was started");
            if let Some(status) = process.try_wait().expect("the server's state can be read") {
                self.process = None;
                return Some(status);
            }
            if Instant::now() >= deadline {
                return None;
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    fn address_path(&self) -> PathBuf {
        self.data_dir.join("listen-address")
    }

    fn log_path(&self) -> PathBuf {
        self.scratch.path().join("server.log")
    }

    fn log_tail(&self) -> String {
        let log = self.log();
        let from = log.char_indices().rev().nth(LOG_TAIL).map_or(0, |(at, _)| at);
        format!("--- the server's log, from its end ---\n{}", &log[from..])
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log_tail());
        }
        self.kill();
    }
}

/// The binary under test: `MOCHIYORI_BIN`, or the one that cargo built beside this test.
pub fn binary() -> PathBuf {
    if let Some(path) = std::env::var_os("MOCHIYORI_BIN") {
        return PathBuf::from(path);
    }
    let test = std::env::current_exe().expect("a test knows its own path");
    let name = format!("mochiyori{}", std::env::consts::EXE_SUFFIX);
    test.ancestors()
        .skip(1)
        .take(2)
        .map(|folder| folder.join(&name))
        .find(|path| path.is_file())
        .unwrap_or_else(|| {
            panic!(
                "there is no {name} beside the tests: run `cargo build --workspace --bins` first"
            )
        })
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::{fs::PermissionsExt, process::ExitStatusExt};

    use reqwest::StatusCode;

    use super::*;

    /// Stands in for the hub: it listens, writes the two files, and leaves with status 7 when asked to.
    const STAND_IN: &str = r#"
import http.server, os, pathlib, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = b'{"path": "%s"}' % self.path.encode()
        self.send_response(200 if self.path in ("/readyz", "/here") else 404)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
folder = pathlib.Path(sys.argv[sys.argv.index("--data-dir") + 1])
folder.mkdir(parents=True, exist_ok=True)
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
(folder / "admin-token").write_text("secret\n")
(folder / "listen-address.new").write_text("127.0.0.1:%d" % server.server_port)
os.rename(folder / "listen-address.new", folder / "listen-address")
print("started with", os.environ.get("MOCHIYORI_SERVER__NAME"), sys.argv[1:], flush=True)
server.serve_forever()
"#;

    fn stand_in(folder: &Path, script: &str) -> HubOptions {
        let path = folder.join("stand-in");
        fs::write(&path, script).expect("writes");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("is made runnable");
        HubOptions { binary: Some(path), ..HubOptions::default() }
    }

    #[tokio::test]
    async fn a_server_is_started_stopped_killed_and_started_again() {
        let folder = TempDir::new().expect("a folder");
        let script = format!("#!/usr/bin/env python3{STAND_IN}");
        let mut options = stand_in(folder.path(), &script);
        options.env.push(("MOCHIYORI_SERVER__NAME".to_owned(), "here".to_owned()));
        let mut hub = Hub::start_with(options).await;
        assert_eq!(hub.admin_token(), "secret");
        assert_eq!(hub.get_json("/here").await["path"], "/here");
        let gone = hub.client().get(hub.url("/gone"));
        assert_eq!(hub.refused(gone, None, StatusCode::NOT_FOUND).await["path"], "/gone");
        assert_eq!(hub.stop().await.code(), Some(7));

        hub.restart().await;
        hub.kill();
        hub.restart().await;
        assert_eq!(hub.log().matches("started with here ['serve'").count(), 3, "{}", hub.log());
    }

    #[tokio::test]
    async fn a_server_that_gives_up_shows_its_status_and_its_log() {
        let folder = TempDir::new().expect("a folder");
        let options = stand_in(folder.path(), "#!/bin/sh\necho no such key >&2\nexit 3\n");
        let (status, log) = Hub::start_and_fail(options).await;
        assert_eq!((status.code(), status.signal()), (Some(3), None));
        assert_eq!(log, "no such key\n");
    }
}

//! What the benchmarks compare the hub's cached answers with: `serve BYTES` is an axum route with a body of
//! so many bytes and an entity tag, `ask HOST:PORT PATH CLIENTS SECONDS [TAG]` is a load of clients that keep
//! their connections. In place of a path, `@FILE` names a file with a request a line, as a method, a target
//! and perhaps a body; the clients take turns at them. Both say on one line what came of it.

use std::{
    io,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use memchr::memmem;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

const TAG: &str = "\"bare\"";
const END_OF_HEAD: &[u8] = b"\r\n\r\n";
/// As the library that both sides use writes it.
const LENGTH: &[u8] = b"\r\ncontent-length: ";
const USAGE: &str = "bare_route serve BYTES | ask HOST:PORT PATH|@FILE CLIENTS SECONDS [TAG]";

#[tokio::main]
#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
async fn main() -> io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match arguments.as_slice() {
        ["serve", bytes] => {
            let body = Bytes::from("x".repeat(number(bytes)?));
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            println!("{}", listener.local_addr()?.port());
            let answer = move |headers: HeaderMap| {
                let body = body.clone();
                async move { answer(&headers, body) }
            };
            axum::serve(listener, Router::new().route("/", get(answer))).await
        }
        ["ask", address, path, clients, seconds, tag @ ..] => {
            let tag = tag.first().map_or(String::new(), |tag| format!("If-None-Match: {tag}\r\n"));
            let lines = match path.strip_prefix('@') {
                Some(file) => std::fs::read_to_string(file)?,
                None => format!("GET {path}"),
            };
            let requests = lines.lines().map(|line| request(address, line, &tag)).collect();
            let expected = if tag.is_empty() { "200" } else { "304" };
            let time = Duration::from_secs(number(seconds)? as u64);
            let begun = Instant::now();
            let mut waits = ask(address, requests, number(clients)?, time, expected).await?;
            // The last answers come after the time.
            let (count, taken) = (waits.len(), begun.elapsed());
            waits.sort_unstable();
            let at = |part: f64| {
                let index =
                    ((waits.len() as f64 * part) as usize).min(waits.len().saturating_sub(1));
                waits.get(index).map_or(0.0, |wait| wait.as_secs_f64() * 1_000.0)
            };
            println!(
                "{{\"requests\": {count}, \"per_second\": {:.1}, \"p50_ms\": {:.3}, \"p99_ms\": {:.3}}}",
                count as f64 / taken.as_secs_f64(),
                at(0.5),
                at(0.99)
            );
            Ok(())
        }
        _ => Err(io::Error::other(USAGE)),
    }
}

fn number(text: &str) -> io::Result<usize> {
    text.parse().map_err(|_| io::Error::other(format!("{text:?} is no number; {USAGE}")))
}

/// A line of a method, a target and perhaps a body, as it is sent.
fn request(address: &str, line: &str, fields: &str) -> String {
    let mut parts = line.splitn(3, ' ');
    let (method, target) = (parts.next().unwrap_or("GET"), parts.next().unwrap_or("/"));
    let body = parts.next().unwrap_or_default();
    let length = match body.len() {
        0 => String::new(),
        length => format!("Content-Length: {length}\r\n"),
    };
    format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nAccept: application/json\r\n{fields}{length}\r\n{body}"
    )
}

fn answer(headers: &HeaderMap, body: Bytes) -> Response {
    let fields = [(header::CONTENT_TYPE, "application/json"), (header::ETAG, TAG)];
    if headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag == TAG) {
        return (StatusCode::NOT_MODIFIED, fields).into_response();
    }
    (fields, body).into_response()
}

/// How long each of the answers was waited for that were asked for in the time.
async fn ask(
    address: &str,
    requests: Vec<String>,
    clients: usize,
    time: Duration,
    expected: &'static str,
) -> io::Result<Vec<Duration>> {
    let requests: Arc<[String]> = requests.into();
    let end = Instant::now() + time;
    let mut tasks = tokio::task::JoinSet::new();
    for client in 0..clients {
        let mut stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let requests = Arc::clone(&requests);
        tasks.spawn(async move {
            let mut waits = Vec::new();
            let mut held = Vec::new();
            for request in requests.iter().cycle().skip(client).step_by(clients) {
                let begun = Instant::now();
                if begun >= end {
                    break;
                }
                stream.write_all(request.as_bytes()).await?;
                read_answer(&mut stream, &mut held, expected).await?;
                waits.push(begun.elapsed());
            }
            io::Result::Ok(waits)
        });
    }
    let mut waits = Vec::new();
    while let Some(done) = tasks.join_next().await {
        waits.extend(done.map_err(io::Error::other)??);
    }
    Ok(waits)
}

/// Reads one answer of the expected status to its end, which its length, its last chunk or its status tells.
/// Looks at few bytes, since this program takes its part of the machine that it measures.
async fn read_answer(stream: &mut TcpStream, held: &mut Vec<u8>, expected: &str) -> io::Result<()> {
    held.clear();
    let head = loop {
        let begin = held.len().saturating_sub(END_OF_HEAD.len());
        more(stream, held).await?;
        if let Some(at) = memmem::find(&held[begin..], END_OF_HEAD) {
            break begin + at + END_OF_HEAD.len();
        }
    };
    if held.get(9..12) != Some(expected.as_bytes()) {
        let text = String::from_utf8_lossy(&held[..head]);
        return Err(io::Error::other(format!("{expected} was expected: {text}")));
    }
    let length = memmem::find(&held[..head], LENGTH).and_then(|at| {
        let digits = held[at + LENGTH.len()..head].iter().take_while(|byte| byte.is_ascii_digit());
        digits.map(|digit| usize::from(digit - b'0')).reduce(|number, digit| number * 10 + digit)
    });
    match length {
        _ if expected == "304" => {}
        Some(length) => {
            while held.len() < head + length {
                more(stream, held).await?;
            }
        }
        None => {
            while !held.ends_with(b"0\r\n\r\n") {
                more(stream, held).await?;
            }
        }
    }
    Ok(())
}

async fn more(stream: &mut TcpStream, held: &mut Vec<u8>) -> io::Result<()> {
    if stream.read_buf(held).await? == 0 {
        return Err(io::Error::other("a connection that was to be kept was closed"));
    }
    Ok(())
}

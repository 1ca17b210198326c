//! A real HTTP server that answers what it was told to, and keeps what it was asked.

use std::{convert::Infallible, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::{HeaderMap, Response, StatusCode},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use bytes::Bytes;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::sync::Mutex;

/// One answer.
#[derive(Debug, Clone)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Bytes,
    /// Whether the connection breaks where the body would end.
    pub(super) cut: bool,
}

pub(super) fn answer(status: StatusCode, json: &Value) -> Answer {
    let headers = vec![("content-type", "application/json".to_owned())];
    Answer { status, headers, body: json.to_string().into(), cut: false }
}

pub(super) fn problem(status: StatusCode, json: &Value) -> Answer {
    let headers = vec![("content-type", "application/problem+json".to_owned())];
    Answer { headers, ..answer(status, json) }
}

pub(super) fn content_digest(body: &[u8]) -> String {
    format!("sha-256=:{}:", BASE64_STANDARD.encode(Sha256::digest(body)))
}

/// One request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) method: String,
    pub(super) query: String,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

#[derive(Debug)]
struct Tape {
    answers: Vec<(&'static str, &'static str, Answer)>,
    asked: Mutex<Vec<Asked>>,
}

/// A running server; it stops with the test's runtime.
#[derive(Debug)]
pub(super) struct Playback {
    address: String,
    tape: Arc<Tape>,
}

impl Playback {
    /// Starts a server with answers by method and path; a path with a query is preferred to one
    /// without.
    pub(super) async fn start(
        answers: impl IntoIterator<Item = (&'static str, &'static str, Answer)>,
    ) -> Self {
        let tape =
            Arc::new(Tape { answers: answers.into_iter().collect(), asked: Mutex::default() });
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let router = Router::new().fallback(play).with_state(tape.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, tape }
    }

    pub(super) fn address(&self) -> String {
        self.address.clone()
    }

    pub(super) fn requests(&self, method: &str) -> Vec<Asked> {
        let asked = self.tape.asked.lock().unwrap();
        asked.iter().filter(|asked| asked.method == method).cloned().collect()
    }
}

async fn play(State(tape): State<Arc<Tape>>, request: Request) -> Response<Body> {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    let (method, path) = (head.method.as_str(), head.uri.path());
    let query = head.uri.query().unwrap_or_default();
    let whole = format!("{path}?{query}");
    let found = [whole.as_str(), path]
        .into_iter()
        .find_map(|wanted| tape.answers.iter().find(|(m, p, _)| *m == method && *p == wanted));
    tape.asked.lock().unwrap().push(Asked {
        method: method.to_owned(),
        query: query.to_owned(),
        headers: head.headers.clone(),
        body,
    });
    let Some((_, _, answer)) = found else {
        return Response::builder().status(404).body("no such answer".into()).unwrap();
    };
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(*name, value);
    }
    let body = answer.body.clone();
    if answer.cut {
        let broken = std::io::Error::other("cut");
        let pieces = futures::stream::iter([Ok(body), Err(broken)]);
        return response.body(Body::from_stream(pieces)).unwrap();
    }
    let whole = futures::stream::iter([Ok::<_, Infallible>(body)]);
    response.body(Body::from_stream(whole)).unwrap()
}

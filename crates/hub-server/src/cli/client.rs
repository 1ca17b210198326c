//! A small client of the hub's HTTP interface: addresses, the token, and what answers mean. What the
//! single commands ask for is theirs.

use std::{error::Error, time::Duration};

use reqwest::{
    Method, RequestBuilder, Response, StatusCode, Url,
    header::{ACCEPT_LANGUAGE, AUTHORIZATION, HeaderValue, LOCATION},
    redirect,
};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::cli::{args::Secret, error::CliError, output::Language, problem::Problem};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const MAX_REDIRECTS: usize = 5;
/// The most of an error answer that is read; the largest are reports on refused files.
const MAX_PROBLEM_BYTES: usize = 16 << 20;
/// How many entries of a list are asked for at once.
const PAGE: usize = 100;

/// A hub to ask, and who asks.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    authorization: Option<HeaderValue>,
    /// What the hub is to tell problems in.
    language: Language,
}

impl Client {
    /// Prepares to ask the hub at this address; nothing is sent yet.
    pub(crate) fn new(server: &str, token: Option<&Secret>) -> Result<Self, CliError> {
        let base = parse_base(server)?;
        let authorization = token
            .map(|token| token.expose().trim())
            .filter(|token| !token.is_empty())
            .map(|token| {
                let mut value =
                    HeaderValue::from_str(&format!("Bearer {token}")).map_err(|_| {
                        CliError::Usage("the token has characters that no token has".into())
                    })?;
                value.set_sensitive(true);
                Ok::<_, CliError>(value)
            })
            .transpose()?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("mochiyori/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_keepalive(Duration::from_secs(30))
            .redirect(redirect::Policy::custom(|attempt| {
                let first = attempt.previous().first().map(Url::origin);
                let stays = first == Some(attempt.url().origin());
                if stays && attempt.previous().len() <= MAX_REDIRECTS {
                    attempt.follow()
                } else {
                    attempt.stop()
                }
            }));
        if is_this_machine(&base) {
            // A proxy can't reach what is meant here, and would see the token.
            builder = builder.no_proxy();
        }
        let http = builder
            .build()
            .map_err(|e| CliError::Answer(format!("can't prepare connections: {}", root(&e))))?;
        Ok(Self { http, base, authorization, language: Language::En })
    }

    /// The same, asking the hub to tell problems in this language.
    pub(crate) fn in_language(self, language: Language) -> Self {
        Self { language, ..self }
    }

    /// The language that problems are told in.
    pub(crate) fn language(&self) -> Language {
        self.language
    }

    /// The hub's address, as it is shown.
    pub(crate) fn server(&self) -> &str {
        self.base.as_str().trim_end_matches('/')
    }

    /// A request to a path below the hub's address; each segment is encoded as needed.
    pub(crate) fn request(&self, method: Method, path: &[&str]) -> RequestBuilder {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let request = self.http.request(method, url).header(ACCEPT_LANGUAGE, self.language.tag());
        match &self.authorization {
            Some(value) => request.header(AUTHORIZATION, value.clone()),
            None => request,
        }
    }

    pub(crate) fn get(&self, path: &[&str]) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// Sends a request and answers the response, if it is a success.
    pub(crate) async fn send(&self, request: RequestBuilder) -> Result<Response, CliError> {
        self.send_sql(request, None).await
    }

    /// As [`Self::send`], for a request whose problems speak of places in `sql`.
    pub(crate) async fn send_sql(
        &self,
        request: RequestBuilder,
        sql: Option<&str>,
    ) -> Result<Response, CliError> {
        let response = request.send().await.map_err(|error| self.failed(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        if status.is_redirection() {
            return Err(self.redirected(&response));
        }
        Err(self.problem(response, sql).await)
    }

    /// Sends a request and reads its answer as JSON.
    pub(crate) async fn json<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, CliError> {
        let response = self.send(request).await?;
        let body = response.bytes().await.map_err(|error| self.failed(&error))?;
        serde_json::from_slice(&body).map_err(|error| self.not_understood(&error))
    }

    /// The first `limit` entries of a list that is answered page by page, and whether there are more.
    pub(crate) async fn list(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
        plural: &str,
        limit: usize,
    ) -> Result<(Vec<Value>, bool), CliError> {
        let mut entries: Vec<Value> = Vec::new();
        let mut cursor: Option<String> = None;
        loop {
            let page_limit = PAGE.min(limit.saturating_sub(entries.len()).max(1)).to_string();
            let mut request = self.get(path).query(query).query(&[("limit", page_limit.as_str())]);
            if let Some(cursor) = &cursor {
                request = request.query(&[("cursor", cursor)]);
            }
            let mut page: Value = self.json(request).await?;
            let Some(Value::Array(found)) = page.get_mut(plural).map(Value::take) else {
                return Err(self.not_understood(&format!("a list of {plural} was expected")));
            };
            let empty = found.is_empty();
            entries.extend(found);
            cursor = page.get("next_cursor").and_then(Value::as_str).map(str::to_owned);
            // An empty page that says there are more would go on for ever.
            if cursor.is_none() || empty || entries.len() >= limit {
                let more = cursor.is_some() || entries.len() > limit;
                entries.truncate(limit);
                return Ok((entries, more));
            }
        }
    }

    /// Why nothing, or only a part, of an answer came.
    pub(crate) fn failed(&self, error: &reqwest::Error) -> CliError {
        let (server, detail) = (self.server().to_owned(), root(error));
        if error.is_connect() || (error.is_timeout() && !error.is_body()) {
            return CliError::Unreachable { server, detail };
        }
        if error.is_builder() {
            return CliError::Usage(format!("the request can't be made: {detail}"));
        }
        CliError::Lost { server, detail, hint: "What came is not whole: run the command again." }
    }

    /// Something that is no hub's answer.
    pub(crate) fn not_understood(&self, detail: &dyn std::fmt::Display) -> CliError {
        CliError::Answer(format!(
            "the answer of {} is not understood: {detail}\n  Is it a Mochiyori hub, of a version \
             near to this one ({})?",
            self.server(),
            env!("CARGO_PKG_VERSION")
        ))
    }

    fn redirected(&self, response: &Response) -> CliError {
        let target = response
            .headers()
            .get(LOCATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|target| response.url().join(target).ok());
        match target {
            Some(target) => CliError::Redirected {
                server: self.server().to_owned(),
                origin: target.origin().ascii_serialization(),
                target: target.to_string(),
            },
            None => self.not_understood(&format!("it points nowhere ({})", response.status())),
        }
    }

    async fn problem(&self, mut response: Response, sql: Option<&str>) -> CliError {
        let status = response.status();
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(Some(chunk)) if body.len() + chunk.len() <= MAX_PROBLEM_BYTES => {
                    body.extend_from_slice(&chunk);
                }
                Ok(None) => break,
                // What came so far may still say why; if it doesn't, the status does.
                Ok(Some(_)) | Err(_) => break,
            }
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(mut problem) if !problem.title.is_empty() => {
                problem.status = status.as_u16();
                let mut shown = problem.show(sql);
                shown.push_str(self.advice(status));
                CliError::Problem { problem: Box::new(problem), shown }
            }
            _ => self.not_understood(&format!("status {status}")),
        }
    }

    /// What to do about a status, where the hub can't know it.
    fn advice(&self, status: StatusCode) -> &'static str {
        match status {
            StatusCode::UNAUTHORIZED => {
                "\n  Give your token by the environment variable MOCHIYORI_TOKEN, or by --token"
            }
            // The hub does not tell what is hidden from what is absent.
            StatusCode::NOT_FOUND if self.authorization.is_none() => {
                "\n  If it is not public, give your token by MOCHIYORI_TOKEN, or by --token"
            }
            _ => "",
        }
    }
}

fn parse_base(server: &str) -> Result<Url, CliError> {
    let usage = |why: &str| {
        CliError::Usage(format!(
            "--server {server:?} is not the address of a hub: {why}\n  Write it like \
             http://127.0.0.1:8080 or https://hub.example.jp"
        ))
    };
    let mut base = Url::parse(server.trim()).map_err(|error| usage(&error.to_string()))?;
    if !matches!(base.scheme(), "http" | "https") || base.host_str().is_none() {
        return Err(usage("it must begin with http:// or https://"));
    }
    if !base.username().is_empty() || base.password().is_some() {
        return Err(usage("it must not hold a name or a password; use --token"));
    }
    base.set_query(None);
    base.set_fragment(None);
    Ok(base)
}

fn is_this_machine(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

/// The innermost cause, which is the one that says what happened.
fn root(error: &dyn Error) -> String {
    let mut cause = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_encoded_and_kept_below_the_hubs_address() {
        let client = Client::new("https://hub.example.jp/open/?x=1#y", None).unwrap();
        let request = client.get(&["v1", "versions", "../a b/流"]).build().unwrap();
        assert_eq!(
            request.url().as_str(),
            "https://hub.example.jp/open/v1/versions/..%2Fa%20b%2F%E6%B5%81"
        );
        assert_eq!(client.server(), "https://hub.example.jp/open");
    }

    #[test]
    fn an_address_that_is_none_is_wrong_usage() {
        for server in
            ["localhost:8080", "ftp://hub.example.jp", "", "http://user:pw@hub.example.jp"]
        {
            let error = Client::new(server, None).unwrap_err();
            assert_eq!(error.exit_code(), crate::cli::error::USAGE, "{server}");
        }
    }

    #[test]
    fn a_token_is_sent_and_never_shown() {
        let secret = Secret::from("mochi_abc\n".to_owned());
        let client = Client::new("http://127.0.0.1:1", Some(&secret)).unwrap();
        let request = client.get(&["v1", "me"]).build().unwrap();
        assert_eq!(request.headers()[AUTHORIZATION], "Bearer mochi_abc");
        assert!(!format!("{client:?} {secret:?} {request:?}").contains("mochi_abc"));
        let empty = Client::new("http://127.0.0.1:1", Some(&Secret::from(String::new()))).unwrap();
        assert!(!empty.get(&[]).build().unwrap().headers().contains_key(AUTHORIZATION));
    }
}

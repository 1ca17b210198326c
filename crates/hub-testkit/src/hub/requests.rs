//! What tests ask of a running server again and again, over the same HTTP interface that users have.
//! Each helper fails the test, with the answer and the end of the server's log, where the answer is not
//! the one it is for.

use std::time::Duration;

use bytes::Bytes;
use hub_model::DatasetId;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use super::Hub;

/// How long a helper's request may take before the test fails with the server's log.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(300);

impl Hub {
    /// Makes an agency as the admin.
    pub async fn create_agency(&self, id: &str, name_ja: &str, name_en: &str) -> Value {
        let body = json!({ "name": { "ja": name_ja, "en": name_en } });
        let request = self.client.put(self.url(&format!("/v1/agencies/{id}"))).json(&body);
        self.succeed(request, Some(&self.admin_token())).await
    }

    /// Makes a token of a role (`reader`, `publisher`, `admin`) as the admin, and returns it.
    pub async fn create_token(&self, agency: &str, role: &str) -> String {
        let body = json!({ "name": format!("{role} of {agency}"), "role": role, "agency": agency });
        let request = self.client.post(self.url("/v1/tokens")).json(&body);
        let answer = self.succeed(request, Some(&self.admin_token())).await;
        answer["token"].as_str().expect("the answer carries the token").to_owned()
    }

    /// Makes a dataset, `agency.dataset`, from `{"metadata": …, "contract": …}`.
    pub async fn create_dataset(&self, id: &str, description: &Value, token: &str) -> Value {
        let request = self.client.put(self.url(&dataset_path(id))).json(description);
        self.succeed(request, Some(token)).await
    }

    /// Uploads a whole file by appending it, and returns the answer's body.
    pub async fn upload(
        &self,
        id: &str,
        bytes: impl Into<Bytes>,
        media_type: &str,
        token: &str,
    ) -> Value {
        self.succeed(self.upload_request(id, "append", bytes, media_type), Some(token)).await
    }

    /// The request of an upload, to add headers to it and to send it as the test needs. It carries no
    /// token yet.
    pub fn upload_request(
        &self,
        id: &str,
        mode: &str,
        bytes: impl Into<Bytes>,
        media_type: &str,
    ) -> RequestBuilder {
        self.client
            .post(self.url(&format!("{}/uploads?mode={mode}", dataset_path(id))))
            .header("content-type", media_type)
            .body(reqwest::Body::from(bytes.into()))
    }

    /// Runs a query without a token and returns the JSON answer.
    pub async fn sql_json(&self, sql: &str) -> Value {
        self.succeed(self.sql_request(sql, "application/json"), None).await
    }

    /// Runs a query with a token and returns the JSON answer.
    pub async fn sql_json_as(&self, sql: &str, token: &str) -> Value {
        self.succeed(self.sql_request(sql, "application/json"), Some(token)).await
    }

    /// The request of a query whose answer is wanted in a media type. It carries no token yet.
    pub fn sql_request(&self, sql: &str, accept: &str) -> RequestBuilder {
        self.client.post(self.url("/v1/sql")).header("accept", accept).json(&json!({ "sql": sql }))
    }

    /// Reads a path without a token and returns the JSON answer.
    pub async fn get_json(&self, path: &str) -> Value {
        self.succeed(self.client.get(self.url(path)), None).await
    }

    /// Sends a request, fails the test unless the answer is a success, and returns its JSON body, which
    /// is null where the answer has none.
    pub async fn succeed(&self, request: RequestBuilder, token: Option<&str>) -> Value {
        let (url, status, body) = self.answer(request, token).await;
        assert!(
            status.is_success(),
            "{url} answered {status}: {}\n{}",
            String::from_utf8_lossy(&body),
            self.log_tail()
        );
        read_json(&url, &body)
    }

    /// Sends a request, fails the test unless the answer has this status, and returns its JSON body.
    pub async fn refused(
        &self,
        request: RequestBuilder,
        token: Option<&str>,
        expected: StatusCode,
    ) -> Value {
        let (url, status, body) = self.answer(request, token).await;
        assert_eq!(
            status,
            expected,
            "{url} answered {}\n{}",
            String::from_utf8_lossy(&body),
            self.log_tail()
        );
        read_json(&url, &body)
    }

    async fn answer(
        &self,
        request: RequestBuilder,
        token: Option<&str>,
    ) -> (String, StatusCode, Bytes) {
        let request = match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let response: Response = request
            .timeout(REQUEST_TIMEOUT)
            .send()
            .await
            .unwrap_or_else(|error| panic!("no answer: {error:?}\n{}", self.log_tail()));
        let (url, status) = (response.url().to_string(), response.status());
        let body = response.bytes().await.unwrap_or_else(|error| {
            panic!("the answer of {url} broke off: {error:?}\n{}", self.log_tail())
        });
        (url, status, body)
    }
}

fn dataset_path(id: &str) -> String {
    let id = DatasetId::parse(id).expect("a dataset's id is written agency.dataset");
    format!("/v1/datasets/{}/{}", id.agency().as_str(), id.name())
}

fn read_json(url: &str, body: &Bytes) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|error| {
        panic!("{url} did not answer JSON ({error}): {}", String::from_utf8_lossy(body))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dataset_is_addressed_by_its_agency_and_name() {
        assert_eq!(dataset_path("otaru.river_flow"), "/v1/datasets/otaru/river_flow");
    }
}

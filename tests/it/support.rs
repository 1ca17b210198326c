//! A hub with one public dataset to work on, and answers that are checked against the hub's own API
//! description: whatever a test asks, an answer whose status the description does not name fails it.

use std::time::{Duration, Instant};

use bytes::Bytes;
use hub_testkit::hub::{Hub, HubOptions};
use reqwest::{Client, Method, RequestBuilder, StatusCode, header::HeaderMap};
use serde_json::{Value, json};

use crate::document;

/// How long a test waits for what must come to pass.
const DEADLINE: Duration = Duration::from_secs(30);

/// The dataset that most tests work on.
pub(crate) const RIVER: &str = "otaru.river";
/// Its address.
pub(crate) const RIVER_PATH: &str = "/v1/datasets/otaru/river";
/// The first line of its CSV files.
pub(crate) const RIVER_HEADER: &str = "station,time,level,流量\n";

/// A running hub with the agency `otaru`, its publisher's token, and the empty dataset [`RIVER`].
pub(crate) struct Site {
    pub(crate) hub: Hub,
    pub(crate) publisher: String,
    description: Value,
}

impl Site {
    pub(crate) async fn start() -> Self {
        Self::with_config("").await
    }

    /// A hub whose configuration file has this text.
    pub(crate) async fn with_config(config: &str) -> Self {
        let config = (!config.is_empty()).then(|| config.to_owned());
        Self::with_options(HubOptions { config, ..HubOptions::default() }).await
    }

    /// A hub started like this, on a new data folder.
    pub(crate) async fn with_options(options: HubOptions) -> Self {
        let hub = Hub::start_with(options).await;
        hub.create_agency("otaru", "小樽開発建設部", "Otaru").await;
        let publisher = hub.create_token("otaru", "publisher").await;
        hub.create_dataset(RIVER, &river("public"), &publisher).await;
        let description = hub.get_json("/openapi.json").await;
        Self { hub, publisher, description }
    }

    /// A hub whose dataset has these rows, as version 1.
    pub(crate) async fn with_rows(stations: &[&str], hours: u32) -> Self {
        let site = Self::start().await;
        site.publish(river_csv(stations, 0, hours)).await;
        site
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.hub.client().get(self.hub.url(path))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.hub.client().post(self.hub.url(path))
    }

    pub(crate) fn put(&self, path: &str) -> RequestBuilder {
        self.hub.client().put(self.hub.url(path))
    }

    /// A query by POST, answered in JSON.
    pub(crate) fn sql(&self, sql: &str) -> RequestBuilder {
        self.hub.sql_request(sql, "application/json")
    }

    /// A query by GET.
    pub(crate) fn sql_by_address(&self, sql: &str) -> RequestBuilder {
        self.get("/v1/sql").query(&[("q", sql)])
    }

    /// Appends a CSV file to [`RIVER`] as its publisher.
    pub(crate) async fn publish(&self, csv: String) -> Value {
        self.hub.upload(RIVER, csv, "text/csv", &self.publisher).await
    }

    /// An upload to [`RIVER`] with its publisher's token.
    pub(crate) fn upload(&self, mode: &str, bytes: impl Into<Bytes>) -> RequestBuilder {
        self.hub
            .upload_request(RIVER, mode, bytes, "application/octet-stream")
            .bearer_auth(&self.publisher)
    }

    /// The rows of a public query.
    pub(crate) async fn rows(&self, sql: &str) -> Value {
        self.hub.sql_json(sql).await["rows"].take()
    }

    /// Sends a request and reads the whole answer.
    pub(crate) async fn ask(&self, request: RequestBuilder) -> Answer {
        let (client, request) = request.build_split();
        let request = request.expect("the request is well formed");
        let (method, path) = (request.method().clone(), request.url().path().to_owned());
        let sent = request.body().and_then(|body| body.as_bytes()).map(<[u8]>::to_vec);
        let answer = read(&client, request).await;
        self.check_documented(&method, &path, sent.as_deref(), &answer);
        answer
    }

    /// Whether the hub's description of itself lists such an answer. It is silent of addresses beside the API.
    pub(crate) fn lists(&self, method: &Method, path: &str, status: u16) -> bool {
        match self.described(method, path) {
            Described::Beside => true,
            Described::Operation(operation) => {
                !operation["responses"][status.to_string()].is_null()
            }
            Described::NoSuchMethod => [200, 405].contains(&status),
        }
    }

    fn described(&self, method: &Method, path: &str) -> Described<'_> {
        let paths = self.description["paths"].as_object().expect("the description has paths");
        let Some((_, operations)) = paths.iter().find(|(template, _)| matches(template, path))
        else {
            return Described::Beside;
        };
        let is_get = *method == Method::HEAD && operations.get("head").is_none();
        let name = if is_get { "get" } else { &method.as_str().to_lowercase() };
        operations.get(name).map_or(Described::NoSuchMethod, Described::Operation)
    }

    /// Holds the status and the body of an answer, and the body that was asked with and taken, against the
    /// description.
    fn check_documented(&self, method: &Method, path: &str, sent: Option<&[u8]>, answer: &Answer) {
        assert!(
            self.lists(method, path, answer.status),
            "/openapi.json does not say that {method} {path} is answered with {answer:?}"
        );
        let Described::Operation(operation) = self.described(method, path) else { return };
        let content = &operation["responses"][answer.status.to_string()]["content"];
        let answered = document::fault(
            &self.description,
            content,
            answer.header("content-type"),
            &answer.body,
        );
        assert_eq!(
            answered, None,
            "{method} {path} is answered otherwise than described: {answer:?}"
        );
        if let Some(sent) = sent.filter(|_| answer.status < 300) {
            let content = &operation["requestBody"]["content"];
            let asked = document::fault(&self.description, content, "application/json", sent);
            assert_eq!(asked, None, "{method} {path} takes what is described otherwise");
        }
    }

    /// Waits until the counter or gauge has this value.
    pub(crate) async fn until_metric(&self, line: &str) {
        let deadline = Instant::now() + DEADLINE;
        loop {
            let text = self.ask(self.get("/metrics")).await.text();
            if text.lines().any(|found| found == line) {
                return;
            }
            assert!(Instant::now() < deadline, "{line:?} did not come to pass:\n{text}");
            tokio::task::yield_now().await;
        }
    }
}

async fn read(client: &Client, request: reqwest::Request) -> Answer {
    let response = client.execute(request).await.expect("the hub answers");
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = response.bytes().await.expect("the answer is whole");
    Answer { status, headers, body }
}

fn matches(template: &str, path: &str) -> bool {
    let (template, path) = (template.split('/'), path.split('/'));
    template.clone().count() == path.clone().count()
        && template.zip(path).all(|(part, found)| part.starts_with('{') || part == found)
}

/// What the hub's description says of an address and a method.
enum Described<'a> {
    /// The address is beside the API.
    Beside,
    /// The address takes other methods only.
    NoSuchMethod,
    Operation(&'a Value),
}

/// An answer that was read to its end.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body: String = String::from_utf8_lossy(&self.body).chars().take(2_000).collect();
        write!(f, "{} {:#?}\n{body}", self.status, self.headers)
    }
}

impl Answer {
    /// The answer, if it is a success.
    pub(crate) fn ok(self) -> Self {
        assert_eq!(self.status, 200, "{self:?}");
        self
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("the answer is text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().expect("the header is text"))
    }

    /// The body, if the answer is a problem of this status and kind in the form that all have.
    pub(crate) fn problem(&self, status: StatusCode, slug: &str) -> Value {
        assert_eq!(self.status, status.as_u16(), "{self:?}");
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let problem = self.json();
        assert_eq!(problem["type"], format!("/problems/{slug}"), "{self:?}");
        assert_eq!(problem["status"], self.status, "{self:?}");
        assert_eq!(problem["instance"], self.header("x-request-id"), "{self:?}");
        for said in ["title", "detail"] {
            assert!(problem[said].as_str().is_some_and(|text| !text.is_empty()), "{self:?}");
        }
        problem
    }
}

/// What is said of [`RIVER`], with this visibility.
pub(crate) fn river(visibility: &str) -> Value {
    json!({
        "metadata": {
            "title": {"ja": "時間水位・流量", "en": "Hourly level and discharge"},
            "keywords": ["河川", "river"],
            "licence": "CC-BY-4.0",
            "attribution": "出典：小樽開発建設部",
            "cadence": "PT1H",
            "visibility": visibility,
        },
        "contract": {
            "fields": [
                {"name": "station", "type": "string", "role": "key"},
                {"name": "time", "type": "datetime", "role": "time", "interval": "PT1H", "label": "end"},
                {"name": "level", "type": "number", "role": "value", "unit": "m"},
                {"name": "流量", "type": "number", "role": "value", "unit": "m3/s", "alias": "flow"},
            ],
            "primaryKey": ["station", "time"],
        },
    })
}

/// A CSV file of [`RIVER`]: `hours` rows a station from an hour of April 2026 on. The level is the hour's
/// number, the flow a hundred times it, and missing in every fourth.
pub(crate) fn river_csv(stations: &[&str], from_hour: u32, hours: u32) -> String {
    let mut csv = RIVER_HEADER.to_owned();
    for station in stations {
        let quoted = format!("\"{}\"", station.replace('"', "\"\""));
        let station = if station.contains([',', '"']) { &quoted } else { *station };
        for hour in from_hour..from_hour + hours {
            let flow = if hour % 4 == 3 { String::new() } else { (hour * 100).to_string() };
            csv.push_str(&format!("{station},{},{hour},{flow}\n", time(hour)));
        }
    }
    csv
}

/// An hour of April 2026 as files have it.
pub(crate) fn time(hour: u32) -> String {
    assert!(hour < 30 * 24, "April is over");
    format!("2026-04-{:02} {:02}:00", 1 + hour / 24, hour % 24)
}

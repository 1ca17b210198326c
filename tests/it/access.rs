//! Who may: tokens of each kind, and datasets that others must not know of.

use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, RIVER_PATH, Site, river, river_csv};

/// A private dataset of `otaru`, and one that does not exist. Their names are equally far from those of
/// others, so that suggestions can be compared.
const SECRET: &str = "otaru.secret_survey";
const NOWHERE: &str = "otaru.zecret_zurvey";

/// A hub with [`SECRET`], a reader's token of its agency, and a publisher's of another.
struct Secrets {
    site: Site,
    reader: String,
    stranger: String,
}

impl Secrets {
    async fn start() -> Self {
        let site = Site::with_rows(&["a"], 2).await;
        site.hub.create_agency("kisho", "気象台", "Weather").await;
        let reader = site.hub.create_token("otaru", "reader").await;
        let stranger = site.hub.create_token("kisho", "publisher").await;
        site.hub.create_dataset(SECRET, &river("private"), &site.publisher).await;
        site.hub.upload(SECRET, river_csv(&["zz"], 0, 5), "text/csv", &site.publisher).await;
        Self { site, reader, stranger }
    }

    /// Everyone who must not know of the dataset.
    fn outsiders(&self) -> [Option<&str>; 2] {
        [None, Some(&self.stranger)]
    }
}

fn with(request: RequestBuilder, token: Option<&str>) -> RequestBuilder {
    match token {
        Some(token) => request.bearer_auth(token),
        None => request,
    }
}

/// The status and the body, without what differs between any two requests and without the name asked for.
fn comparable(answer: &Answer, id: &str) -> (u16, String) {
    let id_path = id.replace('.', "/");
    let mut body = answer.json();
    if let Some(body) = body.as_object_mut() {
        for own in ["instance", "query_id"] {
            body.remove(own);
        }
    }
    let (_, name) = id.split_once('.').unwrap();
    let text = body.to_string().replace(&id_path, "X").replace(name, "X");
    (answer.status, text)
}

#[tokio::test]
async fn only_the_owning_agencys_publishers_write() {
    let Secrets { site, reader, stranger } = Secrets::start().await;
    let writes = |path: &str| {
        [
            site.put(path).json(&river("public")),
            site.post(&format!("{path}/uploads?mode=replace")).body(river_csv(&["x"], 0, 1)),
            site.post(&format!("{path}/compact")),
            site.post(&format!("{path}/vacuum")).json(&json!({"dry_run": true})),
        ]
    };
    for path in [RIVER_PATH, "/v1/datasets/otaru/secret_survey", "/v1/datasets/otaru/nowhere"] {
        for request in writes(path) {
            let answer = site.ask(request).await;
            answer.problem(StatusCode::UNAUTHORIZED, "unauthenticated");
            assert!(answer.header("www-authenticate").starts_with("Bearer"));
        }
        for token in [&reader, &stranger] {
            for request in writes(path) {
                let answer = site.ask(request.bearer_auth(token)).await;
                answer.problem(StatusCode::FORBIDDEN, "forbidden");
            }
        }
    }
    let token = json!({"name": "x", "role": "admin"});
    for request in [
        site.put("/v1/agencies/new").json(&json!({"name": {"ja": "新"}})),
        site.post("/v1/tokens").json(&token),
        site.get("/v1/tokens"),
        site.hub.client().delete(site.hub.url(&format!("/v1/tokens/{}", uuid::Uuid::now_v7()))),
    ] {
        let answer = site.ask(request.bearer_auth(&site.publisher)).await;
        answer.problem(StatusCode::FORBIDDEN, "forbidden");
    }
    assert_eq!(site.rows("SELECT count(*) AS n FROM otaru.river").await, json!([{"n": 2}]));
}

#[tokio::test]
async fn a_change_of_a_dataset_shows_in_the_next_answer() {
    let site = Site::with_rows(&["a"], 2).await;
    let rows = format!("{RIVER_PATH}/rows");
    let read = || site.get(&rows);
    let put = async |description: &Value| {
        let request = site.put(RIVER_PATH).bearer_auth(&site.publisher).json(description);
        assert_eq!(site.ask(request).await.status, 200);
    };
    // What was read before is known by now, and must not answer for what is changed.
    for _ in 0..2 {
        assert_eq!(site.ask(read()).await.ok().json()["row_count"], 2);
    }
    let renamed = json!({"name": {"ja": "新しい名", "en": "Renamed"}});
    let rename = site.put("/v1/agencies/otaru").bearer_auth(site.hub.admin_token()).json(&renamed);
    site.ask(rename).await.ok();
    let answer = site.ask(read()).await.ok().json();
    assert_eq!(answer["sources"][0]["publisher"]["en"], "Renamed");

    let mut grown = river("public");
    let column = json!({"name": "turbidity", "type": "number", "role": "value"});
    grown["contract"]["fields"].as_array_mut().unwrap().push(column);
    put(&grown).await;
    let answer = site.ask(read()).await.ok().json();
    assert_eq!(answer["rows"][0]["turbidity"], Value::Null);
    assert_eq!(answer["columns"].as_array().unwrap().len(), 5);

    site.publish(river_csv(&["a"], 2, 3)).await;
    assert_eq!(site.ask(read()).await.ok().json()["row_count"], 5);

    grown["metadata"]["visibility"] = json!("private");
    put(&grown).await;
    site.ask(read()).await.problem(StatusCode::NOT_FOUND, "not-found");
    let sql = "SELECT count(*) AS n FROM otaru.river";
    site.ask(site.sql(sql)).await.problem(StatusCode::BAD_REQUEST, "sql-invalid");
    site.ask(site.get(&format!("{RIVER_PATH}/latest")))
        .await
        .problem(StatusCode::NOT_FOUND, "not-found");
    site.ask(read().bearer_auth(&site.publisher)).await.ok();
    grown["metadata"]["visibility"] = json!("public");
    put(&grown).await;
    site.ask(read()).await.ok();
}

#[tokio::test]
async fn tokens_that_are_no_good_are_refused_everywhere() {
    let site = Site::start().await;
    let admin = site.hub.admin_token();
    let make = |body: Value| site.post("/v1/tokens").bearer_auth(&admin).json(&body);
    let token = |answer: &Answer| answer.json()["token"].as_str().unwrap().to_owned();

    let expired = json!({"name": "old", "role": "reader", "agency": "otaru", "expires_in_days": 0});
    let expired = token(&site.ask(make(expired)).await);
    let revoked =
        site.ask(make(json!({"name": "left", "role": "reader", "agency": "otaru"}))).await;
    let me = site.get("/v1/me").bearer_auth(token(&revoked));
    assert_eq!(site.ask(me).await.ok().json()["name"], "left");
    let id = revoked.json()["id"].as_str().unwrap().to_owned();
    let address = site.hub.url(&format!("/v1/tokens/{id}"));
    let withdrawn = site.ask(site.hub.client().delete(address).bearer_auth(&admin)).await;
    assert_eq!(withdrawn.status, 204);
    let revoked = token(&revoked);

    let unknown = format!("mcy_{}", "A".repeat(43));
    let bearers = [&expired, &revoked, &unknown, "mcy_", "' OR 1=1 --", "%00"];
    let mut headers: Vec<String> = bearers.iter().map(|t| format!("Bearer {t}")).collect();
    headers.extend([String::new(), "Bearer".into(), "Basic YTpi".into(), format!("Token {admin}")]);
    for header in headers {
        for request in [site.get("/v1/me"), site.get(RIVER_PATH), site.sql("SELECT 1")] {
            let answer = site.ask(request.header("authorization", &header)).await;
            answer.problem(StatusCode::UNAUTHORIZED, "unauthenticated");
        }
    }
    let twice = site.get("/v1/me").bearer_auth(&admin).bearer_auth(&admin);
    site.ask(twice).await.problem(StatusCode::UNAUTHORIZED, "unauthenticated");
    site.ask(site.get("/v1/me")).await.problem(StatusCode::UNAUTHORIZED, "unauthenticated");

    for wrong in [
        json!({"name": "", "role": "admin"}),
        json!({"name": "x", "role": "reader"}),
        json!({"name": "x", "role": "admin", "expires_in_days": u32::MAX}),
    ] {
        site.ask(make(wrong)).await.problem(StatusCode::BAD_REQUEST, "invalid-request");
    }
    let nobody = json!({"name": "x", "role": "reader", "agency": "nobody"});
    site.ask(make(nobody)).await.problem(StatusCode::NOT_FOUND, "not-found");

    let list = site.ask(site.get("/v1/tokens").bearer_auth(&admin)).await.ok();
    let log = site.hub.log();
    for secret in [&site.publisher, &expired, &revoked, &unknown] {
        assert!(!list.text().contains(secret.as_str()), "a listing shows a token");
        assert!(!log.contains(secret.as_str()), "the log holds a token");
    }
    assert_eq!(log.matches(&admin).count(), 1, "the first token is shown once, at the start");
}

#[tokio::test]
async fn a_private_dataset_cannot_be_told_from_none_by_its_address() {
    let secrets = Secrets::start().await;
    let site = &secrets.site;
    for token in secrets.outsiders() {
        for rest in [
            "",
            "/contract",
            "/versions",
            "/versions/1",
            "/rows",
            "/rows?level=gt.1&order=time",
            "/rows?version=1",
            "/latest",
            "/uploads",
            "/coverage",
            "/joinable",
        ] {
            let path = |id: &str| format!("/v1/datasets/{}{rest}", id.replace('.', "/"));
            let hidden = site.ask(with(site.get(&path(SECRET)), token)).await;
            let none = site.ask(with(site.get(&path(NOWHERE)), token)).await;
            assert_eq!(comparable(&hidden, SECRET), comparable(&none, NOWHERE), "{rest}");
            assert!(hidden.status >= 400, "{hidden:?}");
            let known = with(site.get(&path(SECRET)), token).header("if-none-match", "*");
            assert_eq!(site.ask(known).await.status, hidden.status, "{rest}");
        }
        for listing in [
            "/v1/datasets",
            "/v1/datasets?q=secret",
            "/v1/datasets?agency=otaru",
            "/",
            "/v1/coverage",
            "/coverage",
        ] {
            let text = site.ask(with(site.get(listing), token)).await.ok().text();
            assert!(!text.contains("secret_survey"), "{listing}: {text}");
        }
    }
    for token in [&secrets.reader, &site.publisher, &site.hub.admin_token()] {
        let path = "/v1/datasets/otaru/secret_survey";
        for rest in [
            "",
            "/contract",
            "/versions/1",
            "/rows",
            "/latest",
            "/uploads",
            "/coverage",
            "/joinable",
        ] {
            site.ask(site.get(&format!("{path}{rest}")).bearer_auth(token)).await.ok();
        }
        let listed = site.ask(site.get("/v1/datasets?q=secret").bearer_auth(token)).await.ok();
        assert_eq!(listed.json()["datasets"][0]["id"], SECRET);
    }
}

#[tokio::test]
async fn a_private_dataset_cannot_be_told_from_none_in_sql() {
    let secrets = Secrets::start().await;
    let site = &secrets.site;
    for sql in [
        "SELECT * FROM {t}",
        "SELECT 1 FROM {t} WHERE 1 / 0 = 1",
        "EXPLAIN SELECT * FROM {t}",
        "SELECT (SELECT max(level) FROM {t}) AS x",
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM {t})",
        "WITH unused AS (SELECT * FROM {t}) SELECT 1",
        "WITH t AS (SELECT * FROM {t}) SELECT * FROM t",
        "SELECT level FROM otaru.river UNION ALL SELECT level FROM {t}",
        "SELECT r.level FROM otaru.river r JOIN {t} s ON s.time = r.time",
        "SELECT r.level FROM otaru.river r CROSS JOIN LATERAL (SELECT * FROM {t}) s",
        "SELECT no_such_column FROM {t}",
        "SELECT level FROM {a}.\"{n}\"",
        "SELECT level FROM {A}.{N}",
        "SELECT level FROM \"{a}\".\"{N}\"",
        "SELECT level FROM \"{a}.{n}\"",
        "SELECT level FROM {n}",
        "SELECT level FROM mochiyori.{t}",
        "SELECT level FROM with_quality('{t}')",
        "WITH unused AS (SELECT * FROM with_quality('{t}')) SELECT 1",
    ] {
        let ask = async |id: &str, token: Option<&str>| {
            let (agency, name) = id.split_once('.').unwrap();
            let sql = sql
                .replace("{t}", id)
                .replace("{a}", agency)
                .replace("{n}", name)
                .replace("{A}", &agency.to_uppercase())
                .replace("{N}", &name.to_uppercase());
            let post = site.ask(with(site.sql(&sql), token)).await;
            let get = site.ask(with(site.sql_by_address(&sql), token)).await;
            let upper = name.to_uppercase();
            let clean = |(status, body): (u16, String)| (status, body.replace(&upper, "X"));
            assert_eq!(clean(comparable(&get, id)), clean(comparable(&post, id)), "{sql}");
            clean(comparable(&post, id))
        };
        for token in secrets.outsiders() {
            let hidden = ask(SECRET, token).await;
            assert_eq!(hidden, ask(NOWHERE, token).await, "{sql}");
            assert_eq!(hidden.0, 400, "{sql}: {hidden:?}");
        }
    }
    let versions = |id: &str| json!({"sql": format!("SELECT * FROM {id}"), "versions": {id: 1}});
    let hidden = site.ask(site.post("/v1/sql").json(&versions(SECRET))).await;
    let none = site.ask(site.post("/v1/sql").json(&versions(NOWHERE))).await;
    assert_eq!(comparable(&hidden, SECRET), comparable(&none, NOWHERE));

    let sql = format!("SELECT count(*) AS n FROM {SECRET}");
    for token in [&secrets.reader, &site.publisher] {
        let own = site.ask(site.sql(&sql).bearer_auth(token)).await.ok().json();
        assert_eq!(own["rows"], json!([{"n": 5}]));
    }
}

#[tokio::test]
async fn a_private_dataset_cannot_be_told_from_none_at_any_door_that_takes_sql() {
    let secrets = Secrets::start().await;
    let site = &secrets.site;
    let statements = [
        "SELECT level FROM {t}",
        "SELECT depth FROM {t}",
        "SELECT r.level FROM otaru.river r JOIN {t} s ON s.time = r.time",
        "SELECT level FROM with_quality('{t}')",
    ];
    for token in secrets.outsiders() {
        let mut doors =
            vec!["/v1/sql", "/v1/sql/cost", "/v1/sql/lineage", "/v1/permalinks", "/v1/citations"];
        if token.is_some() {
            doors.push("/v1/queries");
        }
        for door in doors {
            for (sql, language, versioned) in statements
                .iter()
                .flat_map(|sql| [(sql, "en", false), (sql, "ja", false), (sql, "en", true)])
            {
                let ask = async |id: &str| {
                    let mut body = json!({"sql": sql.replace("{t}", id)});
                    if versioned {
                        body["versions"] = json!({id: 1});
                    }
                    let request = site.post(door).header("accept-language", language).json(&body);
                    comparable(&site.ask(with(request, token)).await, id)
                };
                let hidden = ask(SECRET).await;
                assert_eq!(hidden, ask(NOWHERE).await, "{door}: {sql}");
                assert!(hidden.0 == 400 || hidden.0 == 404, "{door}: {sql}: {hidden:?}");
            }
        }
        let cited = async |id: &str| {
            let request = site.get("/v1/citations").query(&[("sources", format!("{id}@1"))]);
            comparable(&site.ask(with(request, token)).await, id)
        };
        let hidden = cited(SECRET).await;
        assert_eq!((hidden.0, &hidden), (404, &cited(NOWHERE).await));
    }
}

#[tokio::test]
async fn names_of_private_datasets_are_neither_listed_nor_suggested() {
    let secrets = Secrets::start().await;
    let site = &secrets.site;
    let tables = "SELECT table_schema || '.' || table_name AS t FROM information_schema.tables \
                  WHERE table_schema <> 'information_schema' ORDER BY 1";
    let columns =
        "SELECT count(*) AS n FROM information_schema.columns WHERE table_name LIKE '%cret%'";
    for token in secrets.outsiders() {
        let listed = site.ask(with(site.sql(tables), token)).await.ok().json();
        assert_eq!(listed["rows"], json!([{"t": "otaru.river"}]));
        let seen = site.ask(with(site.sql(columns), token)).await.ok().json();
        assert_eq!(seen["rows"], json!([{"n": 0}]));
        let near = site.ask(with(site.sql("SELECT * FROM otaru.secret_surveys"), token)).await;
        near.problem(StatusCode::BAD_REQUEST, "sql-invalid");
        assert!(!near.text().replace("secret_surveys", "").contains("secret_survey"), "{near:?}");
    }
    let listed = site.ask(site.sql(tables).bearer_auth(&secrets.reader)).await.ok().json();
    assert_eq!(listed["rows"], json!([{"t": "otaru.river"}, {"t": SECRET}]));
    let near = site.sql("SELECT * FROM otaru.secret_surveys").bearer_auth(&secrets.reader);
    let near = site.ask(near).await.problem(StatusCode::BAD_REQUEST, "sql-invalid");
    assert_eq!(near["suggestions"][0], SECRET);
}

#[tokio::test]
async fn a_dataset_made_private_is_gone_for_others_at_once() {
    let site = Site::with_rows(&["a"], 2).await;
    let rows = format!("{RIVER_PATH}/rows");
    let etag = site.ask(site.get(&rows)).await.ok().header("etag").to_owned();
    let sql = "SELECT count(*) AS n FROM otaru.river";
    let sql_etag = site.ask(site.sql_by_address(sql)).await.ok().header("etag").to_owned();
    site.hub.create_dataset("otaru.river", &river("private"), &site.publisher).await;
    let held = site.ask(site.get(&rows).header("if-none-match", etag)).await;
    held.problem(StatusCode::NOT_FOUND, "not-found");
    let held = site.sql_by_address(sql).header("if-none-match", sql_etag);
    site.ask(held).await.problem(StatusCode::BAD_REQUEST, "sql-invalid");
    let mine = site.ask(site.get(&rows).bearer_auth(&site.publisher)).await.ok();
    assert_eq!(mine.header("cache-control"), "private, no-cache");
}

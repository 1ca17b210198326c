//! A dataset's rows without SQL: filters, orders, pages that stay with their version, and what caches and
//! browsers are told.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{Answer, RIVER_PATH, Site, river_csv};

async fn ask(site: &Site, query: &[(&str, &str)]) -> Answer {
    site.ask(site.get(&format!("{RIVER_PATH}/rows")).query(query)).await
}

/// Every page from the first on, and how many there were.
async fn pages(site: &Site, query: &[(&str, &str)]) -> (Vec<Value>, usize) {
    let (mut rows, mut count) = (Vec::new(), 0);
    let mut cursor = None;
    loop {
        let mut query = query.to_vec();
        query.extend(cursor.as_deref().map(|cursor| ("cursor", cursor)));
        let page = ask(site, &query).await.ok().json();
        count += 1;
        rows.extend(page["rows"].as_array().unwrap().iter().cloned());
        cursor = page["next_cursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            return (rows, count);
        }
    }
}

#[tokio::test]
async fn each_filter_keeps_its_rows() {
    let site = Site::with_rows(&["余市", "朝里", "a,b"], 24).await;
    for (name, condition, rows) in [
        ("station", "eq.余市", 24),
        ("station", "neq.余市", 48),
        ("station", "in.(余市,朝里)", 48),
        ("station", "in.(\"a,b\")", 24),
        ("station", "like.余*", 24),
        ("station", "like.%里", 24),
        ("level", "gt.20", 9),
        ("level", "gte.20", 12),
        ("level", "lt.2", 6),
        ("level", "lte.2.0", 9),
        ("level", "eq.5", 3),
        ("流量", "is.null", 18),
        ("flow", "not.is.null", 54),
        ("flow", "gte.2000", 9),
        ("time", "gte.2026-04-01T22:00:00+09:00", 6),
        ("time", "lt.2026-04-01 02:00", 6),
        ("time", "eq.2026-03-31T15:00:00Z", 3),
    ] {
        let answer = ask(&site, &[(name, condition), ("limit", "1000")]).await.ok().json();
        assert_eq!(answer["row_count"], rows, "{name}={condition}");
    }
    let both =
        [("level", "gte.5"), ("level", "lt.7"), ("station", "eq.朝里"), ("select", "flow,time")];
    let answer = ask(&site, &both).await.ok().json();
    assert_eq!(
        answer["rows"],
        json!([
            {"flow": 500.0, "time": "2026-04-01T05:00:00+09:00"},
            {"flow": 600.0, "time": "2026-04-01T06:00:00+09:00"},
        ])
    );
    assert_eq!(answer["columns"][0]["unit"], "m3/s");
    assert_eq!(answer["sources"][0]["attribution"], "出典：小樽開発建設部");
}

#[tokio::test]
async fn pages_join_up_to_the_whole_in_each_order() {
    let site = Site::with_rows(&["a", "b", "c"], 24).await;
    for order in ["", "time", "time.desc", "流量.desc,station", "level.asc,station.desc"] {
        let (paged, count) = pages(&site, &[("order", order), ("limit", "7")]).await;
        assert_eq!(count, 11, "{order}");
        let (whole, _) = pages(&site, &[("order", order), ("limit", "10000")]).await;
        assert_eq!(paged, whole, "{order}");
        assert_eq!(whole.len(), 72);
    }
    let newest = ask(&site, &[("order", "time.desc,station"), ("limit", "1")]).await.ok().json();
    assert_eq!(newest["rows"][0]["time"], "2026-04-01T23:00:00+09:00");
    let last = ask(&site, &[("limit", "72")]).await.ok().json();
    assert_eq!(last["next_cursor"], Value::Null);
}

#[tokio::test]
async fn a_cursor_stays_with_its_version_and_its_question() {
    let site = Site::with_rows(&["a"], 10).await;
    let first = ask(&site, &[("limit", "5")]).await.ok().json();
    let cursor = first["next_cursor"].as_str().unwrap();
    site.hub.succeed(site.upload("replace", river_csv(&["z"], 0, 3)), None).await;
    let second = ask(&site, &[("limit", "9"), ("cursor", cursor)]).await.ok().json();
    assert_eq!((&second["row_count"], second.get("next_cursor")), (&json!(5), Some(&Value::Null)));
    assert_eq!(second["rows"][0]["station"], "a");
    assert_eq!(second["sources"][0]["version"], 1);
    assert_eq!(ask(&site, &[]).await.ok().json()["row_count"], 3);
    for query in [
        [("cursor", cursor), ("order", "time.desc")],
        [("cursor", cursor), ("level", "gt.1")],
        [("cursor", "rubbish"), ("limit", "5")],
        [("cursor", "e30"), ("limit", "5")],
    ] {
        let answer = ask(&site, &query).await;
        answer.problem(StatusCode::BAD_REQUEST, "invalid-request");
    }
    let csv = [("limit", "5"), ("version", "1"), ("format", "csv")];
    let csv = ask(&site, &csv).await.ok();
    assert_eq!(
        csv.header("mochiyori-next-cursor"),
        cursor,
        "formats without room tell it by header"
    );
    assert_eq!(csv.text().lines().count(), 6);
}

#[tokio::test]
async fn older_versions_are_read_by_number_and_by_instant() {
    let site = Site::with_rows(&["a"], 2).await;
    let at = ask(&site, &[]).await.ok().json()["sources"][0]["committed_at"].clone();
    site.publish(river_csv(&["a"], 2, 2)).await;
    for version in ["1", at.as_str().unwrap()] {
        let answer = ask(&site, &[("version", version)]).await.ok().json();
        assert_eq!(
            (&answer["row_count"], &answer["sources"][0]["version"]),
            (&json!(2), &json!(1))
        );
    }
    for version in ["3", "2020-01-01T00:00:00+09:00"] {
        let gone = ask(&site, &[("version", version)]).await;
        gone.problem(StatusCode::NOT_FOUND, "not-found");
    }
    let wrong = ask(&site, &[("version", "yesterday")]).await;
    wrong.problem(StatusCode::BAD_REQUEST, "invalid-request");
}

#[tokio::test]
async fn what_cannot_be_meant_is_refused_with_what_was() {
    let site = Site::with_rows(&["a"], 2).await;
    for query in [
        ("limt", "5"),
        ("limit", "0"),
        ("limit", "10001"),
        ("limit", "x"),
        ("level", "5"),
        ("level", "eq.high"),
        ("time", "gt.yesterday"),
        ("select", ""),
        ("select", "level,level"),
        ("order", "level.down"),
        ("format", "xml"),
        ("levle", "gt.1"),
        ("order", "levle"),
        ("select", "levle"),
    ] {
        let answer = ask(&site, &[query]).await;
        let problem = answer.problem(StatusCode::BAD_REQUEST, "invalid-request");
        if query.0 == "levle" || query.1 == "levle" {
            assert_eq!(problem["suggestions"], json!(["level"]), "{query:?}: {problem}");
        }
    }
    let twice = ask(&site, &[("limit", "1"), ("limit", "2")]).await;
    twice.problem(StatusCode::BAD_REQUEST, "invalid-request");
}

#[tokio::test]
async fn unchanged_rows_are_not_sent_again() {
    let site = Site::with_rows(&["a", "b"], 200).await;
    for path in [
        format!("{RIVER_PATH}/rows?limit=300"),
        format!("{RIVER_PATH}/latest"),
        RIVER_PATH.to_owned(),
    ] {
        let first = site.ask(site.get(&path)).await.ok();
        let etag = first.header("etag").to_owned();
        assert!(etag.starts_with('"'), "{first:?}");
        assert_eq!(first.header("cache-control"), "public, no-cache");
        let held = || site.get(&path).header("if-none-match", format!("\"other\", {etag}"));
        let unchanged = site.ask(held()).await;
        assert_eq!((unchanged.status, unchanged.body.len()), (304, 0), "{path}");
        site.publish(river_csv(&[path.len().to_string().as_str()], 300, 2)).await;
        let changed = site.ask(held()).await.ok();
        assert_ne!(changed.header("etag"), etag, "{path}");
    }
    let head = site.hub.client().head(site.hub.url(&format!("{RIVER_PATH}/rows?limit=300")));
    let head = site.ask(head).await.ok();
    let get = site.ask(site.get(&format!("{RIVER_PATH}/rows?limit=300"))).await.ok();
    assert_eq!(head.body.len(), 0);
    for name in ["etag", "content-type", "mochiyori-sources", "cache-control"] {
        assert_eq!(head.header(name), get.header(name), "{name}");
    }
}

#[tokio::test]
async fn text_is_compressed_for_those_who_can_read_it() {
    let site = Site::with_rows(&["a", "b"], 300).await;
    let url = |format: &str| site.hub.url(&format!("{RIVER_PATH}/rows?limit=600&format={format}"));
    let plainly = reqwest::Client::builder().no_proxy().no_gzip().no_zstd().build().unwrap();
    let get = |format: &str| plainly.get(url(format));
    let plain = site.ask(get("csv").header("accept-encoding", "identity")).await.ok();
    assert_eq!(plain.header("content-encoding"), "");
    for encoding in ["gzip", "zstd"] {
        let small = site.ask(get("csv").header("accept-encoding", encoding)).await.ok();
        assert_eq!(small.header("content-encoding"), encoding);
        assert!(small.header("vary").contains("accept-encoding"), "{:?}", small.headers);
        assert!(small.body.len() * 3 < plain.body.len(), "{encoding}: {}", small.body.len());
    }
    // A client that asks for either reads it as it was.
    assert_eq!(site.ask(site.hub.client().get(url("csv"))).await.ok().body, plain.body);
    let parquet = site.ask(get("parquet").header("accept-encoding", "gzip")).await.ok();
    assert_eq!(parquet.header("content-encoding"), "", "it is compressed inside already");
    // Who takes nothing at all gets the answer as it is.
    for nothing in ["identity;q=0, *;q=0", "*;q=0", "br, identity;q=0"] {
        let answer = site.ask(get("csv").header("accept-encoding", nothing)).await.ok();
        assert_eq!(answer.body, plain.body, "{nothing}");
    }
}

#[tokio::test]
async fn the_newest_row_of_each_series_is_a_request_away() {
    let site = Site::with_rows(&["a", "b"], 30).await;
    site.publish(river_csv(&["b"], 30, 1)).await;
    let latest = |query: &str| site.get(&format!("{RIVER_PATH}/latest{query}"));
    let answer = site.ask(latest("")).await.ok().json();
    assert_eq!(
        answer["rows"],
        json!([
            {"station": "a", "time": "2026-04-02T05:00:00+09:00", "level": 29.0, "流量": 2900.0},
            {"station": "b", "time": "2026-04-02T06:00:00+09:00", "level": 30.0, "流量": 3000.0},
        ])
    );
    assert_eq!(answer["sources"][0]["version"], 2);
    let answer = site.ask(latest("?station=eq.b&select=level&level=lt.10")).await.ok().json();
    assert_eq!(answer["rows"], json!([{"level": 9.0}]));
    let csv = site.ask(latest("?format=csv&select=station")).await.ok();
    assert_eq!(csv.text(), "station\r\na\r\nb\r\n");
    let wrong = site.ask(latest("?limit=1")).await;
    wrong.problem(StatusCode::BAD_REQUEST, "invalid-request");
}

#[tokio::test]
async fn wrong_parameters_are_told_in_japanese_to_those_who_read_it() {
    let site = Site::with_rows(&["a"], 4).await;
    let rows = |query: &str| format!("{RIVER_PATH}/rows?{query}");
    for (path, said) in [
        (rows("limit=0"), "limit：1から10000までの数を指定してください"),
        (rows("limit=many"), "limit：1から10000までの数を指定してください"),
        (rows("limit=1&limit=2"), "limit：1回だけ指定してください"),
        (
            rows("format=pdf"),
            "format：使えるのは json, ndjson, csv, arrow, parquet, geojson, xlsx です",
        ),
        (rows("select=,"), "select：列の名前をコンマで区切って"),
        (rows("select=levle"), "列\"levle\"はありません。\"level\"のことでしょうか"),
        (rows("order=level.up"), "order：「列.asc」か「列.desc」の形で"),
        (rows("levle=eq.1"), "列\"levle\"はありません。\"level\"のことでしょうか"),
        (rows("level=1"), "level：パラメーターでも条件でもありません"),
        (rows("level=eq.high"), "level：\"high\"は数ではありません"),
        (rows("time=gte.noon"), "time：\"noon\"は時刻ではありません"),
        (rows("as_of=noon"), "as_of：2026-04-01T00:00:00+09:00 のような時刻を"),
        (rows("cursor=x"), "cursor には、前のページの next_cursor の値を"),
        ("/v1/align?measure=river".to_owned(), "measure：「機関.データセット.列」か"),
        (
            "/v1/align?measure=otaru.river.level".to_owned(),
            "every：1 hour、1 day、1 month のように",
        ),
        (
            "/v1/sql?q=SELECT%201&versions=otaru.river".to_owned(),
            "versions：「機関.データセット@3」の形で",
        ),
        ("/v1/datasets?agency=Otaru".to_owned(), "agency：「Otaru」は使えません。"),
        ("/v1/datasets?limit=0".to_owned(), "limit：1から"),
    ] {
        let (ja, en) = (site.get(&path).header("accept-language", "ja"), site.get(&path));
        let (ja, en) = (site.ask(ja).await, site.ask(en).await);
        assert_eq!(ja.header("content-language"), "ja", "{path}");
        let told = ja.problem(StatusCode::BAD_REQUEST, "invalid-request");
        assert_eq!(told["title"], "リクエストが正しくありません");
        let detail = told["detail"].as_str().unwrap();
        assert!(detail.starts_with(said), "{path}: {detail}");
        // Programs have the same type, and words that they had before.
        let plain = en.problem(StatusCode::BAD_REQUEST, "invalid-request");
        assert!(plain["detail"].as_str().unwrap().is_ascii(), "{path}: {plain}");
        assert_eq!(plain["errors"][0]["pointer"], told["errors"][0]["pointer"], "{path}");
    }
    // Of what has English words alone at least the title is Japanese.
    let odd = site.get("/v1/datasets/Otaru/river/rows").header("accept-language", "ja");
    let told = site.ask(odd).await.problem(StatusCode::NOT_FOUND, "not-found");
    assert_eq!(told["title"], "見つかりません");
    assert!(
        told["detail"].as_str().unwrap().starts_with("英語の説明：there is no dataset"),
        "{told}"
    );
}

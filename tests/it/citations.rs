//! Citations, read by the parsers that reference managers use.

use std::process::Command;

use hub_testkit::shared;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{RIVER, Site, river, river_csv};

/// A title with everything that one of the forms takes for a sign of its own.
const AWKWARD: &str = "水位 100% {A&B} #1 \\ $5 a_b ~^ \"x\"";

/// A hub with [`RIVER`] and a dataset of another agency under other terms.
async fn two_agencies() -> Site {
    let site = Site::with_config("[server]\npublic_url = \"https://hub.example.jp/\"").await;
    site.publish(river_csv(&["a"], 0, 4)).await;
    site.hub.create_agency("kisho", "札幌管区気象台", "Sapporo, Regional Headquarters").await;
    let publisher = site.hub.create_token("kisho", "publisher").await;
    let mut weather = river("public");
    weather["metadata"]["title"] = json!({"ja": AWKWARD, "en": "Levels, awkward"});
    weather["metadata"]["licence"] = json!("PDL-1.0");
    weather["metadata"]["attribution"] = json!("出典：気象庁ホームページ");
    weather["metadata"]["homepage"] = json!("https://www.data.jma.go.jp/");
    weather["metadata"]["synthetic"] = json!(true);
    site.hub.create_dataset("kisho.weather", &weather, &publisher).await;
    site.hub.upload("kisho.weather", river_csv(&["a"], 0, 4), "text/csv", &publisher).await;
    site
}

const JOIN: &str = "SELECT r.time, r.level, w.level AS other FROM otaru.river r \
                    JOIN kisho.weather w ON r.time = w.time ORDER BY r.time";

fn parsed(script: &str, input: &str) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("citation");
    std::fs::write(&file, input).unwrap();
    let output = Command::new(shared::python()).args(["-c", script]).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}\n{input}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[tokio::test]
async fn an_answer_leads_to_its_citation_and_its_terms() {
    let site = two_agencies().await;
    let answer = site.ask(site.sql(JOIN)).await.ok().json();
    let address = "https://hub.example.jp/v1/citations?sources=kisho.weather@1,otaru.river@1";
    assert_eq!(answer["citation"], address);
    let path = address.strip_prefix("https://hub.example.jp").unwrap();
    let citation = site.ask(site.get(path)).await.ok();
    assert_eq!(citation.header("cache-control"), "no-store");
    let citation = citation.json();
    assert_eq!(citation["sources"], answer["sources"]);
    let text = citation["text"]["ja"].as_str().unwrap();
    for said in [
        "小樽開発建設部",
        "otaru.river 第1版",
        "閲覧",
        "公共データ利用規約（第1.0版）",
        "合成データ",
        "出典：気象庁ホームページ",
        "https://www.data.jma.go.jp/",
        "https://hub.example.jp/v1/datasets/kisho/weather/versions/1",
        "https://creativecommons.org/licenses/by/4.0/",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
    assert!(citation["text"]["en"].as_str().unwrap().contains("Viewed 20"));
    let terms = &citation["terms"];
    assert_eq!(terms["edited_by"], true);
    assert_eq!(terms["conflicts"], json!([]));
    let kinds: Vec<_> = terms["obligations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|o| o["kind"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["attribution", "licence_notice", "edited_by", "synthetic"]);
    assert_eq!(terms["attributions"].as_array().unwrap().len(), 2);
    assert_eq!(site.ask(site.sql("SELECT 1 AS one")).await.ok().json().get("citation"), None);
    let page = site.ask(site.get("/v1/datasets/otaru/river/rows?limit=1")).await.ok();
    assert_eq!(
        page.json()["citation"],
        "https://hub.example.jp/v1/citations?sources=otaru.river@1"
    );
    let links: Vec<_> = page.headers.get_all("link").iter().map(|v| v.to_str().unwrap()).collect();
    let cite_as = "<https://hub.example.jp/v1/datasets/otaru/river/versions/1>; rel=\"cite-as\"";
    assert!(links.contains(&cite_as), "{links:?}");
}

#[tokio::test]
async fn a_statement_is_cited_without_running_it_in_each_form() {
    let site = two_agencies().await;
    let ask = async |format: &str, lang: &str| {
        let body = json!({"sql": JOIN, "format": format, "lang": lang});
        site.ask(site.post("/v1/citations").json(&body)).await.ok()
    };
    let bibtex = ask("bibtex", "ja").await;
    assert!(bibtex.header("content-type").starts_with("application/x-bibtex"));
    let entries = parsed(
        "import bibtexparser, json, sys\n\
         parser = bibtexparser.bparser.BibTexParser(common_strings=True)\n\
         print(json.dumps(bibtexparser.load(open(sys.argv[1], encoding='utf-8'), parser).entries))",
        &bibtex.text(),
    );
    let entry = &entries[0];
    assert_eq!(entries.as_array().unwrap().len(), 2);
    assert_eq!((&entry["ID"], &entry["ENTRYTYPE"]), (&json!("kisho_weather_v1"), &json!("misc")));
    assert_eq!(
        entry["title"],
        "{水位 100\\% \\textbraceleft{}A\\&B\\textbraceright{} \\#1 \\textbackslash{} \\$5 a\\_b \\textasciitilde{}\\textasciicircum{} \"x\"（合成データ）}"
    );
    assert_eq!(entry["author"], "{札幌管区気象台}");
    assert_eq!(entry["url"], "https://hub.example.jp/v1/datasets/kisho/weather/versions/1");
    assert!(entry["note"].as_str().unwrap().contains("合成データ"));

    let ris = ask("ris", "en").await;
    let entries = parsed(
        "import json, rispy, sys\nprint(json.dumps(rispy.load(open(sys.argv[1], encoding='utf-8'))))",
        &ris.text(),
    );
    assert_eq!(entries[0]["type_of_reference"], "DATA");
    assert_eq!(entries[0]["title"], "Levels, awkward (synthetic data)");
    assert_eq!(entries[0]["authors"], json!(["Sapporo， Regional Headquarters"]));
    assert_eq!(
        entries[1]["urls"],
        json!(["https://hub.example.jp/v1/datasets/otaru/river/versions/1"])
    );
    assert_eq!(entries.as_array().unwrap().len(), 2);

    let csl = ask("csl", "en").await;
    assert_eq!(csl.header("content-type"), "application/vnd.citationstyles.csl+json");
    let rendered = parsed(
        "import json, sys, warnings\n\
         warnings.simplefilter('ignore')\n\
         from citeproc import Citation, CitationItem, CitationStylesBibliography, CitationStylesStyle, formatter\n\
         from citeproc.source.json import CiteProcJSON\n\
         items = json.load(open(sys.argv[1], encoding='utf-8'))\n\
         style = CitationStylesStyle('harvard-cite-them-right', validate=False)\n\
         book = CitationStylesBibliography(style, CiteProcJSON(items), formatter.plain)\n\
         for item in items: book.register(Citation([CitationItem(item['id'])]))\n\
         print(json.dumps([str(entry) for entry in book.bibliography()]))",
        &csl.text(),
    );
    let rendered = rendered.to_string();
    for said in ["Otaru", "Hourly level and discharge", "Levels, awkward"] {
        assert!(rendered.contains(said), "{said}: {rendered}");
    }
    let text = ask("text", "en").await.text();
    assert_eq!(text.lines().count(), 2, "{text}");
    let made = site.post("/v1/permalinks").json(&json!({"sql": JOIN}));
    let made = site.ask(made).await.json();
    let path = format!("/v1/permalinks/{}/citation", made["id"].as_str().unwrap());
    let accepted = site.get(&path).header("accept", "application/x-bibtex");
    let accepted = site.ask(accepted).await.ok().text();
    assert_eq!(accepted.matches("@misc{").count(), 3, "the result and both sources: {accepted}");
    assert!(accepted.contains(made["result_hash"].as_str().unwrap()), "{accepted}");
}

#[tokio::test]
async fn licences_that_stand_against_each_other_are_said() {
    let site = Site::with_rows(&["a"], 2).await;
    for (name, licence) in [("sa", "CC-BY-SA-4.0"), ("nc", "CC-BY-NC-4.0")] {
        let mut dataset = river("public");
        dataset["metadata"]["licence"] = json!(licence);
        let id = format!("otaru.{name}");
        site.hub.create_dataset(&id, &dataset, &site.publisher).await;
        site.hub.upload(&id, river_csv(&["a"], 0, 2), "text/csv", &site.publisher).await;
    }
    let terms = site.ask(site.get("/v1/citations?sources=otaru.sa@1,otaru.nc@1")).await.ok().json();
    let terms = &terms["terms"];
    assert_eq!(terms["conflicts"][0]["licences"], json!(["CC-BY-NC-4.0", "CC-BY-SA-4.0"]));
    assert_eq!(
        (&terms["non_commercial"], &terms["share_alike"]),
        (&json!(true), &json!(["CC-BY-SA-4.0"]))
    );
}

#[tokio::test]
async fn what_can_not_be_cited_is_told_as_elsewhere() {
    let site = Site::with_rows(&["a"], 2).await;
    site.hub.create_dataset("otaru.secret", &river("private"), &site.publisher).await;
    site.hub.upload("otaru.secret", river_csv(&["a"], 0, 2), "text/csv", &site.publisher).await;
    for (query, status, slug) in [
        ("sources=otaru.secret@1", StatusCode::NOT_FOUND, "not-found"),
        ("sources=otaru.nothing@1", StatusCode::NOT_FOUND, "not-found"),
        ("sources=otaru.river@9", StatusCode::NOT_FOUND, "not-found"),
        ("sources=", StatusCode::BAD_REQUEST, "invalid-request"),
        ("sources=otaru.river", StatusCode::BAD_REQUEST, "invalid-request"),
        ("sources=otaru.river@1&format=xml", StatusCode::BAD_REQUEST, "invalid-request"),
        ("sources=otaru.river@1&lang=fr", StatusCode::BAD_REQUEST, "invalid-request"),
        ("sources=otaru.river@1&x=1", StatusCode::BAD_REQUEST, "invalid-request"),
    ] {
        let answer = site.ask(site.get(&format!("/v1/citations?{query}"))).await;
        answer.problem(status, slug);
    }
    let image = site.get("/v1/citations?sources=otaru.river@1").header("accept", "image/png");
    site.ask(image).await.problem(StatusCode::NOT_ACCEPTABLE, "not-acceptable");
    let sql = json!({"sql": "SELECT level FROM otaru.secret"});
    let refused = site.ask(site.post("/v1/citations").json(&sql)).await;
    refused.problem(StatusCode::BAD_REQUEST, "sql-invalid");
    assert_eq!(RIVER, "otaru.river");
}

#[tokio::test]
async fn what_is_asked_with_a_body_is_asked_in_it() {
    let site = two_agencies().await;
    let request = site.post("/v1/citations?format=bibtex").json(&json!({"sql": JOIN}));
    let answer = site.ask(request).await;
    let problem = answer.problem(StatusCode::BAD_REQUEST, "invalid-request");
    assert_eq!(
        problem["detail"],
        "there is no parameter format here; none is taken; with POST what is asked goes into the body, in JSON"
    );
}

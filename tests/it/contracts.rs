//! What datasets promise: made, grown, kept from breaking, and proposed from files.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{RIVER_PATH, Site, river};

async fn put(site: &Site, path: &str, description: &Value) -> crate::support::Answer {
    site.ask(site.put(path).bearer_auth(&site.publisher).json(description)).await
}

#[tokio::test]
async fn a_contract_grows_by_a_column_that_may_be_empty() {
    let site = Site::with_rows(&["a"], 2).await;
    let mut grown = river("public");
    let fields = grown["contract"]["fields"].as_array_mut().unwrap();
    fields.push(json!({"name": "備考", "type": "string", "alias": "remark"}));
    let answer = put(&site, RIVER_PATH, &grown).await.ok().json();
    assert_eq!(answer["revision"], 2);
    assert_eq!(answer["latest_version"]["number"], 1, "no new version comes of it");
    site.publish(
        "station,time,level,流量,備考\na,2026-04-02 00:00,1,1,欠測のため推定\n".to_owned(),
    )
    .await;
    let rows = site.rows("SELECT level, remark FROM otaru.river ORDER BY time").await;
    assert_eq!(
        rows,
        json!([
            {"level": 0.0, "remark": null},
            {"level": 1.0, "remark": null},
            {"level": 1.0, "remark": "欠測のため推定"},
        ])
    );
    let contract = site.ask(site.get(&format!("{RIVER_PATH}/contract"))).await.ok().json();
    assert_eq!(contract, answer["contract"]);
}

#[tokio::test]
async fn changes_that_break_readers_are_refused_with_all_reasons() {
    let site = Site::start().await;
    let mut broken = river("public");
    let fields = broken["contract"]["fields"].as_array_mut().unwrap();
    fields[2]["unit"] = json!("cm");
    fields.remove(3);
    fields.push(json!({"name": "must", "type": "string", "constraints": {"required": true}}));
    let answer = put(&site, RIVER_PATH, &broken).await;
    let problem = answer.problem(StatusCode::CONFLICT, "breaking-change");
    insta::assert_json_snapshot!(problem["errors"], @r#"
    [
      {
        "pointer": "level",
        "message": "its unit changed; add a new column in the new unit"
      },
      {
        "pointer": "流量",
        "message": "it is gone; keep it, or make a new dataset"
      },
      {
        "pointer": "must",
        "message": "a new column can't be required, since older rows have no value"
      }
    ]
    "#);
    let asked = site.hub.client().put(site.hub.url(RIVER_PATH)).json(&broken);
    let asked = asked.bearer_auth(&site.publisher).header("accept-language", "ja");
    let problem = site.ask(asked).await.problem(StatusCode::CONFLICT, "breaking-change");
    let told: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| &e["message"]).collect();
    assert_eq!(
        told,
        [
            "単位が変わっています。新しい単位の列を足してください",
            "列がなくなっています。残すか、新しいデータセットを作ってください",
            "前からある行に値がないので、新しい列は必須にできません",
        ]
    );
    let kept = site.ask(site.get(RIVER_PATH)).await.ok().json();
    assert_eq!(
        (&kept["revision"], &kept["contract"]["fields"][2]["unit"]),
        (&json!(1), &json!("m"))
    );
    // What was just said in other words changes the description only.
    let mut retitled = river("public");
    retitled["metadata"]["title"]["en"] = json!("River");
    assert_eq!(put(&site, RIVER_PATH, &retitled).await.ok().json()["revision"], 2);
}

#[tokio::test]
async fn a_contract_that_cannot_be_is_refused_with_every_place() {
    let site = Site::start().await;
    let path = "/v1/datasets/otaru/broken";
    let mut broken = river("public");
    let fields = broken["contract"]["fields"].as_array_mut().unwrap();
    fields[0]["unit"] = json!("m");
    fields[1]["label"] = json!("end");
    fields[1].as_object_mut().unwrap().remove("interval");
    fields[3]["alias"] = json!("level");
    broken["contract"]["primaryKey"] = json!(["station", "tme"]);
    let answer = put(&site, path, &broken).await;
    let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid-descriptor");
    let pointers: Vec<&str> = problem["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["pointer"].as_str().unwrap())
        .collect();
    assert_eq!(
        pointers,
        [
            "/contract/fields/0/unit",
            "/contract/fields/1/label",
            "/contract/fields/3/alias",
            "/contract/primaryKey/1",
        ]
    );
    let asked = site.hub.client().put(site.hub.url(path)).json(&broken);
    let asked = asked.bearer_auth(&site.publisher).header("accept-language", "ja");
    let problem =
        site.ask(asked).await.problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid-descriptor");
    let told: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| &e["message"]).collect();
    assert_eq!(
        told,
        [
            "単位を持てるのは数（integer、number）の列だけです",
            "label を書くときは interval も書いてください",
            "「level」がほかの列と重なっています",
            "「tme」という列がありません",
        ]
    );
    assert!(!problem["detail"].as_str().unwrap().contains("英語"), "{problem}");
    for (pointer, value) in [
        ("/metadata/licence", json!("BEER-1.0")),
        ("/metadata/attribution", json!(" ")),
        ("/metadata/titel", json!({"ja": "x"})),
        ("/contract/fields/0/typ", json!("string")),
        ("/contract/fields/0/type", json!("geometry")),
        ("/contract/fields/2/unit", json!("m3 / s")),
    ] {
        let mut broken = river("public");
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        broken.pointer_mut(parent).unwrap()[name] = value;
        let answer = put(&site, path, &broken).await;
        let problem = answer.problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid-descriptor");
        assert!(problem.to_string().contains(name), "{pointer}: {problem}");
    }
    for (name, value, said) in [
        ("title", json!({"ja": ""}), "題（title）を日本語か英語か両方で書いてください"),
        ("homepage", json!("町のページ"), "「町のページ」は使えません。http か https の"),
    ] {
        let mut broken = river("public");
        broken["metadata"][name] = value;
        let asked = site.hub.client().put(site.hub.url(path)).json(&broken);
        let asked = asked.bearer_auth(&site.publisher).header("accept-language", "ja");
        let problem =
            site.ask(asked).await.problem(StatusCode::UNPROCESSABLE_ENTITY, "invalid-descriptor");
        assert!(problem["detail"].as_str().unwrap().starts_with(said), "{problem}");
    }
    for path in
        ["/v1/datasets/otaru/Broken", "/v1/datasets/otaru/a.b", "/v1/datasets/otaru/%E5%B7%9D"]
    {
        assert_eq!(put(&site, path, &river("public")).await.status, 422, "{path}");
    }
    let gone = site.ask(site.get(path)).await;
    gone.problem(StatusCode::NOT_FOUND, "not-found");
}

#[tokio::test]
async fn japanese_names_and_their_aliases_read_the_same() {
    let site = Site::with_rows(&["余市"], 3).await;
    let by_name = site.rows("SELECT sum(\"流量\") AS n FROM otaru.river WHERE 流量 > 0").await;
    let by_alias = site.rows("SELECT sum(flow) AS n FROM otaru.river WHERE flow > 0").await;
    assert_eq!(by_name, json!([{"n": 300.0}]));
    assert_eq!(by_alias, by_name);
    let all = site.rows("SELECT * FROM otaru.river WHERE station = '余市' LIMIT 1").await;
    let names: Vec<&String> = all[0].as_object().unwrap().keys().collect();
    assert_eq!(names, ["station", "time", "level", "流量"], "a column is shown once, by its name");
    for filter in ["流量=gte.200", "flow=gte.200"] {
        let (name, condition) = filter.split_once('=').unwrap();
        let request = site.get(&format!("{RIVER_PATH}/rows")).query(&[(name, condition)]);
        assert_eq!(site.ask(request).await.ok().json()["row_count"], 1, "{filter}");
    }
}

#[tokio::test]
async fn a_proposal_can_be_confirmed_and_its_file_uploaded() {
    let site = Site::start().await;
    let file =
        "観測所,観測時刻,水位(m),戸数\n余市,2026-04-01 01:00,1.25,3\n余市,2026-04-01 02:00,,4\n";
    let propose = |token: Option<&str>| {
        let request = site.post("/v1/proposals").header("content-type", "text/csv").body(file);
        match token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    };
    let answer = site.ask(propose(Some(&site.publisher))).await.ok().json();
    let fields = answer["contract"]["fields"].as_array().unwrap();
    let types: Vec<_> = fields.iter().map(|f| f["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["string", "datetime", "number", "integer"], "{answer:#}");
    assert_eq!(fields[1]["role"], "time");
    assert_eq!(answer["rows"], 2);
    assert!(answer["notes"][0]["message"]["ja"].is_string(), "{answer:#}");
    site.ask(propose(None)).await.problem(StatusCode::UNAUTHORIZED, "unauthenticated");

    let description =
        json!({"metadata": river("public")["metadata"], "contract": answer["contract"]});
    let made = put(&site, "/v1/datasets/otaru/proposed", &description).await;
    assert_eq!(made.status, 201, "{made:?}");
    site.hub.upload("otaru.proposed", file, "text/csv", &site.publisher).await;
    let rows = site.rows("SELECT \"水位(m)\" AS level FROM otaru.proposed ORDER BY 1").await;
    assert_eq!(rows, json!([{"level": 1.25}, {"level": null}]));
    let excel = site.post("/v1/proposals").bearer_auth(&site.publisher).body("PK\x03\x04xl/");
    site.ask(excel).await.problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-format");
}

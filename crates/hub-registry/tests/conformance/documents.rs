//! The documents that databases in use hold: how they are written today, and that each form ever
//! written can be read. The files in `golden` are only ever added to.

use std::{fmt::Debug, fs, path::PathBuf};

use hub_model::{
    Agency, CellError, ColumnReport, Contract, DatasetMetadata, Interval, Period, Rule, Text,
    UploadReport, Visibility,
};
use hub_registry::{DatasetRecord, UploadRecord};
use serde::{Serialize, de::DeserializeOwned};

use crate::bench::{Bench, agency, at, dataset_id, metadata};

/// What a database holds is this file, and this file is read as `value`.
fn golden<T>(name: &str, stored: &str, value: &T)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug,
{
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name);
    let golden = fs::read_to_string(&path).unwrap();
    assert_eq!(stored, golden.trim_end(), "{name}");
    assert_eq!(serde_json::from_str::<T>(&golden).unwrap(), *value, "{name}");
}

fn full_contract() -> Contract {
    Contract::parse(
        r#"{"fields":[
            {"name":"観測所","type":"string","role":"key","alias":"station","example":"0101",
             "constraints":{"pattern":"[0-9]{4}","minLength":4,"maxLength":4}},
            {"name":"時刻","type":"datetime","format":"%Y/%m/%d %H:%M","role":"time","interval":"PT1H","label":"end"},
            {"name":"水位","type":"number","role":"value","unit":"m","title":"水位","description":"基準面から",
             "constraints":{"minimum":-10,"maximum":99.5}},
            {"name":"品質","type":"string","role":"quality","quality_of":"水位","constraints":{"enum":["normal","missing"]}},
            {"name":"市町村","type":"string","role":"place","constraints":{"required":true}},
            {"name":"note","type":"string"}],
            "primaryKey":["観測所","時刻"],"missingValues":["","欠測"]}"#
            .as_bytes(),
    )
    .unwrap()
}

fn full_metadata() -> DatasetMetadata {
    DatasetMetadata {
        description: Text::new("時別の水位。", "Hourly level."),
        keywords: vec!["河川".to_owned(), "river".to_owned()],
        contact: Some("data@example.jp".to_owned()),
        homepage: Some("https://example.jp/river".to_owned()),
        cadence: Some(Interval::parse("P1D").unwrap()),
        visibility: Visibility::Private,
        synthetic: true,
        ..metadata("河川水位", "River level")
    }
}

fn full_report() -> UploadReport {
    UploadReport {
        format: "csv".to_owned(),
        encoding: Some("utf-8".to_owned()),
        rows: 24,
        columns: vec![ColumnReport {
            name: "水位".to_owned(),
            source: Some("水位(m)".to_owned()),
            missing: 1,
        }],
        period: Some(Period {
            first: at("2024-01-31T15:00:00Z"),
            last: at("2024-02-01T14:00:00.5Z"),
        }),
        error_count: 2,
        errors: vec![CellError {
            file: None,
            row: Some(7),
            column: Some("水位(m)".to_owned()),
            cell: None,
            value: Some("-".to_owned()),
            rule: Rule::Type,
            message: Text::new("数ではありません", "not a number"),
            fix: Text::new("空欄にしてください", "leave the cell empty"),
        }],
        errors_by_rule: [(Rule::Type, 1), (Rule::UniqueKey, 1)].into(),
        ..hub_model::ReportBuilder::new("csv", 1).finish()
    }
}

async fn record(bench: &Bench) -> (Agency, DatasetRecord, UploadRecord) {
    let registry = bench.registry().await;
    let otaru = agency("otaru", "小樽開発建設部", "Otaru Development Office");
    registry.create_agency(&otaru).await.unwrap();
    let dataset = registry
        .create_dataset(&dataset_id("otaru.level"), &full_metadata(), &full_contract())
        .await
        .unwrap();
    let upload = UploadRecord { report: Some(full_report()), ..bench.upload(&dataset.id) };
    registry.begin_upload(&upload).await.unwrap();
    (otaru, dataset, upload)
}

pub(crate) async fn stored_documents_keep_their_form(bench: &Bench) {
    let (agency, dataset, upload) = record(bench).await;
    let stored = bench.stored(&["name"], "agencies").await;
    golden("agency_name_v1.json", &stored[0], &agency.name);
    let stored = bench.stored(&["metadata", "contract", "search"], "datasets").await;
    golden("metadata_v1.json", &stored[0], &dataset.metadata);
    golden("contract_v1.json", &stored[1], &dataset.contract);
    golden("search_v1.json", &serde_json::to_string(&stored[2]).unwrap(), &stored[2]);
    let stored = bench.stored(&["report", "report_errors"], "uploads").await;
    let report = upload.report.unwrap();
    golden("report_v1.json", &stored[0], &UploadReport { errors: Vec::new(), ..report.clone() });
    golden("report_errors_v1.json", &stored[1], &report.errors);
    let permalink = crate::permalinks::permalink(1, &[("otaru.level", 3)]);
    bench.registry().await.create_permalink(&permalink, None).await.unwrap();
    let stored = bench.stored(&["record"], "permalinks").await;
    golden("permalink_v1.json", &stored[0], &permalink);
}

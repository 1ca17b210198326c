//! The workbook that an office really has, sent from a terminal: what is wrong in it is named as the person
//! sees it, and the marked copy opens in the office's own spreadsheet.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use hub_testkit::hub::binary;
use rust_xlsxwriter::{Format, Workbook};
use serde_json::{Value, json};

use crate::support::Site;

const DATASET: &str = "otaru.wrecked";

fn dataset() -> Value {
    json!({
        "metadata": {
            "title": {"ja": "河川水位", "en": "Level"},
            "licence": "CC-BY-4.0",
            "attribution": "出典：小樽開発建設部",
            "visibility": "public",
        },
        "contract": {
            "fields": [
                {"name": "観測所", "type": "string", "role": "key", "alias": "station"},
                {"name": "日時", "type": "datetime", "role": "time", "alias": "time"},
                {"name": "水位（ｍ）", "type": "number", "role": "value", "unit": "m", "alias": "level"},
                {"name": "前時間差（ｍ）", "type": "number", "unit": "m", "alias": "change"},
            ],
            "primaryKey": ["観測所", "日時"],
        },
    })
}

/// Titles, a heading in two merged rows, a station merged over its rows, times of an era, full-width
/// digits, 24 o'clock, triangles and notes. C7 and B9 are wrong, unless they are mended.
fn wrecked(level: &str, time: &str) -> Vec<u8> {
    let mut book = Workbook::new();
    let plain = Format::new();
    let sheet = book.add_worksheet().set_name("水位").unwrap();
    sheet.merge_range(0, 0, 0, 3, "令和６年度　河川水位観測結果", &plain).unwrap();
    for (column, name) in ["観測所", "日時", "水位（ｍ）", "前時間差（ｍ）"].iter().enumerate()
    {
        sheet.merge_range(2, column as u16, 3, column as u16, name, &plain).unwrap();
    }
    sheet.merge_range(4, 0, 8, 0, "大川", &plain).unwrap();
    let rows = [
        ["令和６年４月１日　２３：００", "１．２５", "▲０．０３"],
        ["令和6年4月1日 24:00", "1.22", "△0.03"],
        ["令和6年4月2日 1:00", level, "0.01"],
        ["R6.4.2 2:00", "1,234", "－"],
        [time, "1.2", "0"],
    ];
    for (row, cells) in (4..).zip(rows) {
        sheet.write_row(row, 1, cells).unwrap();
    }
    sheet.write(10, 0, "※速報値であり、後日修正することがあります。").unwrap();
    sheet.write(11, 0, "（注）▲は減少を示す。").unwrap();
    book.save_to_buffer().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrecked_workbook_goes_in_but_for_two_cells_that_are_marked() {
    let site = Site::start().await;
    site.hub.create_dataset(DATASET, &dataset(), &site.publisher).await;
    let folder = tempfile::tempdir().unwrap();
    let run = |typed: &[&str]| {
        let mut command = Command::new(binary());
        command
            .args(typed)
            .current_dir(folder.path())
            .env("MOCHIYORI_URL", site.hub.url(""))
            .env("MOCHIYORI_TOKEN", &site.publisher)
            .env("LC_ALL", "ja_JP.UTF-8")
            .stdin(Stdio::null());
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout) + &text(stderr))
    };
    fs::write(folder.path().join("水位.xlsx"), wrecked("ばんごう", "令和6年4月31日 3:00")).unwrap();
    let upload = ["upload", "水位.xlsx", "--to", DATASET];
    let (code, said) = run(&[&upload[..], &["--report", "直すところ.xlsx"]].concat());
    assert_eq!(code, 3, "{said}");
    for wrong in ["ばんごう", "令和6年4月31日"] {
        assert!(said.contains(wrong), "{wrong} is not in: {said}");
    }
    let path = "/v1/datasets/otaru/wrecked/uploads";
    let uploads = site.ask(site.get(path).bearer_auth(&site.publisher)).await.ok().json();
    let id = uploads["uploads"][0]["id"].as_str().unwrap().to_owned();
    let upload = site.get(&format!("{path}/{id}")).bearer_auth(&site.publisher);
    let report = site.ask(upload).await.ok().json()["report"].clone();
    let named: Vec<&str> = report["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|error| error["cell"].as_str().unwrap())
        .collect();
    assert_eq!((named, &report["error_count"]), (vec!["C7", "B9"], &json!(2)), "{report}");
    let comments = comments_in_libreoffice(&folder.path().join("直すところ.xlsx"));
    assert_eq!(comments.len(), 2, "{comments:?}");
    assert!(comments[0].contains("ばんごう"), "{comments:?}");
    assert!(comments[1].contains("暦にない日付"), "{comments:?}");

    fs::write(folder.path().join("水位.xlsx"), wrecked("1.21", "令和6年4月30日 3:00")).unwrap();
    let (code, said) = run(&["upload", "水位.xlsx", "--to", DATASET]);
    assert_eq!(code, 0, "{said}");
    assert_eq!(
        site.rows("SELECT station, level, change FROM otaru.wrecked ORDER BY time LIMIT 2").await,
        json!([
            {"station": "大川", "level": 1.25, "change": -0.03},
            {"station": "大川", "level": 1.22, "change": -0.03},
        ])
    );
}

/// The comments of a workbook in the order of its rows, as LibreOffice reads them.
fn comments_in_libreoffice(book: &Path) -> Vec<String> {
    let folder = book.parent().unwrap();
    let ran = Command::new("soffice")
        .arg(format!("-env:UserInstallation=file://{}", folder.join("profile").display()))
        .args(["--headless", "--convert-to", "fods", "--outdir"])
        .arg(folder)
        .arg(book)
        .output();
    let output = ran.expect("soffice is there; scripts/setup.sh test installs it");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = fs::read_to_string(book.with_extension("fods")).unwrap();
    let of = |comment: &str| comment.split("</office:annotation>").next().unwrap().to_owned();
    text.split("<office:annotation ").skip(1).map(of).collect()
}

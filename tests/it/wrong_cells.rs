//! The three answers to wrong cells, and the report as a person can work with it: as a table, and as
//! marks in the workbook itself.

use std::{
    fs,
    io::{Cursor, Read},
    process::{Command, Output, Stdio},
};

use base64::{Engine, engine::general_purpose::STANDARD};
use hub_testkit::hub::binary;
use reqwest::StatusCode;
use rust_xlsxwriter::Workbook;
use serde_json::{Value, json};
use zip::ZipArchive;

use crate::support::{RIVER_HEADER, RIVER_PATH, Site, river};

const COUNT: &str = "SELECT count(*) AS n FROM otaru.river";

/// Four rows, of which the second and the fourth are wrong.
fn mixed() -> String {
    format!(
        "{RIVER_HEADER}a,2026-04-01 00:00,1,10\na,2026-04-01 01:00,多い,11\n\
         a,2026-04-01 02:00,3,12\n,2026-04-01 03:00,4,13\n"
    )
}

fn of_upload(id: &Value, rest: &str) -> String {
    format!("{RIVER_PATH}/uploads/{}/{rest}", id.as_str().unwrap())
}

#[tokio::test]
async fn bad_rows_are_kept_back_and_published_once_they_are_mended() {
    let site = Site::start().await;
    let send = |file: String, on_error: &str| {
        site.upload("append", file)
            .query(&[("on_error", on_error), ("file_name", "四月.csv")])
            .header("idempotency-key", "april")
    };
    let refused = site.ask(send(mixed(), "reject")).await;
    let problem = refused.problem(StatusCode::UNPROCESSABLE_ENTITY, "contract-violated");
    let path = of_upload(&problem["upload_id"], "kept-back");
    let none = site.ask(site.get(&path).bearer_auth(&site.publisher)).await;
    none.problem(StatusCode::NOT_FOUND, "not-found");

    let answer = site.ask(send(mixed(), "quarantine")).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let upload = answer.json();
    assert_eq!((&upload["kept_back"], &upload["rows_added"]), (&json!(2), &json!(2)), "{upload}");
    assert_eq!(upload["report"]["error_count"], 2);
    assert_eq!(site.rows(COUNT).await, json!([{"n": 2}]));
    // The answer to errors is part of the request.
    let again = site.ask(send(mixed(), "quarantine")).await;
    assert_eq!(
        (again.header("idempotent-replayed"), &again.json()["kept_back"]),
        ("true", &json!(2))
    );
    site.ask(send(mixed(), "flag")).await.problem(StatusCode::CONFLICT, "idempotency-mismatch");

    let path = of_upload(&upload["id"], "kept-back");
    assert_eq!(site.ask(site.get(&path)).await.status, 401);
    site.hub.create_agency("muroran", "室蘭", "Muroran").await;
    let other = site.hub.create_token("muroran", "publisher").await;
    assert_eq!(site.ask(site.get(&path).bearer_auth(&other)).await.status, 403);
    let kept = site.ask(site.get(&path).bearer_auth(&site.publisher)).await.ok();
    assert_eq!(kept.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(
        kept.header("content-disposition"),
        "attachment; filename*=UTF-8''%E5%9B%9B%E6%9C%88.kept-back.csv"
    );
    let text = kept.text();
    let lines: Vec<_> = text.strip_prefix('\u{feff}').unwrap().lines().collect();
    assert_eq!(lines.len(), 3, "{text}");
    assert_eq!(lines[0], "station,time,level,流量,__元の行番号,__直すところ");
    assert!(lines[1].starts_with("a,2026-04-01 01:00,多い,11,3,"), "{text}");
    assert!(lines[2].starts_with(",2026-04-01 03:00,4,13,5,"), "{text}");

    let mended = text.replace("01:00,多い", "01:00,2").replace("\n,2026", "\nb,2026");
    let answer = site.ask(site.upload("append", mended)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    assert_eq!(answer.json().get("kept_back"), None);
    let sql = "SELECT station, level FROM otaru.river ORDER BY time";
    let rows = site.rows(sql).await;
    let levels: Vec<_> = rows.as_array().unwrap().iter().map(|row| &row["level"]).collect();
    assert_eq!(levels, [&json!(1.0), &json!(2.0), &json!(3.0), &json!(4.0)], "{rows}");
    assert_eq!(rows[3]["station"], "b");
}

#[tokio::test]
async fn a_file_whose_rows_repeat_a_key_is_refused_whatever_was_asked() {
    let site = Site::start().await;
    for on_error in ["quarantine", "flag"] {
        let file = format!("{RIVER_HEADER}a,2026-04-01 00:00,1,1\na,2026-04-01 00:00,2,2\n");
        let request = site.upload("append", file).query(&[("on_error", on_error)]);
        let problem = site.ask(request).await;
        let problem = problem.problem(StatusCode::UNPROCESSABLE_ENTITY, "contract-violated");
        assert_eq!(problem["report"]["errors_by_rule"], json!({"unique_key": 1}), "{on_error}");
    }
    assert_eq!(site.rows(COUNT).await, json!([{"n": 0}]));
    let unknown = site.upload("append", mixed()).query(&[("on_error", "ignore")]);
    site.ask(unknown).await.problem(StatusCode::BAD_REQUEST, "invalid-request");
}

#[tokio::test]
async fn flagged_values_are_published_as_doubtful() {
    let site = Site::start().await;
    let mut description = river("public");
    let fields = description["contract"]["fields"].as_array_mut().unwrap();
    fields[2]["constraints"] = json!({"maximum": 20});
    fields.push(json!(
        {"name": "quality", "type": "string", "role": "quality", "quality_of": "level"}
    ));
    site.hub.create_dataset("otaru.watched", &description, &site.publisher).await;
    let file = "station,time,level,流量,quality\na,2026-04-01 00:00,1,10,normal\n\
                a,2026-04-01 01:00,多い,11,normal\na,2026-04-01 02:00,99,12,normal\n";
    let request = site.post("/v1/datasets/otaru/watched/uploads").bearer_auth(&site.publisher);
    let answer = site.ask(request.query(&[("on_error", "flag")]).body(file)).await;
    assert_eq!(answer.status, 201, "{answer:?}");
    let upload = answer.json();
    assert_eq!((&upload["flagged"], upload.get("kept_back")), (&json!(2), None), "{upload}");
    assert_eq!(
        site.rows("SELECT level, quality FROM with_quality('otaru.watched') ORDER BY time").await,
        json!([
            {"level": 1.0, "quality": "normal"},
            {"level": null, "quality": "doubtful"},
            {"level": 99.0, "quality": "doubtful"},
        ])
    );
}

#[tokio::test]
async fn the_answer_to_errors_travels_with_a_file_in_pieces() {
    let site = Site::start().await;
    let file = mixed();
    let begin = async |word: &str| {
        let request = site
            .post(&format!("{RIVER_PATH}/uploads/tus"))
            .bearer_auth(&site.publisher)
            .header("tus-resumable", "1.0.0")
            .header("upload-length", file.len())
            .header("upload-metadata", format!("on_error {}", STANDARD.encode(word)))
            .header("content-type", "application/offset+octet-stream");
        site.ask(request.body(file.clone())).await
    };
    begin("ignore").await.problem(StatusCode::BAD_REQUEST, "invalid-request");
    let begun = begin("quarantine").await;
    assert_eq!(begun.status, 201, "{begun:?}");
    let id = begun.header("location").rsplit('/').next().unwrap().to_owned();
    let path = format!("{RIVER_PATH}/uploads/{id}");
    let upload = loop {
        let upload = site.ask(site.get(&path).bearer_auth(&site.publisher)).await.ok().json();
        if upload["state"] != "checking" {
            break upload;
        }
        tokio::task::yield_now().await;
    };
    assert_eq!((&upload["state"], &upload["kept_back"]), (&json!("committed"), &json!(2)));
    let kept = site.get(&format!("{path}/kept-back")).bearer_auth(&site.publisher);
    assert_eq!(site.ask(kept).await.ok().text().lines().count(), 3);
}

/// A workbook whose cell C3 is wrong.
fn book() -> Vec<u8> {
    let mut book = Workbook::new();
    let sheet = book.add_worksheet().set_name("四月").unwrap();
    sheet.write_row(0, 0, ["station", "time", "level", "流量"]).unwrap();
    for (row, (hour, level)) in (1..).zip([("00", "1"), ("01", "多い"), ("02", "3")]) {
        let time = format!("2026-04-01 {hour}:00");
        sheet.write_row(row, 0, ["a", &time, level, "5"]).unwrap();
    }
    book.save_to_buffer().unwrap()
}

fn part(book: &[u8], has: &str) -> String {
    let mut archive = ZipArchive::new(Cursor::new(book)).expect("the copy is a workbook");
    let names: Vec<String> = (0..archive.len())
        .map(|index| archive.by_index(index).unwrap().name().unwrap().into_owned())
        .collect();
    let name = names.iter().find(|name| name.contains(has)).unwrap_or_else(|| panic!("{names:?}"));
    let mut text = String::new();
    archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
    text
}

/// The cells that have a comment, each with what it says.
fn comments(book: &[u8]) -> Vec<(String, String)> {
    let text = part(book, "xl/comments");
    let comments = text.split("<comment ").skip(1);
    comments
        .map(|comment| {
            let cell = comment.split("ref=\"").nth(1).unwrap().split('"').next().unwrap();
            (cell.to_owned(), comment.to_owned())
        })
        .collect()
}

#[tokio::test]
async fn a_report_is_a_table_or_a_marked_workbook() {
    let site = Site::start().await;
    let request = site.upload("append", book()).query(&[("file_name", "四月.xlsx")]);
    let refused = site.ask(request).await;
    let problem = refused.problem(StatusCode::UNPROCESSABLE_ENTITY, "contract-violated");
    let report = async |id: &Value, format: &str, lang: &str| {
        let path = of_upload(id, "report");
        let asked = [("format", format), ("lang", lang)];
        site.ask(site.get(&path).bearer_auth(&site.publisher).query(&asked)).await
    };
    let id = &problem["upload_id"];
    assert_eq!(report(id, "json", "ja").await.ok().json(), problem["report"]);
    for (lang, header) in [("ja", "種類,行,列,セル,値"), ("en", "kind,row,column,cell,value")]
    {
        let csv = report(id, "csv", lang).await.ok();
        assert_eq!(csv.header("content-type"), "text/csv; charset=utf-8");
        let text = csv.text();
        let text = text.strip_prefix('\u{feff}').expect("spreadsheets know it by its mark");
        assert!(text.starts_with(header) && text.contains(",C3,多い,"), "{text}");
    }
    let marked = report(id, "xlsx", "ja").await.ok();
    assert_eq!(
        marked.header("content-disposition"),
        "attachment; filename*=UTF-8''%E5%9B%9B%E6%9C%88.report.xlsx"
    );
    let found = comments(&marked.body);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].0, "C3");
    assert!(found[0].1.contains("「level」列は数値ですが「多い」"), "{found:?}");
    let scratch = site.hub.data_dir().join("scratch");
    assert_eq!(fs::read_dir(scratch).unwrap().count(), 0, "what was marked is still there");

    let path = of_upload(id, "report");
    assert_eq!(site.ask(site.get(&path)).await.status, 401);
    let refused = site.ask(site.upload("append", mixed())).await.json();
    let none = report(&refused["upload_id"], "xlsx", "ja").await;
    let none = none.problem(StatusCode::NOT_ACCEPTABLE, "not-acceptable");
    assert!(none["detail"].as_str().unwrap().contains("csv"), "{none}");
    let unreadable = site.ask(site.upload("append", "")).await;
    unreadable.problem(StatusCode::UNPROCESSABLE_ENTITY, "unreadable-file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_at_a_terminal_mends_what_was_kept_back() {
    let site = Site::start().await;
    let folder = tempfile::tempdir().unwrap();
    let run = |typed: &[&str]| {
        let mut command = Command::new(binary());
        command
            .args(typed)
            .current_dir(folder.path())
            .env("MOCHIYORI_URL", site.hub.url(""))
            .env("MOCHIYORI_TOKEN", &site.publisher)
            .env("LC_ALL", "en_GB.UTF-8")
            .stdin(Stdio::null());
        let Output { status, stdout, stderr } = command.output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    };
    fs::write(folder.path().join("april.csv"), mixed()).unwrap();
    let upload = ["upload", "april.csv", "--to", "otaru.river", "--on-error", "quarantine"];
    let (code, out, err) = run(&upload);
    assert_eq!(code, 0, "{out}{err}");
    assert!(out.contains("version 1 published, 2 rows added"), "{out}");
    assert!(out.contains("2 rows kept back"), "{out}");
    let how = err.lines().find_map(|line| line.split_once("mochiyori ")).expect("it says how").1;
    let (code, out, err) = run(&how.split(' ').collect::<Vec<_>>());
    assert_eq!(code, 0, "{out}{err}");
    let kept = folder.path().join("april.kept-back.csv");
    let mended = fs::read_to_string(&kept).unwrap();
    let mended = mended.replace("01:00,多い", "01:00,2").replace("\n,2026", "\nb,2026");
    fs::write(&kept, mended).unwrap();
    let (code, out, err) = run(&["upload", "april.kept-back.csv", "--to", "otaru.river"]);
    assert_eq!((code, out.contains("2 rows added")), (0, true), "{out}{err}");

    fs::write(folder.path().join("april.xlsx"), book()).unwrap();
    let upload = ["upload", "april.xlsx", "--to", "otaru.river", "--mode", "upsert"];
    let (code, _, err) = run(&[&upload[..], &["--report", "marked.xlsx"]].concat());
    assert_eq!(code, 3, "{err}");
    let marked = fs::read(folder.path().join("marked.xlsx")).unwrap();
    assert_eq!(comments(&marked)[0].0, "C3");
    let uploads = site.get(&format!("{RIVER_PATH}/uploads")).bearer_auth(&site.publisher);
    let uploads = site.ask(uploads).await.ok().json();
    let id = uploads["uploads"][0]["id"].as_str().unwrap();
    let (code, out, err) = run(&["report", id, "--from", "otaru.river", "-o", "april-report.csv"]);
    assert_eq!(code, 0, "{out}{err}");
    let table = fs::read_to_string(folder.path().join("april-report.csv")).unwrap();
    assert!(table.starts_with("\u{feff}kind,row"), "{table}");
}

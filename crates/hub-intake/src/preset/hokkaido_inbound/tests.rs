//! The real list and transcript where they are there, and forms as a spreadsheet gives them.

use hub_model::ChangeKind;
use proptest::prelude::*;

use super::super::taken::{survives, taken, taken_in_cp932, taken_real};

#[test]
fn the_list_of_three_municipalities() {
    let Some(taken) = taken_real("tourism/harp_inbound_monthly_totals.csv") else { return };
    assert_eq!(taken.preset, Some("hokkaido_inbound"));
    assert_eq!((taken.report.error_count, taken.report.rows), (0, 72), "{:?}", taken.report.errors);
    insta::assert_snapshot!(taken.head(3));
}

#[test]
fn the_transcript_gives_the_totals_that_the_list_has() {
    let paths = ["tourism/harp_inbound_H29_yoichi.txt", "tourism/harp_inbound_monthly_totals.csv"];
    let [Some(transcript), Some(list)] = paths.map(taken_real) else { return };
    assert_eq!(transcript.preset, Some("hokkaido_inbound"));
    assert_eq!(transcript.report.error_count, 0, "{:?}", transcript.report.errors);
    let names = [
        "municipality_code",
        "month",
        "measure",
        "nationality",
        "value",
        "inns_surveyed",
        "inns_answered",
    ];
    let yoichi = |rows: Vec<String>| -> Vec<String> {
        rows.into_iter().filter(|row| row.starts_with("014087")).collect()
    };
    assert_eq!(transcript.columns(&names), yoichi(list.columns(&names)));
    // Two rows of the year and two of the year before.
    assert_eq!(transcript.changed(ChangeKind::LeftOut), 4);
    let notes = &transcript.report.layout.as_ref().unwrap().notes;
    assert!(notes[0].ja.contains("計だけ"), "{notes:?}");
}

const NATIONS: [&str; 5] = ["中国", "韓国", "台湾", "香港", "アメリカ"];

/// A form as a spreadsheet is written to CSV: empty cells stay, merged months are blank below or filled.
fn form(title: &str, fill_months: bool) -> String {
    let mut lines = vec![
        "(別記第4-3号様式(北海道用)),,,,,,,".to_owned(),
        "訪日外国人宿泊客数,,,,,,,".to_owned(),
        title.to_owned(),
        format!("月別,人数,{},", NATIONS.join(",")),
    ];
    for month in [4, 12, 1, 3] {
        let below = if fill_months { format!("{month}月") } else { String::new() };
        lines.push(format!("{month}月,宿泊客数,32,,,\"1,000\",,\"1,032\""));
        lines.push(format!("{below},宿泊客延数,55,,,2000,,2055"));
    }
    lines.push("合計,宿泊客数,128,0,0,4000,0,4128".to_owned());
    lines.push(",宿泊客延数,220,0,0,8000,0,8220".to_owned());
    lines.push("28年度,宿泊客数,400,87,55,42,2,597".to_owned());
    lines.push("※外国人の宿泊客数です,,,,,,,".to_owned());
    lines.join("\r\n")
}

#[test]
fn a_form_becomes_a_row_a_nationality_and_month() {
    for (title, year) in [
        ("【平成29年度】,,[対象宿泊施設 13 軒中、 回答施設 12 軒],,,市町村名: 余市町,,", 2017),
        (
            "【令和元年度】,,[対象宿泊施設 13 軒中、 回答施設 12 軒],,,市町村名：,余市郡余市町,",
            2019,
        ),
        ("令和２年度,,対象宿泊施設１３軒中、回答施設１２軒,,,市町村名：余市町,,", 2020),
    ] {
        for fill in [false, true] {
            let taken = taken_in_cp932("inbound.csv", &form(title, fill));
            assert_eq!(taken.preset, Some("hokkaido_inbound"), "{title}");
            assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
            let names = [
                "municipality_code",
                "month",
                "measure",
                "nationality",
                "value",
                "unit",
                "inns_surveyed",
                "inns_answered",
            ];
            let rows = taken.columns(&names);
            assert_eq!(rows.len(), 24);
            assert_eq!(
                rows[..4],
                [
                    format!("014087 {year}-04-01 宿泊客数 中国 32 {{person}} 13 12"),
                    format!("014087 {year}-04-01 宿泊客数 香港 1000 {{person}} 13 12"),
                    format!("014087 {year}-04-01 宿泊客数 計 1032 {{person}} 13 12"),
                    format!("014087 {year}-04-01 宿泊客延数 中国 55 {{person}}.d 13 12"),
                ]
            );
            // January to March are of the next calendar year.
            assert!(rows[12].starts_with(&format!("014087 {}-01-01", year + 1)), "{}", rows[12]);
            assert_eq!(taken.changed(ChangeKind::LeftOut), 4);
            assert_eq!(taken.changed(ChangeKind::FiscalYear), 8);
            assert_eq!(taken.changed(ChangeKind::MergedCell), if fill { 0 } else { 4 });
        }
    }
}

#[test]
fn spellings_of_a_municipality_lead_to_one_code_and_an_unknown_one_is_named() {
    for (name, code) in
        [("虻田郡俱知安町", "014001"), ("倶知安町", "014001"), ("二セコ町", "013951")]
    {
        let title =
            format!("【平成29年度】,,[対象宿泊施設 13 軒中、 回答施設 12 軒],,,市町村名: {name},,");
        let taken = taken("inbound.csv", form(&title, false).as_bytes());
        assert!(taken.column("municipality_code").iter().all(|found| *found == code), "{name}");
        assert_eq!(taken.changed(ChangeKind::PlaceName), 1);
    }
    let title = "【平成29年度】,,[対象宿泊施設 13 軒中、 回答施設 12 軒],,,市町村名: 架空町,,";
    let taken = taken("inbound.csv", form(title, false).as_bytes());
    assert_eq!(taken.preset, Some("hokkaido_inbound"));
    assert!(taken.report.errors.iter().any(|error| error.value.as_deref() == Some("架空町")));
}

#[test]
fn numbers_of_a_transcript_that_do_not_add_up_are_shown() {
    let text = "訪日外国人宿泊客数\n【平成29年度】 [対象宿泊施設 13 軒中、 回答施設 13 軒] 市町村名: 余市町\n\
        月別 人数 中国 韓国 台湾 香港 インド ネシア アメリカ その他\n\
        4月 宿泊客数 32 32\n宿泊客延数 10 20 31\n5月 宿泊客数 1 2 3 4 5 6 7 28\n";
    let taken = taken("x.txt", text.as_bytes());
    assert_eq!(taken.preset, Some("hokkaido_inbound"));
    let wrong: Vec<_> = taken.report.errors.iter().map(|e| e.value.clone().unwrap()).collect();
    assert_eq!(wrong, ["10 20 31"]);
    let text = text.replace("10 20 31", "10 20 30");
    let taken = super::super::taken::taken("x.txt", text.as_bytes());
    assert_eq!(
        taken.columns(&["month", "nationality", "value"])[..4],
        ["2017-04-01 計 32", "2017-04-01 計 30", "2017-05-01 中国 1", "2017-05-01 韓国 2"]
    );
    assert!(taken.column("nationality").contains(&"インドネシア"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_rows_make_it_panic(rows in proptest::collection::vec("[0-9,月宿泊客延数計 .-]{0,40}", 0..12)) {
        let head = form("【平成29年度】,,[対象宿泊施設 軒,,,市町村名: 余市町,,", false);
        let text = format!("{head}\n{}\n", rows.join("\n"));
        prop_assert_eq!(survives(None, "x.csv", text.as_bytes()), Ok(()));
    }

    #[test]
    fn no_titles_make_it_panic(title in "[0-9年度平成元軒対象宿泊施設回答市町村名:：, ]{0,60}") {
        prop_assert_eq!(survives(None, "x.csv", form(&title, true).as_bytes()), Ok(()));
        prop_assert_eq!(survives(Some("hokkaido_inbound"), "x.csv", title.as_bytes()), Ok(()));
    }
}

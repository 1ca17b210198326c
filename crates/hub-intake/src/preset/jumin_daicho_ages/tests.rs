//! Tables as the ministry's workbooks are written, of different years.

use hub_model::ChangeKind;
use proptest::prelude::*;

use super::super::taken::{survives, taken, taken_in_cp932};

const TITLE: &str = "令和6年1月1日住民基本台帳年齢階級別人口（市区町村別）（日本人住民）";

fn table(title: &str, heading: &str, rows: &[&str]) -> String {
    format!("{title}\r\n{heading}\r\n{}\r\n", rows.join("\r\n"))
}

#[test]
fn every_class_and_sex_is_a_row() {
    let heading = "団体コード,都道府県名,市区町村名,性別,人口,,,,,\r\n,,,,総数,0歳～4歳,5歳～9歳,95歳～99歳,100歳以上,年齢不詳";
    let rows = [
        "-,合計,-,計,\"124,885,175\",1,2,3,4,0",
        "010006,北海道,-,計,\"5,093,983\",1,2,3,4,0",
        "14087,北海道,余市町,計,\"17,100\",400,500,90,20,-",
        "14087,北海道,余市町,男,8000,210,260,20,3,0",
        ",,,女,9100,190,240,70,17,0",
        "※外国人を含まない。,,,,,,,,,",
    ];
    let taken = taken_in_cp932("2401nsnen.csv", &table(TITLE, heading, &rows));
    assert_eq!(taken.preset, Some("jumin_daicho_ages"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    assert_eq!(taken.rows.len(), 4 * 6);
    assert_eq!(
        taken
            .select(
                &["date", "residents", "age_class", "age_from", "age_to", "population"],
                &[("municipality_code", "014087"), ("sex", "女")]
            )
            .iter()
            .map(|cells| cells.join(" "))
            .collect::<Vec<_>>(),
        [
            "2024-01-01 日本人住民 総数 ∅ ∅ 9100",
            "2024-01-01 日本人住民 0～4歳 0 4 190",
            "2024-01-01 日本人住民 5～9歳 5 9 240",
            "2024-01-01 日本人住民 95～99歳 95 99 70",
            "2024-01-01 日本人住民 100歳以上 100 ∅ 17",
            "2024-01-01 日本人住民 不詳 ∅ ∅ 0",
        ]
    );
    assert_eq!((taken.changed(ChangeKind::LeftOut), taken.changed(ChangeKind::MergedCell)), (2, 1));
}

#[test]
fn years_with_other_classes_are_the_same_table() {
    for (title, heading, expected) in [
        (
            "平成25年3月31日住民基本台帳年齢階級別人口（総計）",
            "団体コード,都道府県名,市区町村名,性別,総数,0～4歳,5～9歳,10～14歳,80歳以上",
            "2013-03-31 80歳以上 80 ∅ 5",
        ),
        (
            "令和7年住民基本台帳人口　各歳別",
            "市区町村コード,都道府県名,市区町村名,男女別,総数,0歳,1歳,2歳,３歳",
            "2025-01-01 3歳 3 3 5",
        ),
    ] {
        let text = table(title, heading, &["014001,北海道,倶知安町,計,14,2,3,4,5"]);
        let taken = taken("x.csv", text.as_bytes());
        assert_eq!(taken.preset, Some("jumin_daicho_ages"), "{title}");
        assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
        let found = taken.columns(&["date", "age_class", "age_from", "age_to", "population"]);
        assert_eq!(found.last().unwrap(), expected);
    }
}

#[test]
fn wrong_cells_are_named() {
    let heading = "団体コード,都道府県名,市区町村名,性別,総数,0～4歳,5～9歳,10～14歳,15歳以上";
    let text = table(
        TITLE,
        heading,
        &["014001,北海道,倶知安町,計,14,2,少し,4,5", "014001,北海道,倶知安町,不明,14,2,3,4,5"],
    );
    let wrong = taken("x.csv", text.as_bytes());
    let mut cells = wrong.wrong();
    cells.dedup();
    assert_eq!(cells, ["G3", "D4"], "{:?}", wrong.report.errors);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_headings_or_rows_make_it_panic(
        heading in "[0-9歳～以上総数不詳,]{0,60}",
        rows in proptest::collection::vec("[0-9,計男女-]{0,40}", 0..8)
    ) {
        let heading = format!("団体コード,都道府県名,市区町村名,性別,0歳,1歳,2歳,3歳,4歳,{heading}");
        let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
        let text = table(TITLE, &heading, &rows);
        prop_assert_eq!(survives(None, "x.csv", text.as_bytes()), Ok(()));
        prop_assert_eq!(survives(Some("jumin_daicho_ages"), "x.csv", rows.join("\n").as_bytes()), Ok(()));
    }
}

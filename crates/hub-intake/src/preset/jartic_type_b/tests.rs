//! Files as the publisher writes them and as they are passed on.

use hub_model::{ChangeKind, Interval, Label};
use proptest::prelude::*;

use super::super::taken::{survives, taken, taken_in_cp932, taken_real};

const TEN: &str = "時刻,情報源コード,計測地点番号,計測地点名称,2次メッシュコード,リンク区分,リンク番号,断面交通量,リンク終端からの距離（×10m）,リンクバージョン";

#[test]
fn the_sample_of_the_layout() {
    let Some(taken) = taken_real("traffic/jartic_typeB_dummy_type_b.csv") else { return };
    assert_eq!(taken.preset, Some("jartic_type_b"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    insta::assert_snapshot!(taken.head(usize::MAX));
    assert_eq!(taken.contract.time_field().unwrap().interval, Interval::parse("PT1H").ok());
}

#[test]
fn nine_columns_in_old_headings_are_the_same_table() {
    let nine = "時刻,情報源コード,計測地点番号,計測地点名称,２次メッシュコード,リンク区分,リンク番号,断面交通量,リンク終端からの距離(×１０ｍ)\r\n\
        2016/1/1 1:00:00,3001,101,樽）勝納１０番地東西,644066,1,12,34,0050\r\n\
        2016/1/1 1:05:00,3001,101,樽）勝納１０番地東西,644066,1,12,,0050\r\n";
    let ten = format!(
        "{TEN}\r\n\
         2016/01/01 01:00,3001,101,樽）勝納１０番地東西,644066,1,12,34,0050,\r\n\
         2016/01/01 01:05,3001,101,樽）勝納１０番地東西,644066,1,12,,0050,\r\n"
    );
    let (nine, ten) = (taken_in_cp932("typeB.csv", nine), taken_in_cp932("typeB.csv", &ten));
    assert_eq!((nine.preset, nine.report.error_count), (Some("jartic_type_b"), 0));
    assert_eq!((&nine.rows, &nine.contract), (&ten.rows, &ten.contract));
    assert_eq!(
        nine.columns(&["time", "point_name", "volume", "volume_quality", "distance_from_link_end"]),
        [
            "2015-12-31T16:00:00Z 樽)勝納10番地東西 34 normal 0050",
            "2015-12-31T16:05:00Z 樽)勝納10番地東西 ∅ missing 0050",
        ]
    );
    let time = nine.contract.time_field().unwrap();
    assert_eq!((time.interval, time.label), (Interval::parse("PT5M").ok(), Some(Label::Start)));
    assert_eq!(nine.changed(ChangeKind::FullWidth), 2);
}

#[test]
fn a_date_and_a_time_in_columns_of_their_own_are_joined() {
    let text = format!(
        "年月日,{TEN}\n\
         20221101,2355,3001,1,国道５号,644066,1,101,120,0050,202200\n\
         20221101,24:00,3001,1,国道５号,644066,1,101,80,0050,202200\n"
    );
    let taken = taken("x.csv", text.as_bytes());
    assert_eq!(taken.column("time"), ["2022-11-01T14:55:00Z", "2022-11-01T15:00:00Z"]);
    assert_eq!((taken.changed(ChangeKind::TimeJoined), taken.changed(ChangeKind::Hour24)), (1, 1));
}

#[test]
fn one_time_leaves_the_interval_to_a_person() {
    let row = |time: &str| format!("{TEN}\n{time},3001,1,国道５号,644066,1,101,120,0050,202200\n");
    let taken_at = |time: &str| taken("x.csv", row(time).as_bytes());
    let whole = taken_at("2022/11/01 01:00");
    assert_eq!(whole.contract.time_field().unwrap().interval, None);
    assert!(!whole.report.layout.unwrap().notes.is_empty());
    let odd = taken_at("2022/11/01 01:05");
    assert_eq!(odd.contract.time_field().unwrap().interval, Interval::parse("PT5M").ok());
}

#[test]
fn wrong_cells_are_named() {
    let text = format!(
        "{TEN}\n\
         2022/11/01 25:00,3001,1,国道５号,644066,1,101,120,0050,202200\n\
         2022/11/01 01:00,3001,2,国道５号,6440,1,101,120,0050,202200\n\
         2022/11/01 01:00,3001,3,国道５号,644066,1,101,多い,0050,202200\n\
         2022/11/01 01:05,3001,3,国道５号,644089,1,101,1,0050,202200\n"
    );
    let taken = taken("x.csv", text.as_bytes());
    let mut cells = taken.wrong();
    cells.sort_unstable();
    assert_eq!(cells, ["A2", "E3", "E5", "H4"], "{:?}", taken.report.errors);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_rows_make_it_panic(rows in proptest::collection::vec("[0-9/:, 時年月日\"\n]{0,50}", 0..8)) {
        let text = format!("{TEN}\n{}\n", rows.join("\n"));
        prop_assert_eq!(survives(None, "x.csv", text.as_bytes()), Ok(()));
        prop_assert_eq!(survives(Some("jartic_type_b"), "x.csv", rows.join("\n").as_bytes()), Ok(()));
    }
}

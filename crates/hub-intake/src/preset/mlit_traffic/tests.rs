//! Real files where they are there, and files as the publisher and those who pass them on write them.

use hub_model::{ChangeKind, Interval, Label};
use proptest::prelude::*;

use super::super::taken::{survives, taken, taken_in_cp932, taken_real};

const HEADING: &str = "地方整備局等番号,開発建設部／都道府県コード,常時観測点コード,収集時間フラグ（5分間／1時間）,観測年月日,時間帯,上り・小型交通量,上り・大型交通量,上り・車種判別不能交通量,上り・停電,上り・ループ異常,上り・超音波異常,上り・欠測,下り・小型交通量,下り・大型交通量,下り・車種判別不能交通量,下り・停電,下り・ループ異常,下り・超音波異常,下り・欠測,道路種別,時間コード";

const SHOWN: [&str; 9] = [
    "counter_id",
    "time",
    "direction",
    "small",
    "large",
    "unclassified",
    "total",
    "total_quality",
    "class_quality",
];

#[test]
fn five_minutes_of_the_otaru_bureau() {
    let Some(taken) = taken_real("traffic/jartic_5m_20260115_0800_otaru.csv") else { return };
    assert_eq!(taken.preset, Some("mlit_traffic_5m"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    insta::assert_snapshot!(taken.columns(&SHOWN).join("\n"));
    let time = taken.contract.time_field().unwrap();
    assert_eq!(time.interval, Some(Interval::parse("PT5M").unwrap()));
    assert_eq!(time.label, Some(Label::Start));
    assert_eq!(taken.changed(ChangeKind::TimeJoined), 12);
}

#[test]
fn a_day_of_the_otaru_bureau() {
    let Some(taken) = taken_real("traffic/jartic_daily_20260115_otaru.csv") else { return };
    assert_eq!(taken.preset, Some("mlit_traffic_daily"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    let names = [
        "counter_id",
        "date",
        "direction",
        "small",
        "large",
        "unclassified",
        "total",
        "total_quality",
        "class_quality",
        "intervals_present",
        "intervals_expected",
        "ultrasonic_fault",
        "missing",
    ];
    insta::assert_snapshot!(taken.columns(&names).join("\n"));
    // The known answer: 6,137 vehicles, a heavy share of 0.218, in 205 of 288 intervals.
    let of = |name: &str| -> Vec<i64> {
        let counters = taken.column("counter_id");
        let column = taken.column(name);
        let rows = counters.iter().zip(&column).filter(|(counter, _)| **counter == "1110050");
        rows.map(|(_, value)| value.parse().unwrap()).collect()
    };
    let total: i64 = of("total").iter().sum();
    assert_eq!(total, 6_137);
    assert_eq!(format!("{:.3}", of("large").iter().sum::<i64>() as f64 / total as f64), "0.218");
    assert_eq!((of("intervals_present"), of("intervals_expected")), (vec![205; 2], vec![288; 2]));
}

#[test]
fn missing_is_empty_and_an_ultrasonic_fault_leaves_the_total_alone() {
    let text = format!(
        "{HEADING}\r\n\
         81,03,1110050,1,20260115,2355,22,8,0,0,0,0,0,,,,0,0,0,1,3,202601152355\r\n\
         81,03,1110050,1,20260116,0,0,0,7,0,0,1,0,9,1,0,1,0,0,0,3,202601160000\r\n\
         81,03,1110060,1,20260116,5,1,2,,0,0,0,0,0,0,0,0,0,0,0,3,202601160005\r\n\r\n"
    );
    for taken in [taken("x.csv", text.as_bytes()), taken_in_cp932("x.csv", &text)] {
        assert_eq!(taken.preset, Some("mlit_traffic_5m"));
        assert_eq!(
            taken.columns(&SHOWN),
            [
                "1110050 2026-01-15T14:55:00Z 上り 22 8 0 30 normal normal",
                "1110050 2026-01-15T14:55:00Z 下り ∅ ∅ ∅ ∅ missing missing",
                "1110050 2026-01-15T15:00:00Z 上り 0 0 7 7 normal doubtful",
                "1110050 2026-01-15T15:00:00Z 下り 9 1 0 10 doubtful doubtful",
                "1110060 2026-01-15T15:05:00Z 上り 1 2 ∅ ∅ insufficient insufficient",
                "1110060 2026-01-15T15:05:00Z 下り 0 0 0 0 normal normal",
            ]
        );
        assert_eq!(taken.changed(ChangeKind::QualityMark), 3);
        assert_eq!(taken.report.error_count, 0);
    }
}

#[test]
fn the_interface_s_own_answer_has_ids_and_a_geometry() {
    let text = format!(
        "FID,{HEADING},ジオメトリ\n\
         t_travospublic_measure_1h.1,81,03,1110050,2,20260115,800,22,8,0,0,0,0,0,9,1,0,0,0,0,0,3,202601150800,\"MULTIPOINT ((140.735792 43.121255))\"\n"
    );
    let taken = taken("t_travospublic_measure_1h.csv", text.as_bytes());
    assert_eq!(taken.preset, Some("mlit_traffic_hourly"));
    assert_eq!(taken.columns(&["latitude", "longitude"])[0], "43.121255 140.735792");
    assert_eq!(taken.contract.time_field().unwrap().interval, Interval::parse("PT1H").ok());
}

#[test]
fn an_answer_saved_in_one_pair_of_quotes_is_read_too() {
    let rows = [
        HEADING,
        "81,03,1110050,1,20260115,800,22,8,0,0,0,0,0,9,1,0,0,0,0,0,3,202601150800",
        "81,03,1110060,1,20260115,800,?,8,0,0,0,0,0,9,1,0,0,0,0,0,3,202601150800",
        "",
    ];
    let taken = taken("5m.csv", format!("\"{}\"", rows.join("\\r\\n")).as_bytes());
    assert_eq!(taken.preset, Some("mlit_traffic_5m"));
    assert_eq!((taken.report.rows, taken.wrong()), (4, vec!["G3"]));
}

#[test]
fn counters_that_see_through_cameras_have_other_headings() {
    let text = "FID,地方整備局等番号,開発建設部／都道府県コード,常時観測点コード,収集時間フラグ（5分間／1時間）,観測年月日,時間帯,上り・自動車交通量（集計値）,上り・小型交通量（集計値）,上り・大型交通量（集計値）,上り・小型大型判別不能交通量（集計値）,下り・自動車交通量（集計値）,下り・小型交通量（集計値）,下り・大型交通量（集計値）,下り・小型大型判別不能交通量（集計値）,カメラプリセット位置,気象影響による映像不良,照度不足,突発事象（交通事故等）,サーバの稼働,カメラの映像受信,映像のデコード処理,デコード映像から映像解析機能への取込加工処理の失敗,映像解析機能のフリーズ,その他エラー,道路種別,時間コード,経度,緯度\n\
        x.1,81,03,1119990,1,20260115,805,12,10,2,0,7,7,0,0,1,0,0,0,0,0,0,0,0,0,3,202601150805,140.7,43.1\n\
        x.2,81,03,1119991,1,20260115,805,12,10,2,0,7,7,0,0,1,1,0,0,0,0,0,0,0,0,3,202601150805,140.7,43.1\n";
    let taken = taken("img.csv", text.as_bytes());
    assert_eq!(taken.preset, Some("mlit_traffic_5m"));
    assert_eq!(
        taken.columns(&[
            "counter_id",
            "direction",
            "large",
            "total",
            "total_quality",
            "camera_preset",
            "camera_weather"
        ]),
        [
            "1119990 上り 2 12 normal 1 0",
            "1119990 下り 0 7 normal 1 0",
            "1119991 上り 2 12 doubtful 1 1",
            "1119991 下り 0 7 doubtful 1 1",
        ]
    );
}

#[test]
fn a_wrong_cell_is_named_as_the_file_has_it() {
    let text = format!(
        "{HEADING}\n\
         81,03,1110050,1,20260115,800,22,8,0,0,0,0,0,9,?,0,0,0,0,0,3,202601150800\n\
         81,03,1110050,1,20260115,860,22,8,0,0,0,0,0,9,1,0,0,0,0,0,3,\n"
    );
    let taken = taken("x.csv", text.as_bytes());
    let mut cells = taken.wrong();
    cells.sort_unstable();
    // Both directions' rows have the time that is none.
    assert_eq!(cells, ["F3", "F3", "O2"]);
    let time = taken.report.errors.iter().find(|error| error.row == Some(3)).unwrap();
    assert_eq!(time.value.as_deref(), Some("20260115 860"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_bytes_make_it_panic(rows in proptest::collection::vec("[-0-9,x.\"\n ／]{0,60}", 0..8)) {
        let text = format!("{HEADING}\n{}\n", rows.join("\n"));
        prop_assert_eq!(survives(None, "x.csv", text.as_bytes()), Ok(()));
    }

    #[test]
    fn no_foreign_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 1..400)) {
        for preset in ["mlit_traffic_5m", "mlit_traffic_hourly", "mlit_traffic_daily"] {
            prop_assert_eq!(survives(Some(preset), "x.csv", &bytes), Ok(()));
        }
    }
}

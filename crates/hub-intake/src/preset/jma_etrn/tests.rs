//! Real tables give the known answers; made ones have the publisher's own headings and marks.

use hub_model::ChangeKind;
use proptest::prelude::*;

use super::super::taken::{Taken, take, taken_real};

fn real(station: &str) -> Option<Taken> {
    let taken = taken_real(&format!("jma/etrn_daily_2020_01/後志地方{station}2020_1.csv"))?;
    assert_eq!(taken.preset, Some("jma_etrn_daily"));
    assert_eq!(taken.report.error_count, 0, "{station}: {:?}", taken.report.errors);
    assert_eq!(taken.rows.len(), 31);
    Some(taken)
}

#[test]
fn days_that_freeze_and_thaw_are_as_known() {
    for (station, expected) in [
        ("倶知安", 12),
        ("小樽", 14),
        ("余市", 15),
        ("蘭越", 12),
        ("黒松内", 16),
        ("真狩", 4),
        ("共和", 14),
    ] {
        let Some(taken) = real(station) else { return };
        let days = taken.select(&["temperature_min", "temperature_max"], &[("station", station)]);
        let parse = |cell: &str| cell.parse::<f64>().unwrap();
        let count = days.iter().filter(|day| parse(day[0]) < 0.0 && parse(day[1]) > 0.0).count();
        assert_eq!(count, expected, "{station}");
    }
}

#[test]
fn every_station_of_the_region_is_read() {
    let mut rows = 0;
    for station in [
        "ニセコ",
        "余市",
        "倶知安",
        "共和",
        "喜茂別",
        "小樽",
        "桂台",
        "真狩",
        "神恵内",
        "美国",
        "脇方台地",
        "蘭越",
        "赤井川",
        "黒松内",
    ] {
        let Some(taken) = real(station) else { return };
        rows += taken.rows.len();
    }
    assert_eq!(rows, 14 * 31);
}

#[test]
fn the_greatest_snow_depth_is_as_known() {
    let Some(taken) = real("倶知安") else { return };
    let depths = taken.numbers("date", "snow_depth_max");
    assert_eq!(depths.iter().map(|(_, depth)| *depth).fold(0.0, f64::max), 83.0);
    insta::assert_snapshot!(taken.head(2));
}

#[test]
fn marks_become_qualities_and_are_kept() {
    let Some(taken) = real("喜茂別") else { return };
    let Some(other) = real("黒松内") else { return };
    let marked = [taken, other]
        .iter()
        .flat_map(|taken| {
            let rows =
                taken.select(&["date", "wind_speed_mean", "wind_speed_mean_quality", "marks"], &[]);
            rows.iter().filter(|row| row[3] != "∅").map(|row| row.join(" ")).collect::<Vec<_>>()
        })
        .collect::<Vec<_>>();
    insta::assert_snapshot!(marked.join("\n"));
}

/// The publisher's own heading of a station with an observatory, as it is pasted into a book.
const OBSERVATORY: &str = "\
倶知安　2020年2月（日ごとの値）　主な要素,,,,,,,,,,,,,,,,,,,,
日,気圧(hPa),,降水量(mm),,,気温(℃),,,湿度(％),,風向・風速(m/s),,,,,日照時間(h),雪(cm),,天気概況,
,現地,海面,合計,最大,,平均,最高,最低,平均,最小,平均風速,最大風速,,最大瞬間風速,,,降雪,最深積雪,昼(06:00-18:00),夜(18:00-翌日06:00)
,平均,平均,,1時間,10分間,,,,,,,風速,風向,風速,風向,,合計,値,,
1,989.7,1013.8,--,--,--,-7.3,-6.1,-9.1,86,71,3.1,7.6,西,14.0,西北西,0.0,--,66,雪,雪一時曇
29,989.7,1013.8,1.5 ),0.5 ),0.5 ),-7.3 ],×,-9.1,86,71,3.1,7.6,西,14.0 *,西北西,///,2,#,雪,
上旬,989.7,1013.8,1.5,1.5,0.5,-7.3,,-9.1,86,71,3.1,7.6,西,14.0,西北西,2.1,2,,雪,
月,989.7,1013.8,1.5,1.5,0.5,-7.3,,-9.1,86,71,3.1,7.6,西,14.0,西北西,2.1,2,,雪,
";

#[test]
fn the_publishers_own_heading_and_marks_are_read() {
    let taken = take("無題.csv", OBSERVATORY.as_bytes()).unwrap();
    assert_eq!(taken.preset, Some("jma_etrn_daily"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    assert_eq!(taken.changed(ChangeKind::LeftOut), 2);
    insta::assert_snapshot!(taken.head(2));
}

#[test]
fn a_rain_gauges_short_heading_is_read() {
    let text = "日,降水量(mm),降水量(mm),降水量(mm)\n日,合計,最大,最大\n日,合計,1時間,10分間\n1,0.5,0.5,0.5\n2,///,///,///\n";
    let taken = take("後志地方美国_2021-02.csv", text.as_bytes()).unwrap();
    assert_eq!(taken.preset, Some("jma_etrn_daily"));
    let found = taken.select(
        &["date", "precipitation", "precipitation_max_10min", "precipitation_quality"],
        &[],
    );
    assert_eq!(
        found,
        [["2021-02-01", "0.5", "0.5", "normal"], ["2021-02-02", "∅", "∅", "not_observed"]]
    );
}

#[test]
fn a_name_that_says_nothing_is_refused_with_what_to_do() {
    let text = ",降水量合計 (mm),平均気温\n1,0.5,1.0\n";
    let refused = take("data.csv", text.as_bytes()).unwrap_err();
    assert!(refused.text().unwrap().ja.contains("倶知安2020_1.csv"), "{refused}");
    assert_eq!(take("倶知安2020_1.csv", text.as_bytes()).unwrap().rows.len(), 1);
}

#[test]
fn what_is_not_understood_is_named() {
    let text = ",降水量合計 (mm),平均気温,最高気温\n28,0.5,1.0,2.0\n30,0.5,1.0,2.0\n3,0.5,?,2.0\n";
    let taken = take("倶知安2021_2.csv", text.as_bytes()).unwrap();
    let wrong: Vec<_> =
        taken.report.errors.iter().map(|e| (e.row, e.column.as_deref().unwrap())).collect();
    assert_eq!(wrong, [(Some(3), "年月日"), (Some(4), "平均気温")]);
}

#[test]
fn a_table_with_a_column_that_is_not_known_is_left_to_others() {
    let text = "日,降水量合計 (mm),来客数\n1,0.5,10\n";
    assert_eq!(take("倶知安2021_2.csv", text.as_bytes()).unwrap().preset, None);
}

/// The publisher's own heading of an observatory's hours.
const HOURS: &str = "\
倶知安　2020年2月29日（1時間ごとの値）,,,,,,,,,,,,,,,,
時,気圧(hPa),,降水量(mm),気温(℃),露点温度(℃),蒸気圧(hPa),湿度(％),風向・風速(m/s),,日照時間(h),全天日射量(MJ/㎡),雪(cm),,天気,雲量,視程(km)
,現地,海面,,,,,,風速,風向,,,降雪,積雪,,,
1,989.7,1013.8,--,-7.3,-9.1,3.0,86,3.1,西,,,--,66,,10-,
2,989.7,1013.8,0.5 ),×,-9.1,3.0,86 ],0.2,静穏,///,///,2,68,,0+,20.0
24,989.7,1013.8,--,-7.0,-9.1,3.0,86,3.1,西北西,0.0,0.00,0,66,,10,
";

#[test]
fn hours_of_a_day_end_at_their_time() {
    let taken = take("無題.csv", HOURS.as_bytes()).unwrap();
    assert_eq!(taken.preset, Some("jma_etrn_hourly"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    let names = [
        "time",
        "station",
        "vapour_pressure",
        "precipitation",
        "precipitation_quality",
        "temperature_quality",
        "wind_direction",
        "cloud_cover",
        "marks",
    ];
    assert_eq!(
        taken.columns(&names),
        [
            "2020-02-28T16:00:00Z 倶知安 3.0 0.0 absent_phenomenon normal 西 10.0 降水量 --；降雪の深さ --；雲量 -",
            "2020-02-28T17:00:00Z 倶知安 3.0 0.5 quasi_normal missing 静穏 0.0 降水量 )；気温 ×；湿度 ]；日照時間 ///；全天日射量 ///；雲量 +",
            "2020-02-29T15:00:00Z 倶知安 3.0 0.0 absent_phenomenon normal 西北西 10.0 降水量 --",
        ]
    );
    assert_eq!(taken.changed(ChangeKind::Hour24), 1);
    let short = "時,降水量(mm),気温(℃),平均風速(m/s),風向,日照時間(h),積雪(cm)\n1時,0.5,1.0,2.0,北,0.1,30\n";
    let taken = take("後志地方美国20210228.csv", short.as_bytes()).unwrap();
    assert_eq!(taken.preset, Some("jma_etrn_hourly"));
    assert_eq!(taken.columns(&["time", "wind_speed"]), ["2021-02-27T16:00:00Z 2.0"]);
    // Hours of who knows where are anyone's table.
    assert_eq!(take("data.csv", short.as_bytes()).unwrap().preset, None);
}

#[test]
fn ten_minutes_have_gusts_and_minutes_of_sunshine() {
    let text = "時分,気圧(hPa),,降水量(mm),気温(℃),相対湿度(％),風向・風速(m/s),,,,日照時間(分)\n\
        ,現地,海面,,,,平均,,最大瞬間,,\n,,,,,,風速,風向,風速,風向,\n\
        00:10,989.7,1013.8,--,-7.3,86,3.1,西,6.0,北西,\n24:00,989.7,1013.8,0.0,-7.3,86,3.1,西,6.0,北西,10\n";
    let taken = take("倶知安2020_12_31.csv", text.as_bytes()).unwrap();
    assert_eq!(taken.preset, Some("jma_etrn_10min"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    assert_eq!(
        taken.columns(&["time", "wind_direction", "gust_speed", "gust_direction", "sunshine"]),
        ["2020-12-30T15:10:00Z 西 6.0 北西 ∅", "2020-12-31T15:00:00Z 西 6.0 北西 10.0"]
    );
}

#[test]
fn a_table_saved_with_whole_dates_is_read() {
    let text = "年月日,降水量合計 (mm),平均気温\n2021/2/1,0.5,1.0\n2021/3/1,0.5,1.0\n";
    let taken = take("倶知安2021_2.csv", text.as_bytes()).unwrap();
    assert_eq!(taken.preset, Some("jma_etrn_daily"));
    // A day of another month than the file says it is of can't be right.
    let wrong: Vec<_> = taken.report.errors.iter().filter_map(|e| e.value.as_deref()).collect();
    assert_eq!(wrong, ["2021/3/1（2021年2月の表）"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_cells_make_it_panic(
        name in "(倶知安)?[0-9_年月地方県.-]{0,12}",
        rows in proptest::collection::vec(
            proptest::collection::vec("(日|[0-9]{1,2}|降水量|合計|最大|1時間|平均気温|風向・風速|風速|-- \\)|[0-9.)*#]{0,5})?", 0..7),
            1..10,
        ),
    ) {
        let rows: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        for first in ["日", "時", "時分"] {
            let text = format!("{first},降水量合計,平均気温\n{}\n", rows.join("\n"));
            let _ = take(&name, text.as_bytes());
        }
    }
}

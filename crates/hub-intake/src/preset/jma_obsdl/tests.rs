//! A real download, and made ones in the other forms that the publisher's page can give.

use hub_model::ChangeKind;
use proptest::prelude::*;

use super::super::taken::{Taken, cp932, take, taken_real};

const REAL: &str = "jma/obsdl/tokyo_20211020-20221019.csv";

/// The cells of the rows given, a row a line.
fn lines(rows: Vec<Vec<&str>>) -> String {
    rows.iter().map(|row| row.join(" ")).collect::<Vec<_>>().join("\n")
}

fn take_text(lines: &[&str]) -> Taken {
    take("data.csv", &cp932(&(lines.join("\r\n") + "\r\n"))).unwrap()
}

#[test]
fn a_year_of_days() {
    let Some(taken) = taken_real(REAL) else { return };
    assert_eq!(taken.preset, Some("jma_obsdl_daily"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    let elements = 22;
    assert_eq!(taken.rows.len(), 365 * elements);
    insta::assert_snapshot!(taken.head(elements));
    let hottest = taken.select(&["date", "value"], &[("element", "最高気温")]);
    let hottest = hottest.iter().map(|row| row[1].parse::<f64>().unwrap()).fold(0.0, f64::max);
    assert_eq!(hottest, 37.0);
}

#[test]
fn hours_end_their_interval_and_bear_wind_directions() {
    let taken = take_text(&[
        "ダウンロードした時刻：2024/08/20 10:20:49",
        "",
        ",倶知安,倶知安,倶知安,倶知安,倶知安,倶知安,倶知安,倶知安,倶知安,倶知安,倶知安,倶知安",
        "年月日時,降水量(mm),降水量(mm),降水量(mm),降水量(mm),気温(℃),気温(℃),気温(℃),風速(m/s),風速(m/s),風速(m/s),風速(m/s),風速(m/s)",
        ",,,,,,,,,,風向,風向,",
        ",,現象なし情報,品質情報,均質番号,,品質情報,均質番号,,品質情報,,品質情報,均質番号",
        "2024/2/5 23:00:00,3.0,0,8,1,0.6,8,1,3.9,8,北北西,8,1",
        "2024/2/6 0:00:00,0,1,8,1,,1,1,0.2,5,静穏,4,2",
        "2024/2/6 24:00,0,1,8,1,-1.0,2,1,///,0,,0,2",
    ]);
    assert_eq!(taken.preset, Some("jma_obsdl_hourly"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    let found = taken.select(
        &[
            "time",
            "element",
            "value",
            "unit",
            "quality",
            "quality_number",
            "homogeneity",
            "no_phenomenon",
            "wind_direction",
            "wind_direction_quality",
        ],
        &[],
    );
    insta::assert_snapshot!(lines(found));
    assert_eq!(taken.changed(ChangeKind::Hour24), 1);
    assert_eq!(taken.changed(ChangeKind::Reshaped), 9);
}

#[test]
fn downloads_without_quality_have_marks_or_blanks() {
    let taken = take_text(&[
        "ダウンロードした時刻：2021/01/11 00:34:52",
        "",
        ",盛岡,盛岡,盛岡,盛岡,秋田,秋田",
        ",合計全天日射量(MJ/㎡),合計全天日射量(MJ/㎡),降水量の合計(mm),天気概況(昼：06時～18時),合計全天日射量(MJ/㎡),合計全天日射量(MJ/㎡)",
        ",,平年値(MJ/㎡),,,,平年値(MJ/㎡)",
        "2021年1月1日,4.01,5.9,--,晴後雪、みぞれを伴う,,4.0",
        "2021年1月2日,8.16 ),5.9,0.5 ],晴 ),×,4.0",
    ]);
    assert_eq!(taken.preset, Some("jma_obsdl_daily"));
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    let found =
        taken.select(&["date", "station", "element", "value", "text", "quality", "mark"], &[]);
    insta::assert_snapshot!(lines(found));
}

#[test]
fn a_download_with_values_alone_is_not_taken_for_a_table_of_one_station() {
    for first in ["ダウンロードした時刻：2024/02/01 10:11:12", ""] {
        let taken = take_text(&[
            first,
            "",
            ",岩内,岩内,余市,余市",
            "年月日,平均気温(℃),降雪量合計(cm),最深積雪(cm),最多風向(16方位)",
            "2023/12/1,1.2,0,5,西",
            "2023/12/2,-0.5 ),--,6 ],北西 )",
            "2023/12/3,×,///,,静穏",
        ]);
        assert_eq!(taken.preset, Some("jma_obsdl_daily"));
        assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
        let found = taken.select(&["date", "station", "element", "value", "text", "quality"], &[]);
        assert_eq!(found.len(), 12);
        assert_eq!(found[5], ["2023-12-02", "岩内", "降雪量合計", "0.0", "∅", "absent_phenomenon"]);
        assert_eq!(found[7], ["2023-12-02", "余市", "最多風向", "∅", "北西", "quasi_normal"]);
        assert_eq!(found[8], ["2023-12-03", "岩内", "平均気温", "∅", "∅", "missing"]);
    }
}

#[test]
fn weekdays_and_prefectures_that_were_asked_for_change_nothing_else() {
    let plain = take_text(&[
        "ダウンロードした時刻：2024/02/01 10:11:12",
        "",
        ",岩内,岩内,岩内,函館,函館,函館",
        "年月日,平均気温(℃),平均気温(℃),平均気温(℃),平均気温(℃),平均気温(℃),平均気温(℃)",
        ",,品質情報,均質番号,,品質情報,均質番号",
        "2023/12/1,1.2,8,1,3.4,8,1",
        "2023/12/2,-0.5,5,1,2.5,8,1",
    ]);
    assert_eq!(plain.preset, Some("jma_obsdl_daily"));
    let columns = ["date", "station", "element", "value", "quality"];
    let expected = plain.select(&columns, &[]);
    assert_eq!(expected[0], ["2023-12-01", "岩内", "平均気温", "1.2", "normal"]);
    assert_eq!(expected[2], ["2023-12-02", "岩内", "平均気温", "-0.5", "quasi_normal"]);
    for (prefectures, is_split) in [(true, false), (false, false), (true, true)] {
        let of = |row: &str, label: &str, weekday: &str| match (is_split, row) {
            (true, "") => format!(",,,{weekday}"),
            (true, _) => format!("{label},{weekday}"),
            (false, _) => format!("{row},{weekday}"),
        };
        let mut lines = vec!["ダウンロードした時刻：2024/02/01 10:11:12".to_owned(), String::new()];
        let blank = of("", "", "");
        if prefectures {
            lines.push(format!(
                "{blank}{}",
                ",北海道 後志地方".repeat(3) + &",北海道 渡島地方".repeat(3)
            ));
        }
        lines.push(format!("{blank},岩内,岩内,岩内,函館,函館,函館"));
        lines.push(of("年月日", "年,月,日", "曜日") + &",平均気温(℃)".repeat(6));
        lines.push(format!("{blank},,品質情報,均質番号,,品質情報,均質番号"));
        lines.push(of("2023/12/1", "2023,12,1", "金") + ",1.2,8,1,3.4,8,1");
        lines.push(of("2023/12/2", "2023,12,2", "土") + ",-0.5,5,1,2.5,8,1");
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let taken = take_text(&lines);
        assert_eq!(taken.preset, Some("jma_obsdl_daily"), "{lines:?}");
        assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
        assert_eq!(taken.select(&columns, &[]), expected, "{lines:?}");
        let notes = &taken.report.layout.as_ref().unwrap().notes;
        let told = notes.iter().any(|note| note.ja.contains("北海道 後志地方、北海道 渡島地方"));
        assert_eq!(told, prefectures, "{notes:?}");
    }
}

#[test]
fn months_dekads_periods_and_years_are_told_apart() {
    for (label, stations, first, preset, expected) in [
        ("年月", "", "1990/1", "jma_obsdl_monthly", "1990-01-01"),
        ("年,月", ",", "1990,2", "jma_obsdl_monthly", "1990-02-01"),
        ("年", "", "1990年", "jma_obsdl_yearly", "1990"),
        ("年月日", "", "1990/1/9", "jma_obsdl_daily", "1990-01-09"),
        ("年,月,日", ",,", "1990,1,9", "jma_obsdl_daily", "1990-01-09"),
        ("年,月,日,時", ",,,", "1990,1,9,24", "jma_obsdl_hourly", "1990-01-09T15:00:00Z"),
        ("年月日時分", "", "1990/1/9 0:10", "jma_obsdl_10min", "1990-01-08T15:10:00Z"),
        ("年月日時", "", "1990/1/9 0:10", "jma_obsdl_10min", "1990-01-08T15:10:00Z"),
        ("年月旬", "", "1990年2月下旬", "jma_obsdl_period", "1990-02-21"),
        ("年,月,旬", ",,", "1990,2,下旬", "jma_obsdl_period", "1990-02-21"),
    ] {
        let taken = take_text(&[
            "ダウンロードした時刻：2019/03/02 17:50:04",
            "",
            &format!("{stations},旭川,旭川,旭川,東京,東京,東京"),
            &format!("{label}{}", ",平均気温(℃)".repeat(6)),
            &format!("{stations},,品質情報,均質番号,,品質情報,均質番号"),
            &format!("{first},-8.5,8,1,5.0,8,1"),
        ]);
        assert_eq!(taken.preset, Some(preset), "{label}");
        assert_eq!(taken.report.error_count, 0, "{label}: {:?}", taken.report.errors);
        let found = taken.select(&[&taken.names[0], "station", "value"], &[]);
        assert_eq!(found, [[expected, "旭川", "-8.5"], [expected, "東京", "5.0"]], "{label}");
    }
    let taken = take_text(&[
        "ダウンロードした時刻：2019/03/02 17:50:04",
        "",
        "集計開始,,,集計終了,,,旭川,旭川",
        "年,月,日,年,月,日,平均気温(℃),平均気温(℃)",
        ",,,,,,,品質情報",
        "2018,12,1,2019,2,28,-6.5,8",
    ]);
    assert_eq!(taken.preset, Some("jma_obsdl_period"));
    let found = taken.select(&["period_start", "period_end", "element", "value"], &[]);
    assert_eq!(found, [["2018-12-01", "2019-02-28", "平均気温", "-6.5"]]);
}

#[test]
fn a_file_saved_by_a_spreadsheet_is_the_same() {
    let (Some(original), Some(text)) = (taken_real(REAL), super::super::taken::real_text(REAL))
    else {
        return;
    };
    let width = text.lines().map(|line| line.split(',').count()).max().unwrap();
    let saved: Vec<String> = text
        .lines()
        .map(|line| {
            let mut cells: Vec<&str> = line.split(',').collect();
            cells.resize(width, "");
            cells.join(",").replace("/0", "/").replace(" 0", " ")
        })
        .collect();
    let taken = take("book.csv", format!("\u{FEFF}{}\n", saved.join("\n")).as_bytes()).unwrap();
    assert_eq!(taken.preset, original.preset);
    assert_eq!(taken.report.error_count, 0, "{:?}", taken.report.errors);
    assert!(taken.rows == original.rows, "the rows differ");
}

#[test]
fn stations_of_one_name_are_numbered() {
    let taken = take_text(&[
        "ダウンロードした時刻：2019/03/02 17:50:04",
        "",
        ",白浜,白浜,白浜,白浜",
        "年月日,降水量の合計(mm),降水量の合計(mm),降水量の合計(mm),降水量の合計(mm)",
        ",,品質情報,,品質情報",
        "2019/1/1,0.5,8,1.5,8",
    ]);
    let found = taken.select(&["station", "station_order", "value"], &[]);
    assert_eq!(found, [["白浜", "1", "0.5"], ["白浜", "2", "1.5"]]);
    assert!(taken.report.layout.unwrap().notes.iter().any(|note| note.ja.contains("白浜")));
}

#[test]
fn what_is_not_understood_is_named_by_its_own_cell() {
    let taken = take_text(&[
        "ダウンロードした時刻：2019/03/02 17:50:04",
        "",
        ",東京,東京,東京",
        "年月日,最高気温(℃),最高気温(℃),最高気温(℃)",
        ",,品質情報,均質番号",
        "2019/1/1,1O.5,8,1",
        "2019/1/2,10.5,9,1",
        "2019/2/29,10.5,8,1",
        "2019/3/1,10.5,8,1",
    ]);
    assert_eq!(taken.wrong(), ["B6", "C7", "A8"]);
}

#[test]
fn a_table_of_others_is_left_to_others() {
    for text in [
        "年月日,値\n2020/1/1,3\n",
        "日,東京\n年月日,売上\n2020/1/1,3\n",
        "日付,気温(℃)\n2020/1/1,3\n",
    ] {
        assert_eq!(take("a.csv", text.as_bytes()).unwrap().preset, None, "{text}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn no_cells_make_it_panic(
        rows in proptest::collection::vec(
            proptest::collection::vec("(東京|年|月|日|年月日時|気温\\(℃\\)|品質情報|時分|風向|集計終了|平年値|[0-9/:) -]{0,12})?", 0..8),
            0..12,
        ),
    ) {
        let rows: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        let text = format!("ダウンロードした時刻：2019/03/02 17:50:04\n\n{}\n", rows.join("\n"));
        let _ = take("a.csv", text.as_bytes());
    }
}

//! Real files give the publisher's own daily values; made ones have what those lack.

use std::collections::BTreeMap;

use hub_model::ChangeKind;
use proptest::prelude::*;

use super::super::taken::{Taken, cp932, real_text, take, taken_real};

const HOURLY: &str = "mlit_river/301011281104010_kind6_200401.dat";
const DAILY: &str = "mlit_river/301011281104010_kind7_2004.dat";

#[test]
fn hourly_discharge() {
    let Some(taken) = taken_real(HOURLY) else { return };
    assert_eq!(taken.preset, Some("mlit_hydrology_hourly_discharge"));
    assert_eq!((taken.report.error_count, taken.rows.len()), (0, 31 * 24));
    assert_eq!(taken.changed(ChangeKind::Hour24), 31);
    insta::assert_snapshot!(taken.head(24));
}

#[test]
fn daily_discharge() {
    let Some(taken) = taken_real(DAILY) else { return };
    assert_eq!(taken.preset, Some("mlit_hydrology_daily_discharge"));
    assert_eq!((taken.report.error_count, taken.rows.len()), (0, 366));
    let days = taken.numbers("date", "discharge");
    let greatest = days.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1)).unwrap();
    assert_eq!(greatest, ("2004-05-04", 88.62));
    insta::assert_snapshot!(taken.head(2));
}

#[test]
fn hours_of_a_day_end_within_it_and_make_its_published_mean() {
    let (Some(hourly), Some(daily)) = (taken_real(HOURLY), taken_real(DAILY)) else { return };
    let mut sums: BTreeMap<String, (f64, u32)> = BTreeMap::new();
    for (time, value) in hourly.numbers("time", "discharge") {
        // The instant is in UTC; the interval's middle is half an hour before its end.
        let end: chrono::DateTime<chrono::Utc> = time.parse().unwrap();
        let middle = end - chrono::TimeDelta::minutes(30);
        let day = middle.with_timezone(&hub_model::TOKYO).date_naive().to_string();
        let sum = sums.entry(day).or_default();
        *sum = (sum.0 + value, sum.1 + 1);
    }
    let published: BTreeMap<&str, f64> = daily.numbers("date", "discharge").into_iter().collect();
    let mut compared = 0;
    for (day, (sum, count)) in &sums {
        assert_eq!(*count, 24, "{day}");
        let mean = sum / f64::from(*count);
        let published = published[day.as_str()];
        assert!((mean - published).abs() <= 0.0051, "{day}: {mean} is not {published}");
        compared += 1;
    }
    assert_eq!(compared, 31);
}

#[test]
fn a_file_saved_by_a_spreadsheet_is_the_same_but_for_its_code() {
    for path in [HOURLY, DAILY] {
        let (Some(text), Some(original)) = (real_text(path), taken_real(path)) else { return };
        let width = text.lines().map(|line| line.split(',').count()).max().unwrap();
        let saved: Vec<String> = text
            .lines()
            .map(|line| {
                let mut cells: Vec<String> = line
                    .split(',')
                    .map(|cell| cell.trim().replace("2004/01/0", "2004/1/"))
                    .collect();
                cells.resize(width, String::new());
                cells.join(",").replace("301011281104010", "3.01011E+14")
            })
            .collect();
        let saved = format!("\u{FEFF}{}\r\n", saved.join("\r\n"));
        let taken = take("301011281104010_saved.csv", saved.as_bytes()).unwrap();
        assert_eq!(taken.preset, original.preset);
        assert_eq!(taken.rows, original.rows);
        let refused = take("saved.csv", saved.as_bytes()).unwrap_err();
        assert!(refused.text().unwrap().ja.contains("ファイル名"), "{refused}");
    }
}

/// A month of hourly levels with one cell for each hour of its second day.
fn hourly_level(cells: [&str; 24]) -> String {
    let mut text = "時刻水位月表検索結果\r\n水系名,尻別川\r\n河川名,尻別川\r\n観測所名,名駒\r\n\
        観測所記号,301051281113040\r\n#\r\n#  フラグの意味： *:暫定値, $:欠測, #:閉局, -:未登録\r\n#\r\n"
        .to_owned();
    text.push(',');
    text.push_str(&(1..=24).map(|hour| format!("{hour}時,")).collect::<Vec<_>>().join(","));
    text.push_str(&format!("\r\n2021/02/27{}\r\n", ",    1.20, ".repeat(24)));
    text.push_str(&format!("2021/02/28,{}\r\n", cells.join(",")));
    text
}

#[test]
fn flags_become_qualities_and_values_go_by_them() {
    let mut cells = ["    1.25, "; 24];
    cells[1] = "    1.26,*";
    cells[2] = "-9999.00,$";
    cells[3] = "    0.00,$";
    cells[4] = "-9999.00,#";
    cells[5] = "-9999.00,-";
    cells[6] = "   -0.35, ";
    cells[7] = "-9999.00, ";
    cells[8] = " , ";
    let taken = take("a.dat", &cp932(&hourly_level(cells))).unwrap();
    assert_eq!(taken.preset, Some("mlit_hydrology_hourly_level"));
    assert_eq!((taken.report.error_count, taken.rows.len()), (0, 47), "{:?}", taken.report.errors);
    let found = taken.select(&["time", "level", "quality", "flag"], &[]);
    insta::assert_snapshot!(
        found[23..33].iter().map(|row| row.join(" ")).collect::<Vec<_>>().join("\n"),
        @r"
    2021-02-27T15:00:00Z 1.2 normal ∅
    2021-02-27T16:00:00Z 1.25 normal ∅
    2021-02-27T17:00:00Z 1.26 provisional *
    2021-02-27T18:00:00Z ∅ missing $
    2021-02-27T19:00:00Z ∅ missing $
    2021-02-27T20:00:00Z ∅ closed #
    2021-02-27T21:00:00Z ∅ missing -
    2021-02-27T22:00:00Z -0.35 normal ∅
    2021-02-27T23:00:00Z ∅ missing ∅
    2021-02-28T01:00:00Z 1.25 normal ∅
    "
    );
    // 24 o'clock of the last day of February is in March.
    assert_eq!(found[46][0], "2021-02-28T15:00:00Z");
    assert_eq!(taken.select(&["site_code", "site_name"], &[])[0], ["301051281113040", "名駒"]);
}

#[test]
fn a_flag_or_a_day_that_is_unknown_is_named() {
    let mut cells = ["1.25,"; 24];
    cells[2] = "1.25,?";
    cells[3] = "1.x,";
    let text = hourly_level(cells).replace("2021/02/27", "2021/02/29");
    let taken = take("a.dat", &cp932(&text)).unwrap();
    let mut wrong = taken.wrong();
    wrong.sort_unstable();
    assert!(wrong.contains(&"G11") && wrong.contains(&"H11"), "{wrong:?}");
    assert!(wrong.contains(&"B10"), "{wrong:?}");
    assert_eq!(taken.report.error_count, 26);
}

/// A year of days, the month's mean after the last where it is asked for.
fn daily(title: &str, year: i32, newline: &str, with_mean: bool) -> String {
    let mut lines = vec![format!("{title}検索結果")];
    lines.extend(
        ["水系名,尻別川", "河川名,尻別川", "観測所名,名駒", "観測所記号,301051281113040"]
            .map(str::to_owned),
    );
    lines
        .extend(["#", "#月,1日データ,1日フラグ,月平均データ,月平均フラグ", "#"].map(str::to_owned));
    let days: Vec<String> = (1..=31).map(|day| format!("{day}日,")).collect();
    lines.push(format!(",{}", days.join(",")));
    lines.push(format!("{year}年"));
    for month in 1..=12 {
        let days = super::days_in_month(year, month).unwrap();
        let pairs: Vec<String> = (1..=days)
            .map(|day| if month == 2 { "-9999.00,#".to_owned() } else { format!("    {day}.50, ") })
            .chain(with_mean.then(|| "   99.00, ".to_owned()))
            .collect();
        lines.push(format!("{month}月,{}", pairs.join(",")));
    }
    lines.join(newline) + newline
}

#[test]
fn every_kind_of_a_year_is_read_with_its_own_length_of_february() {
    for (title, preset, alias) in [
        ("日水位年表", "mlit_hydrology_daily_level", "level"),
        ("日流量年表", "mlit_hydrology_daily_discharge", "discharge"),
        ("日雨量年表", "mlit_hydrology_daily_rain", "rain"),
    ] {
        for (year, days) in [(2023, 365), (2024, 366)] {
            for with_mean in [false, true] {
                let text = daily(title, year, if with_mean { "\r\n" } else { "\n" }, with_mean);
                let taken = take("a.dat", &cp932(&text)).unwrap();
                assert_eq!(taken.preset, Some(preset));
                assert_eq!((taken.report.error_count, taken.rows.len()), (0, days));
                let left_out = if with_mean { 12 } else { 0 };
                assert_eq!(taken.changed(ChangeKind::LeftOut), left_out);
                let last = taken.select(&[alias, "quality"], &[("date", &format!("{year}-12-31"))]);
                assert_eq!(last, [["31.5", "normal"]]);
                let winter = taken.select(&[alias], &[("quality", "closed")]);
                assert_eq!(winter.len(), days - 337, "closed in February");
                assert!(winter.iter().all(|cells| cells == &["∅"]));
            }
        }
    }
}

#[test]
fn years_joined_end_to_end_are_read_as_one() {
    let text = daily("日水位年表", 2023, "\n", false) + &daily("日水位年表", 2024, "\n", true);
    let taken = take("a.dat", text.as_bytes()).unwrap();
    assert_eq!((taken.report.error_count, taken.rows.len()), (0, 365 + 366));
}

#[test]
fn days_that_a_month_has_not_may_be_filled_up_and_the_gauge_said_more_of() {
    let text = daily("日流量年表", 2023, "\r\n", true);
    let pad = |line: &str, with: &str| -> String {
        let Some((month, pairs)) = line.split_once("月,") else { return line.to_owned() };
        let Ok(month) = month.parse() else { return line.to_owned() };
        let days = super::days_in_month(2023, month).unwrap() as usize;
        let mut cells: Vec<&str> = pairs.split(',').collect();
        let mean = cells.split_off(days * 2);
        let filler: Vec<&str> = with.split(',').cycle().take((31 - days) * 2).collect();
        format!("{month}月,{}", [cells, filler, mean].concat().join(","))
    };
    for filler in [",", "-9999.00,-", "   , ", "-9999.00,$"] {
        let padded: Vec<String> = text.lines().map(|line| pad(line, filler)).collect();
        let padded = padded.join("\r\n").replace(
            "観測所記号,301051281113040",
            "観測所記号,301051281113040\r\n零点高,12.345\r\n所在地,北海道虻田郡倶知安町,右岸",
        );
        let taken = take("a.dat", &cp932(&padded)).unwrap();
        assert_eq!(taken.report.error_count, 0, "{filler}: {:?}", taken.report.errors);
        assert_eq!(taken.rows.len(), 365, "{filler}");
        // A mean a month, and what is said of the gauge.
        assert_eq!(taken.changed(ChangeKind::LeftOut), 12 + 2, "{filler}");
        let notes = taken.report.layout.unwrap().notes;
        assert!(notes.iter().any(|note| note.ja == "零点高：12.345"), "{notes:?}");
    }
    // A value on 31 June is an error and no mean.
    let wrong: Vec<String> = text
        .lines()
        .map(|line| if line.starts_with("6月,") { pad(line, "1.00,") } else { pad(line, ",") })
        .collect();
    let taken = take("a.dat", &cp932(&wrong.join("\n"))).unwrap();
    assert_eq!(taken.wrong(), ["BJ16"], "{:?}", taken.report.errors);
}

#[test]
fn a_period_that_was_asked_for_has_a_row_a_time() {
    let heading = "水系名,尻別川\r\n河川名,尻別川\r\n観測所名,名駒\r\n観測所記号,301051281113040\r\n#\r\n\
        #年月日,時刻,データ,フラグ\r\n";
    let hours = format!(
        "任意期間時刻水位検索結果\r\n{heading}2024/03/01,01:00,    1.25, \r\n2024/03/01,24:00,-9999.00,#\r\n"
    );
    let taken = take("a.dat", &cp932(&hours)).unwrap();
    assert_eq!(taken.preset, Some("mlit_hydrology_hourly_level"));
    assert_eq!(
        taken.columns(&["time", "level", "quality"]),
        ["2024-02-29T16:00:00Z 1.25 normal", "2024-03-01T15:00:00Z ∅ closed"]
    );
    let days = format!(
        "任意期間日流量検索結果\r\n{heading}2024/02/29,    1.25,*\r\n2024/02/30,1.00, \r\n"
    );
    let taken = take("a.dat", &cp932(&days)).unwrap();
    assert_eq!(taken.preset, Some("mlit_hydrology_daily_discharge"));
    assert_eq!(taken.wrong(), ["A9"], "{:?}", taken.report.errors);
}

fn survives(name: &str, bytes: &[u8]) -> Option<Taken> {
    take(name, bytes).ok()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_rows_make_it_panic(
        hourly in any::<bool>(),
        rows in proptest::collection::vec("[0-9年月/#$*., -]{0,60}", 0..20),
    ) {
        let heading = if hourly { hourly_level(["1,"; 24]) } else { daily("日雨量年表", 2024, "\n", true) };
        let text = heading + &rows.join("\n");
        if let Some(taken) = survives("a.dat", text.as_bytes()) {
            prop_assert!(taken.preset.is_some());
        }
    }

    #[test]
    fn no_bytes_make_it_panic(at in 0usize..600, bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
        let mut file = cp932(&hourly_level(["1.00, "; 24]));
        let at = at.min(file.len());
        file.splice(at..(at + bytes.len()).min(file.len()), bytes);
        survives("a.dat", &file);
    }
}

//! What is told of whole files.

use crate::conform::tests::run_csv;
use hub_model::{Contract, UploadReport};

fn contract(time: &str, interval: Option<&str>) -> Contract {
    let interval = interval.map(|i| format!(r#","interval":"{i}""#)).unwrap_or_default();
    Contract::parse(
        format!(
            r#"{{"fields":[{{"name":"station","type":"string","role":"key"}},
              {{"name":"time","type":"{time}","role":"time"{interval}}},
              {{"name":"level","type":"number","role":"value"}}],"primaryKey":["station","time"]}}"#
        )
        .as_bytes(),
    )
    .unwrap()
}

fn report(contract: &Contract, rows: &[String]) -> UploadReport {
    let (report, _) = run_csv(&format!("station,time,level\n{}\n", rows.join("\n")), contract);
    assert!(report.is_clean(), "{:?}", report.errors);
    report
}

/// Ten days of hours of two stations in turn, with a level that moves a little.
fn hourly() -> Vec<String> {
    let mut rows = Vec::new();
    for hour in 0..240 {
        for station in ["0101", "0102"] {
            let (day, hour_of_day) = (1 + hour / 24, hour % 24);
            let level = 1.0 + f64::from(hour * 7 % 13) / 100.0;
            rows.push(format!("{station},2024-05-{day:02} {hour_of_day:02}:00,{level:.2}"));
        }
    }
    rows
}

fn warned(report: &UploadReport) -> Vec<String> {
    let row = |row: Option<u64>| row.map_or("-".to_owned(), |row| row.to_string());
    report.warnings.iter().map(|w| format!("{} {}", row(w.row), w.message.ja)).collect()
}

#[test]
fn an_even_file_has_a_cadence_and_no_gaps() {
    let report = report(&contract("datetime", Some("PT1H")), &hourly());
    let coverage = report.coverage.clone().unwrap();
    assert_eq!((coverage.series, coverage.series_capped), (2, false));
    assert_eq!(coverage.cadence.unwrap().to_string(), "PT1H");
    assert_eq!(coverage.gaps.unwrap().missing_steps, 0);
    assert_eq!(coverage.rows_by_month, [("2024-05".to_owned(), 480)].into());
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}

#[test]
fn gaps_are_counted_and_the_longest_is_told() {
    let mut rows = hourly();
    // Hours 10 to 14 of the first station, and hour 100 of the second.
    rows.retain(|row| {
        !(10..15).any(|hour| row.starts_with(&format!("0101,2024-05-01 {hour}:00")))
            && !row.starts_with("0102,2024-05-05 04:00")
    });
    let report = report(&contract("datetime", Some("PT1H")), &rows);
    let gaps = report.coverage.unwrap().gaps.unwrap();
    assert_eq!(gaps.missing_steps, 6);
    let longest = gaps.longest.unwrap();
    assert_eq!((longest.series.as_deref(), longest.missing_steps), (Some("0101"), 5));
    assert_eq!(gaps.first.len(), 2);
    assert_eq!(gaps.first[1].series.as_deref(), Some("0102"));
    assert!(report.warnings.is_empty(), "{:?}", report.warnings);
}

#[test]
fn a_step_other_than_the_contracts_is_warned_of() {
    let report = report(&contract("datetime", Some("PT10M")), &hourly());
    assert_eq!(warned(&report), ["- 時刻の間隔はPT1Hが最も多く、契約のPT10Mと違います"]);
}

#[test]
fn months_and_years_are_steps_too() {
    let monthly: Vec<String> = (0..36)
        .filter(|m| *m != 20)
        .map(|m| format!("a,{}-{:02}-01,{m}", 2020 + m / 12, m % 12 + 1))
        .collect();
    let told = report(&contract("date", None), &monthly).coverage.unwrap();
    assert_eq!(told.cadence.unwrap().to_string(), "P1M");
    assert_eq!(told.gaps.unwrap().missing_steps, 1);
    let monthly: Vec<String> = monthly.iter().map(|row| row.replacen("-01,", ",", 1)).collect();
    let told = report(&contract("yearmonth", None), &monthly).coverage.unwrap();
    assert_eq!(
        (told.cadence.unwrap().to_string(), told.gaps.unwrap().missing_steps),
        ("P1M".to_owned(), 1)
    );
    let yearly: Vec<String> = (1990..2020).map(|year| format!("a,{year},1")).collect();
    let told = report(&contract("year", None), &yearly).coverage.unwrap();
    assert_eq!(told.cadence.unwrap().to_string(), "P1Y");
}

#[test]
fn a_year_typed_wrong_and_a_time_that_goes_back_are_warned_of() {
    let mut rows = hourly();
    rows[100] = rows[100].replacen("2024", "2042", 1);
    let report = report(&contract("datetime", Some("PT1H")), &rows);
    let told = warned(&report);
    assert!(
        told.contains(
            &"104 104行目の時刻は、同じ系列の前の行（102行目）より前に戻っています".to_owned()
        ),
        "{told:?}"
    );
    assert!(told.iter().any(|w| w.starts_with("102 2042-05の行が1行だけ")), "{told:?}");
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(report.coverage.unwrap().gaps.unwrap().missing_steps <= 1);
}

#[test]
fn a_misplaced_point_and_a_standing_instrument_are_warned_of() {
    let mut rows = hourly();
    rows[300] = rows[300].replacen(",1.", ",1", 1);
    let told = report(&contract("datetime", Some("PT1H")), &rows);
    let told = warned(&told);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("302 ") && told[0].contains("前後の値から大きく離れています"),
        "{told:?}"
    );
    let standing: Vec<String> = (0..600)
        .map(|minute| {
            let level = if minute < 200 { minute % 7 } else { 3 };
            format!("a,2024-05-01 {:02}:{:02},{level}", minute / 60, minute % 60)
        })
        .collect();
    let told = warned(&report(&contract("datetime", None), &standing));
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("201行目から3が401回続きます"), "{told:?}");
}

#[test]
fn rain_and_floods_are_no_mistakes() {
    let rows: Vec<String> = (0..1_000)
        .map(|hour| {
            // Rain that comes and goes, and a flood that rises and falls.
            let rain = if hour % 90 == 17 {
                25.0
            } else if hour % 11 == 0 {
                0.5
            } else {
                0.0
            };
            let flood = 2.0
                + 3.0 * (-((f64::from(hour) - 500.0) / 20.0).powi(2)).exp()
                + f64::from(hour % 3) / 100.0;
            let value = if hour % 2 == 0 { rain } else { flood };
            let station = if hour % 2 == 0 { "rain" } else { "river" };
            format!(
                "{station},2024-{:02}-{:02} {:02}:00,{value:.2}",
                1 + hour / 24 / 28,
                1 + hour / 24 % 28,
                hour % 24
            )
        })
        .collect();
    let told = warned(&report(&contract("datetime", None), &rows));
    assert!(told.is_empty(), "{told:?}");
}

#[test]
fn codes_that_lost_their_zero_are_warned_of() {
    let rows = ["0101,2024-05-01 01:00,1".to_owned(), "101,2024-05-01 02:00,1".to_owned()];
    let told = warned(&report(&contract("datetime", None), &rows));
    assert_eq!(told, ["- 「0101」のように0で始まるコードと、それより桁の少ない「101」があります"]);
}

#[test]
fn memory_is_bounded_however_many_series_there_are() {
    let rows: Vec<String> =
        (0..60_000).map(|series| format!("s{series},2024-05-01 01:00,1")).collect();
    let coverage = report(&contract("datetime", None), &rows).coverage.unwrap();
    assert_eq!((coverage.series, coverage.series_capped), (50_000, true));
}

#[test]
fn gaps_of_centuries_in_steps_of_a_microsecond_are_counted_as_far_as_numbers_go() {
    let rows: Vec<String> = (0..100)
        .flat_map(|series| {
            ["0001-01-01 00:00", "0001-01-01 00:00:00.000001", "9999-01-01 00:00"]
                .map(|time| format!("s{series},{time},1"))
        })
        .collect();
    let coverage = report(&contract("datetime", None), &rows).coverage.unwrap();
    assert_eq!(coverage.gaps.unwrap().missing_steps, u64::MAX);
}

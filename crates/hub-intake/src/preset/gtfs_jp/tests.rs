//! A feed as an operator publishes it, packed by the test.

use std::io::{Cursor, Write};

use proptest::prelude::*;
use zip::{CompressionMethod, ZipWriter, write::SimpleFileOptions};

use super::super::taken::{conformed, file, survives, taken};
use crate::{FormatHint, GtfsFeed, recognise};

const AGENCY: &str = "agency_id,agency_name,agency_url,agency_timezone,agency_lang\r\n9000020014087,余市町,https://example.jp/,Asia/Tokyo,ja\r\n";
const STOPS: &str = "\u{FEFF}stop_id,stop_name,stop_lat,stop_lon,location_type,parent_station,platform_code\r\n100_1,余市駅前,43.1877,140.7864,0,,1\r\n100_2,黒川町,43.19,140.79,0,,\r\n";
const TRIPS: &str =
    "route_id,service_id,trip_id,direction_id,shape_id,jp_office_id\r\nr1,平日,t1,0,,1\r\n";
const TIMES: &str = "trip_id,arrival_time,departure_time,stop_id,stop_sequence,pickup_type,timepoint\r\nt1,8:05:00,08:05:30,100_1,1,0,1\r\nt1,,,100_2,2,0,0\r\nt1,25:10:00,25:10:00,100_1,3,1,1\r\n";
const CALENDAR: &str = "service_id,monday,tuesday,wednesday,thursday,friday,saturday,sunday,start_date,end_date\r\n平日,1,1,1,1,1,0,0,20260401,20270331\r\n";

fn feed(folder: &str, method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(method);
    for (name, text) in [
        ("stops.txt", STOPS),
        ("stop_times.txt", TIMES),
        ("trips.txt", TRIPS),
        ("agency.txt", AGENCY),
        ("calendar.txt", CALENDAR),
        ("README.txt", "GTFS-JP"),
    ] {
        zip.start_file(format!("{folder}{name}"), options).unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_feed_lists_its_tables_and_how_they_hang_together() {
    for (folder, method) in
        [("", CompressionMethod::Deflated), ("feed/", CompressionMethod::Stored)]
    {
        let feed = GtfsFeed::open(file(&feed(folder, method))).unwrap().unwrap();
        let names: Vec<&str> = feed.tables().iter().map(|table| table.name).collect();
        assert_eq!(names, ["agency", "stops", "trips", "stop_times", "calendar"]);
        let links: Vec<String> =
            feed.links().iter().map(|l| format!("{}.{}", l.table, l.column)).collect();
        assert_eq!(
            links,
            [
                "trips.service_id",
                "stop_times.trip_id",
                "stop_times.stop_id",
                "stops.parent_station"
            ]
        );
        let stops = conformed(&feed.table("stops").unwrap()).unwrap();
        assert_eq!((stops.preset, stops.report.error_count), (Some("gtfs_jp"), 0));
        assert_eq!(stops.contract.primary_key, ["stop_id"]);
        assert_eq!(
            stops.columns(&["stop_id", "stop_name", "stop_lat"])[0],
            "100_1 余市駅前 43.1877"
        );
        let error = feed.table("shapes").unwrap_err();
        assert!(error.to_string().contains("stop_times"), "{error}");
    }
}

#[test]
fn times_pass_midnight_and_days_become_dates() {
    let bytes = feed("", CompressionMethod::Deflated);
    let table = |name: &str| {
        let hint = FormatHint { table: Some(name.to_owned()), ..FormatHint::default() };
        conformed(&recognise(file(&bytes), &hint).unwrap()).unwrap()
    };
    let times = table("stop_times");
    assert_eq!(times.report.error_count, 0, "{:?}", times.report.errors);
    assert_eq!(
        times.columns(&[
            "trip_id",
            "stop_sequence",
            "arrival_time",
            "arrival_seconds",
            "departure_seconds"
        ]),
        ["t1 1 08:05:00 29100 29130", "t1 2 ∅ ∅ ∅", "t1 3 25:10:00 90600 90600"]
    );
    assert_eq!(times.contract.primary_key, ["trip_id", "stop_sequence"]);
    let calendar = table("calendar");
    assert_eq!(
        calendar.columns(&["service_id", "monday", "sunday", "start_date"]),
        ["平日 true false 2026-04-01"]
    );
    assert!(table("agency").report.layout.unwrap().notes.is_empty());
}

#[test]
fn an_agency_without_a_corporate_number_is_said() {
    let text = AGENCY.replace("9000020014087", "9000020014088");
    let taken = taken("agency.txt", text.as_bytes());
    assert_eq!(taken.preset, Some("gtfs_jp"));
    assert!(taken.report.layout.unwrap().notes[0].ja.contains("法人番号"));
    for (number, right) in
        [("8000020130001", true), ("9000020014087", true), ("8000020130002", false), ("1", false)]
    {
        assert_eq!(super::is_corporate_number(number), right, "{number}");
    }
}

#[test]
fn wrong_cells_are_named() {
    let text = TIMES.replace("25:10:00,25:10:00", "25:10,朝");
    let taken = taken("stop_times.txt", text.as_bytes());
    assert_eq!(taken.wrong()[..1], ["B4"]);
}

#[test]
fn what_is_no_feed_is_none_and_what_is_cut_short_is_an_error() {
    assert!(GtfsFeed::open(file(b"stop_id\n1\n")).unwrap().is_none());
    assert!(GtfsFeed::open(file(b"PK\x03\x04 broken")).unwrap().is_none());
    let hint = FormatHint { table: Some("stops".to_owned()), ..FormatHint::default() };
    assert!(recognise(file(b"a,b\n1,2\n"), &hint).unwrap_err().to_string().contains("ZIP"));
    let taken = taken("notes.csv", b"stop_id,stop_name\n1,a\n");
    assert_eq!(taken.preset, None);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_rows_make_it_panic(
        heading in "[a-z_,]{0,60}",
        rows in proptest::collection::vec("[0-9:,\"あ-]{0,40}", 0..8)
    ) {
        let text = format!("stop_id,stop_sequence,trip_id,arrival_time,{heading}\n{}\n", rows.join("\n"));
        prop_assert_eq!(survives(None, "stop_times.txt", text.as_bytes()), Ok(()));
        prop_assert_eq!(survives(Some("gtfs_jp"), "x.csv", text.as_bytes()), Ok(()));
    }

    /// A feed of which some bytes were overwritten is read, refused or no feed.
    #[test]
    fn no_broken_zip_makes_it_panic(changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..20)) {
        let mut bytes = feed("", CompressionMethod::Deflated);
        for (at, byte) in changes {
            let at = at % bytes.len();
            bytes[at] = byte;
        }
        if let Ok(Some(feed)) = GtfsFeed::open(file(&bytes)) {
            for table in feed.tables() {
                let options = crate::IntakeOptions::default();
                if let Ok(recognised) = feed.table(table.name)
                    && let Err(error) = crate::propose(&recognised, &options)
                {
                    prop_assert!(!error.to_string().contains("contradict each other"), "{error}");
                }
            }
        }
    }
}

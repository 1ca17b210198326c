//! Whether people of the sample do what people of the region would.

use super::{
    super::{daily, fiscal},
    contents::table,
    *,
};

/// A station's freeze-thaw days, and the days on which this much snow fell.
fn days(station: &str, snowy_cm: f64) -> (HashSet<String>, HashSet<String>) {
    let world = World::new(&SampleOptions::default()).unwrap();
    let year = world.years().last().unwrap();
    let all = daily::days(&world, world.station(station).unwrap(), year);
    let named = |keep: &dyn Fn(&daily::Day) -> bool| {
        all.iter().filter(|d| keep(d)).map(|d| fiscal::date(d.day).to_string()).collect()
    };
    (named(&|d| d.crosses_freezing()), named(&|d| d.fallen >= snowy_cm))
}

#[test]
fn roads_are_icy_in_winter_and_freezing_days_are_the_worst() {
    let rows = table("keisatsu.accidents");
    assert!((400..1_500).contains(&rows.len()), "{} accidents a year", rows.len());
    let surfaces = |month: &str| -> HashSet<String> {
        let of_month = rows.iter().filter(|r| r["date"][5..7] == *month);
        of_month.map(|r| r["road_surface"].clone()).collect()
    };
    assert!(surfaces("01").contains("ice") && surfaces("01").contains("snow"));
    assert!(!surfaces("08").contains("ice") && surfaces("08").contains("dry"));
    let (freezing, _) = days("16091", 1.0);
    let otaru = rows.iter().filter(|r| r["municipality_code"] == "012033");
    let (on, off): (Vec<_>, Vec<_>) = otaru.partition(|r| freezing.contains(&r["date"]));
    let rate = on.len() as f64 / freezing.len() as f64;
    let other = off.len() as f64 / (365 - freezing.len()) as f64;
    assert!(rate > other * 1.3, "{rate} {other} on {} days", freezing.len());
}

#[test]
fn rental_cars_go_out_when_it_snows() {
    let rows = table("daigaku.plate_counts_daily");
    let (_, snowy) = days("16217", 5.0);
    let share = |snow: bool| {
        let sum = |class: Option<&str>| -> f64 {
            rows.iter()
                .filter(|r| r["site_id"] == "A02" && ["01", "02"].contains(&&r["date"][5..7]))
                .filter(|r| snowy.contains(&r["date"]) == snow)
                .filter(|r| class.is_none_or(|class| r["plate_class"] == class))
                .filter_map(|r| r["vehicles"].parse::<f64>().ok())
                .sum()
        };
        sum(Some("rental")) / sum(None)
    };
    assert!(share(true) > share(false) + 0.02, "{} {}", share(true), share(false));
    assert!(rows.iter().any(|r| r["vehicles"].is_empty() && r["quality"] == "missing"));
}

#[test]
fn cruise_ships_call_in_the_warm_season_and_their_guests_come_ashore() {
    let calls = table("kowan.port_calls");
    let cruises: HashSet<_> = calls
        .iter()
        .filter(|r| r["kind"] == "cruise")
        .map(|r| r["arrived"][..10].to_owned())
        .collect();
    assert!((15..60).contains(&cruises.len()), "{}", cruises.len());
    assert!(cruises.iter().all(|day| ("04".."11").contains(&&day[5..7])));
    assert!(calls.iter().all(|r| (r["kind"] == "cargo") == r["passengers"].is_empty()));
    let visits = table("kanko.visits_daily");
    let usual = |site: &str, called: bool| {
        mean(
            visits
                .iter()
                .filter(|r| r["site_id"] == site && ("05".."11").contains(&&r["date"][5..7]))
                .filter(|r| cruises.contains(&r["date"]) == called)
                .filter_map(|r| r["visitors"].parse::<f64>().ok()),
        )
    };
    assert!(usual("V01", true) > usual("V01", false) + 150.0);
    let closed: Vec<_> = visits.iter().filter(|r| r["quality"] == "closed").collect();
    assert!(closed.len() == 6 && closed.iter().all(|r| r["visitors"].is_empty()), "{closed:?}");
}

#[test]
fn buses_stop_where_there_are_stops_and_the_last_ones_pass_midnight() {
    let stops: HashSet<_> =
        table("basu.stops").into_iter().map(|mut r| r.remove("stop_id").unwrap()).collect();
    let trips: HashMap<_, _> = table("basu.trips")
        .into_iter()
        .map(|r| (r["trip_id"].clone(), r["service_id"].clone()))
        .collect();
    let services: HashSet<_> =
        table("basu.services").into_iter().map(|mut r| r.remove("service_id").unwrap()).collect();
    assert!(trips.values().all(|service| services.contains(service)));
    let times = table("basu.stop_times");
    assert!(times.iter().all(|r| stops.contains(&r["stop_id"])));
    assert!(times.iter().all(|r| trips.contains_key(&r["trip_id"])));
    for pair in times.windows(2).filter(|pair| pair[0]["trip_id"] == pair[1]["trip_id"]) {
        assert!(pair[0]["departure_time"] < pair[1]["departure_time"], "{pair:?}");
    }
    let last = times.iter().map(|r| r["departure_time"].as_str()).max().unwrap();
    assert!(("24:00:00".."26:00:00").contains(&last), "{last}");
    let exceptions = table("basu.service_dates");
    let of = |service: &str| exceptions.iter().filter(|r| r["service_id"] == service).count();
    assert!(of("weekday_winter") >= 5 && of("weekday_winter") == of("holiday_winter"));
}

#[test]
fn every_area_holds_the_point_of_its_municipality_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let areas = dataset("shicho.municipality_areas");
    let files = write_files(&areas, &SampleOptions::default(), folder.path()).unwrap();
    let read: serde_json::Value =
        serde_json::from_slice(&std::fs::read(&files[0]).unwrap()).unwrap();
    let world = World::new(&SampleOptions::default()).unwrap();
    let features = read["features"].as_array().unwrap();
    assert_eq!(features.len(), 20);
    for municipality in &world.municipalities {
        let holding: Vec<_> = features
            .iter()
            .filter(|feature| {
                let ring = feature["geometry"]["coordinates"][0].as_array().unwrap();
                let at = |i: usize, n: usize| ring[i][n].as_f64().unwrap();
                assert_eq!(ring.first(), ring.last());
                // The polygons are convex and run counter-clockwise: a point inside is left of each edge.
                (1..ring.len()).all(|i| {
                    let (x, y) = (at(i - 1, 0), at(i - 1, 1));
                    let east = (at(i, 0) - x) * (municipality.latitude - y);
                    east - (at(i, 1) - y) * (municipality.longitude - x) > 0.0
                })
            })
            .map(|feature| feature["properties"]["municipality_code"].as_str().unwrap())
            .collect();
        assert_eq!(holding, [municipality.code]);
    }
}

#[test]
fn lists_of_some_days_promise_no_row_for_each_day() {
    for id in ["toukei.holidays", "basu.service_dates"] {
        let contract = dataset(id).contract;
        let time = contract.time_field().unwrap();
        assert_eq!((&time.interval, &time.label), (&None, &None), "{id}");
    }
}

#[test]
fn holidays_are_those_of_the_law() {
    let of_2024: Vec<_> =
        table("toukei.holidays").into_iter().filter(|r| r["date"].starts_with("2024")).collect();
    assert_eq!(of_2024.len(), 21);
    let substitutes: Vec<_> =
        of_2024.iter().filter(|r| r["name_ja"] == "振替休日").map(|r| r["date"].as_str()).collect();
    assert_eq!(substitutes, ["2024-02-12", "2024-05-06", "2024-08-12", "2024-09-23", "2024-11-04"]);
}

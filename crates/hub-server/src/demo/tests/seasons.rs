//! Whether the sample's year is the region's year.

use super::{contents::table, *};

fn month(time: &DateTime<Utc>) -> u32 {
    // Hours are named by their end: the last of a month ends in the next.
    (*time - chrono::Duration::seconds(1)).with_timezone(&TOKYO).month()
}

fn monthly(rows: &[(DateTime<Utc>, Option<f64>)], of: u32) -> f64 {
    mean(rows.iter().filter(|(time, _)| month(time) == of).filter_map(|(_, value)| *value))
}

fn greatest(rows: &[(DateTime<Utc>, Option<f64>)]) -> f64 {
    rows.iter().filter_map(|(_, value)| *value).fold(f64::MIN, f64::max)
}

#[test]
fn rivers_swell_when_the_snow_melts() {
    let river = Table::of("otaru_kaihatsu.river_hourly");
    for gauge in ["301041281103010", "301041281103020", "301041281103050", "999000000000001"] {
        let flow = river.series("gauge_id", gauge, "flow");
        let by_month: Vec<_> = (1..=12).map(|m| monthly(&flow, m).round()).collect();
        assert!(by_month[4] > by_month[7] * 1.5, "{gauge}: {by_month:?}");
        assert!(by_month[3] > by_month[1] * 1.5, "{gauge}: {by_month:?}");
        assert!(greatest(&flow) < 1_500.0, "{gauge}");
    }
    let mouth = river.series("gauge_id", "301041281103050", "flow");
    let year = mean(mouth.iter().filter_map(|(_, flow)| *flow));
    assert!((40.0..110.0).contains(&year), "the mouth of the Shiribetsu carries {year} m3/s");
}

#[test]
fn the_level_rises_hours_after_the_rain() {
    let river = Table::of("otaru_kaihatsu.river_hourly");
    let weather = Table::of("kisho.weather_hourly");
    let rain = weather.series("station_id", "16217", "precipitation");
    let level = river.series("gauge_id", "301041281103020", "level");
    // From July to September, when rain does not fall as snow.
    let summer = |time: &DateTime<Utc>| (7..=9).contains(&month(time));
    let correlation = |lag: usize| {
        let pairs: Vec<_> = rain
            .iter()
            .zip(&level[lag..])
            .filter(|((time, _), _)| summer(time))
            .filter_map(|((_, rain), (_, level))| Some((rain.as_ref()?, level.as_ref()?)))
            .collect();
        let (mx, my) = (mean(pairs.iter().map(|p| *p.0)), mean(pairs.iter().map(|p| *p.1)));
        let product = |f: &dyn Fn(f64, f64) -> f64| {
            pairs.iter().map(|p| f(*p.0 - mx, *p.1 - my)).sum::<f64>()
        };
        product(&|x, y| x * y) / (product(&|x, _| x * x) * product(&|_, y| y * y)).sqrt()
    };
    let lags: Vec<_> = (0..=12).map(correlation).collect();
    let best = (0..=12).max_by(|a, b| lags[*a].total_cmp(&lags[*b])).unwrap();
    assert!((1..=10).contains(&best), "{lags:?}");
    assert!((1..=8).all(|lag| lags[lag] > lags[0]), "{lags:?}");
    assert!(lags[best] > 0.3, "{lags:?}");
}

#[test]
fn snow_lies_deepest_at_kutchan_and_is_gone_in_summer() {
    let weather = Table::of("kisho.weather_hourly");
    let depth = |id: &str| weather.series("station_id", id, "snow_depth");
    let qualities = weather.text("snow_depth_quality");
    assert!(qualities.into_iter().any(|q| q == "not_observed"));
    // A doubtful reading may lie; the mean of the strongest month does not.
    let (kutchan, otaru, suttsu) =
        (monthly(&depth("16217"), 2), monthly(&depth("16091"), 2), monthly(&depth("16252"), 2));
    assert!(kutchan > otaru && otaru > suttsu && suttsu > 5.0, "{kutchan} {otaru} {suttsu}");
    assert!((110.0..230.0).contains(&kutchan), "{kutchan}");
    assert!(monthly(&depth("16217"), 8) < 1.0);
}

#[test]
fn days_and_seasons_have_their_temperatures() {
    let weather = Table::of("kisho.weather_hourly");
    let kutchan = weather.series("station_id", "16217", "temperature");
    let by_month: Vec<_> = (1..=12).map(|m| monthly(&kutchan, m)).collect();
    assert!((-9.0..-3.0).contains(&by_month[0]), "{by_month:?}");
    assert!((17.0..25.0).contains(&by_month[7]), "{by_month:?}");
    let at = |hour: u32| {
        mean(
            kutchan
                .iter()
                .filter(|(t, _)| t.with_timezone(&TOKYO).hour() == hour)
                .filter_map(|r| r.1),
        )
    };
    assert!(at(14) > at(4) + 4.0);
    let mut days: HashMap<NaiveDate, (f64, f64)> = HashMap::new();
    for (time, value) in &kutchan {
        let day = (*time - chrono::Duration::seconds(1)).with_timezone(&TOKYO).date_naive();
        let Some(value) = value else { continue };
        let span = days.entry(day).or_insert((f64::MAX, f64::MIN));
        *span = (span.0.min(*value), span.1.max(*value));
    }
    let crossing = |m: u32| {
        days.iter().filter(|(d, (low, high))| d.month() == m && *low < 0.0 && *high > 0.0).count()
    };
    assert!(crossing(3) >= 10 && crossing(11) >= 6, "{} {}", crossing(3), crossing(11));
    assert_eq!(crossing(8), 0);
    let rain = weather.series("station_id", "16217", "precipitation");
    let year: f64 = rain.iter().filter_map(|r| r.1).sum();
    assert!((1_000.0..2_200.0).contains(&year), "{year} mm a year");
    let sun = weather.series("station_id", "16217", "sunshine");
    let year: f64 = sun.iter().filter_map(|r| r.1).sum();
    assert!((1_100.0..2_000.0).contains(&year), "{year} h a year");
}

#[test]
fn fewer_drive_in_a_blizzard_and_more_on_working_mornings() {
    let traffic = Table::of("douro.traffic_5min");
    let weather = Table::of("kisho.weather_hourly");
    let world = small_world();
    let counter = world.counters.iter().find(|c| c.site.id == "1111250").unwrap();
    let station = |column: &str| weather.series("station_id", &counter.station, column);
    let rain: HashMap<_, _> = station("precipitation").into_iter().collect();
    let wind: HashMap<_, _> = station("wind_speed").into_iter().collect();
    let ups = traffic.series("counter_id", "1111250", "up_small");
    let mut winter: [Vec<f64>; 2] = Default::default();
    for (time, count) in &ups {
        let local = time.with_timezone(&TOKYO);
        if ![1, 2].contains(&local.month()) || !(9..17).contains(&local.hour()) {
            continue;
        }
        let end = time.timestamp().div_euclid(3_600) * 3_600 + 3_600;
        let end = DateTime::from_timestamp(end, 0).unwrap();
        if let (Some(count), Some(Some(rain)), Some(Some(wind))) =
            (count, rain.get(&end), wind.get(&end))
        {
            winter[usize::from(rain * wind > 4.0)].push(*count);
        }
    }
    let [calm, blizzard] = winter.map(|counts| (counts.len(), mean(counts.into_iter())));
    assert!(blizzard.0 > 50 && blizzard.1 < calm.1 * 0.85, "{calm:?} {blizzard:?}");

    let town = traffic.series("counter_id", "1110050", "up_small");
    let at = |weekend: bool, hour: u32| {
        mean(town.iter().filter_map(|(time, count)| {
            let local = time.with_timezone(&TOKYO);
            let free = local.weekday().number_from_monday() > 5;
            (free == weekend && local.hour() == hour).then_some(*count)?
        }))
    };
    assert!(at(false, 7) > at(true, 7) * 1.5, "{} {}", at(false, 7), at(true, 7));
    assert!(at(false, 7) > at(false, 2) * 5.0);
    let coast = traffic.series("counter_id", "1110540", "down_small");
    assert!(monthly(&coast, 8) > monthly(&coast, 1) * 2.0);
}

#[test]
fn gaps_closed_days_and_provisional_months_are_there() {
    let count = |id: &str, column: &str, quality: Quality| {
        Table::of(id).text(column).filter(|q| *q == quality.as_str()).count()
    };
    let river = "otaru_kaihatsu.river_hourly";
    assert!((50..4_000).contains(&count(river, "level_quality", Quality::Missing)));
    assert_eq!(count(river, "level_quality", Quality::Closed) / 24, 90);
    assert!(count(river, "flow_quality", Quality::Estimated) > 1_000);
    assert!(count(river, "level_quality", Quality::Doubtful) > 0);
    let weather = "kisho.weather_hourly";
    assert!(count(weather, "temperature_quality", Quality::Missing) > 50);
    assert!(count(weather, "temperature_quality", Quality::Provisional) > 11 * 700);
    let traffic = Table::of("douro.traffic_5min");
    let of =
        |quality: Quality| traffic.text("up_quality").filter(|q| *q == quality.as_str()).count();
    assert!(of(Quality::Missing) > 1_000);
    let closed = of(Quality::Closed);
    assert!(closed > 0 && closed % 288 == 0, "{closed}");
    for (quality, time) in traffic.text("up_quality").zip(traffic.times()) {
        let last =
            time.with_timezone(&TOKYO).date_naive() >= NaiveDate::from_ymd_opt(2025, 3, 1).unwrap();
        assert!(quality != "provisional" || last, "{time}");
        assert!(quality != "normal" || !last, "{time}");
    }
}

#[test]
fn guests_from_abroad_come_for_the_snow() {
    let rows = table("hokkaido.inbound_monthly");
    let sum = |code: &str, month: &str, measure: &str| -> f64 {
        rows.iter()
            .filter(|r| r["municipality_code"] == code && r["month"] == month)
            .filter_map(|r| r[measure].parse::<f64>().ok())
            .sum()
    };
    let (january, may) = (sum("014001", "2025-01", "guests"), sum("014001", "2024-05", "guests"));
    assert!(january > may * 4.0, "{january} {may}");
    assert!(sum("014001", "2025-01", "guest_nights") > january * 2.0);
    assert!(rows.iter().all(|r| {
        let number = |k: &str| r[k].parse::<i64>().ok();
        number("guest_nights") >= number("guests")
    }));
    assert!(rows.iter().any(|r| r["quality"] == "insufficient"));
    assert!(rows.iter().any(|r| r["coverage"].parse::<f64>().is_ok_and(|c| c < 70.0)));
}

#[test]
fn warm_summers_bring_rice() {
    let rows = table("nosei.rice_yearly");
    let world = World::new(&SampleOptions::default()).unwrap();
    let (mut warm, mut cold) = (Vec::new(), Vec::new());
    for row in &rows {
        let Ok(harvest) = row["収量"].parse::<f64>() else {
            assert_eq!(
                (row["作付面積"].as_str(), row["収量の品質"].as_str()),
                ("0", "not_observed")
            );
            continue;
        };
        let warmth = super::super::sky::summer_departure(world.noise, row["年"].parse().unwrap());
        if warmth > 0.0 { warm.push(harvest) } else { cold.push(harvest) }
    }
    assert!(mean(warm.into_iter()) > mean(cold.into_iter()) + 5.0);
}

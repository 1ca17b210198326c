//! keisatsu.accidents: more where more people live, on days about freezing and on snow; the road is what
//! the day's weather makes of it.

use std::collections::HashMap;

use super::{
    DemoError,
    daily::{Day, days},
    files::CsvFile,
    fiscal::date,
    noise::stream,
    places::{Municipality, World},
    traffic::arrivals,
};

/// Hours by their share of a day's accidents, in hundredths.
const HOURS: [u8; 24] = [1, 1, 1, 1, 1, 2, 4, 8, 9, 6, 5, 5, 5, 5, 5, 6, 7, 9, 7, 4, 3, 2, 2, 1];

pub(super) fn generate(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    for year in world.years() {
        let mut weather: HashMap<&str, Vec<Day>> = HashMap::new();
        for municipality in &world.municipalities {
            let id = municipality.station.as_str();
            if !weather.contains_key(id) {
                weather.insert(id, days(world, world.station(id)?, year));
            }
        }
        let mut number = 0;
        for at in 0..(year.end_day - year.first_day) as usize {
            for municipality in &world.municipalities {
                let Some(today) = weather.get(municipality.station.as_str()).map(|days| days[at])
                else {
                    continue;
                };
                for nth in 0..count(world, municipality, &today) {
                    number += 1;
                    let id = format!("{}{number:05}", year.number);
                    write(world, municipality, &today, nth, &id, file)?;
                }
            }
        }
    }
    Ok(())
}

fn count(world: &World, municipality: &Municipality, today: &Day) -> i64 {
    let settings = &world.settings.accidents;
    let factor = if today.crosses_freezing() {
        settings.freezing
    } else if today.high <= 0.0 && today.snow_depth > 3.0 {
        settings.snowy
    } else if today.rain > 5.0 {
        settings.wet
    } else {
        1.0
    };
    // Roads are driven by more than those who live beside them.
    let people = municipality.population + 1_500.0;
    let chance = world.noise.unit(stream("accidents", municipality.code), today.day);
    arrivals(people * settings.per_person * factor, chance)
}

fn write(
    world: &World,
    municipality: &Municipality,
    today: &Day,
    nth: i64,
    id: &str,
    file: &mut CsvFile,
) -> Result<(), DemoError> {
    let own = stream("accident", municipality.code);
    let chance = |n: i64| world.noise.unit(own, (today.day * 64 + nth) * 8 + n);
    let place = |middle: f64, n: i64| ((middle + (chance(n) - 0.5) * 0.06) * 1e4).round() / 1e4;
    let severity = match chance(4) {
        c if c < 0.015 => "fatal",
        c if c < 0.14 => "serious",
        _ => "slight",
    };
    file.line(&[
        &id,
        &date(today.day),
        &hour(chance(0)),
        &municipality.code,
        &place(municipality.latitude, 1),
        &place(municipality.longitude, 2),
        &surface(today, chance(3)),
        &severity,
        &(1 + arrivals(0.3, chance(5))),
    ])
}

fn hour(chance: f64) -> usize {
    let mut left = chance * 100.0;
    HOURS
        .iter()
        .position(|share| {
            left -= f64::from(*share);
            left < 0.0
        })
        .unwrap_or(17)
}

fn surface(today: &Day, chance: f64) -> &'static str {
    let white = today.snow_depth > 0.0;
    // Shares of ice, snow and wet roads; the rest is dry.
    let (ice, snow, wet) = if today.crosses_freezing() {
        if white { (0.46, 0.24, 0.20) } else { (0.30, 0.0, 0.25) }
    } else if today.high <= 0.0 {
        if white { (0.30, 0.58, 0.02) } else { (0.20, 0.0, 0.10) }
    } else if today.rain > 1.0 {
        (0.0, 0.0, 0.74)
    } else {
        (0.0, 0.0, 0.06)
    };
    match chance {
        c if c < ice => "ice",
        c if c < ice + snow => "snow",
        c if c < ice + snow + wet => "wet",
        _ => "dry",
    }
}

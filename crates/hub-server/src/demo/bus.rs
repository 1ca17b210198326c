//! basu.*: lines between the points of municipalities, with stops on the way, a summer's and a winter's
//! timetable, and holidays on which another service runs.

use chrono::{Datelike, NaiveDate, Weekday};

use super::{
    DemoError,
    catalog::{HOLIDAYS, cell, reference_rows},
    files::CsvFile,
    fiscal::FiscalYear,
    noise::stream,
    places::World,
    settings::BusLine,
};

/// A stop of a line, and after how many minutes of a summer's trip it is reached.
struct Stop {
    id: String,
    name: String,
    latitude: f64,
    longitude: f64,
    minutes: f64,
}

/// When a service runs.
struct Service {
    id: &'static str,
    holiday: bool,
    winter: bool,
}

const SERVICES: [Service; 4] = [
    Service { id: "holiday_summer", holiday: true, winter: false },
    Service { id: "holiday_winter", holiday: true, winter: true },
    Service { id: "weekday_summer", holiday: false, winter: false },
    Service { id: "weekday_winter", holiday: false, winter: true },
];

impl Service {
    /// The first and the last day: the winter's timetable is that of December to March.
    fn span(&self, year: &FiscalYear) -> (NaiveDate, NaiveDate) {
        let day = |y: i32, m: u32, d: u32| NaiveDate::from_ymd_opt(y, m, d).unwrap_or_default();
        if self.winter {
            (day(year.number, 12, 1), day(year.number + 1, 3, 31))
        } else {
            (day(year.number, 4, 1), day(year.number, 11, 30))
        }
    }
}

/// A trip of a line, as its times need it.
struct Trip<'a> {
    id: String,
    service: &'a Service,
    backwards: bool,
    /// Minutes after midnight.
    begin: f64,
}

pub(super) fn stops(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    let mut all = Vec::new();
    for line in &world.settings.bus_lines {
        all.extend(stops_of(world, line)?);
    }
    all.sort_by(|a, b| a.id.cmp(&b.id));
    all.dedup_by(|a, b| a.id == b.id);
    for stop in &all {
        file.line(&[&stop.id, &stop.name, &stop.latitude, &stop.longitude])?;
    }
    Ok(())
}

pub(super) fn services(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    let Some(year) = world.years().last() else { return Ok(()) };
    for service in &SERVICES {
        let (start, end) = service.span(year);
        let (weekday, weekend) = (!service.holiday, service.holiday);
        file.line(&[
            &service.id,
            &weekday,
            &weekday,
            &weekday,
            &weekday,
            &weekday,
            &weekend,
            &weekend,
            &start,
            &end,
        ])?;
    }
    Ok(())
}

/// On a holiday from Monday to Friday the service of weekdays is removed and that of holidays is added.
pub(super) fn service_dates(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    let Some(year) = world.years().last() else { return Ok(()) };
    for service in &SERVICES {
        let (start, end) = service.span(year);
        for row in reference_rows(HOLIDAYS, 3) {
            let date: NaiveDate = cell(HOLIDAYS.0, row?[0])?;
            let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
            if !weekend && (start..=end).contains(&date) {
                file.line(&[&service.id, &date, if service.holiday { &1 } else { &2 }])?;
            }
        }
    }
    Ok(())
}

pub(super) fn trips(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    for line in &world.settings.bus_lines {
        for trip in trips_of(line) {
            file.line(&[
                &trip.id,
                &line.route,
                &line.name,
                &trip.service.id,
                &u8::from(trip.backwards),
            ])?;
        }
    }
    Ok(())
}

pub(super) fn stop_times(world: &World, file: &mut CsvFile) -> Result<(), DemoError> {
    for line in &world.settings.bus_lines {
        let stops = stops_of(world, line)?;
        let whole = stops.last().map_or(0.0, |stop| stop.minutes);
        for trip in trips_of(line) {
            let slower = if trip.service.winter { 1.15 } else { 1.0 };
            for seq in 0..stops.len() {
                let at = if trip.backwards { stops.len() - 1 - seq } else { seq };
                let stop = &stops[at];
                let ridden = if trip.backwards { whole - stop.minutes } else { stop.minutes };
                let minute = (trip.begin + ridden * slower).round() as i64;
                let time = format!("{:02}:{:02}:00", minute / 60, minute % 60);
                file.line(&[&trip.id, &(seq + 1), &stop.id, &time])?;
            }
        }
    }
    Ok(())
}

fn stops_of(world: &World, line: &BusLine) -> Result<Vec<Stop>, DemoError> {
    let mut stops = Vec::new();
    for (number, code) in line.via.iter().enumerate() {
        let here = world.municipality(code)?;
        let from = number as f64 * line.minutes;
        stops.push(Stop {
            id: format!("C{code}"),
            name: format!("{}中央（架空）", here.cells[1]),
            latitude: here.latitude,
            longitude: here.longitude,
            minutes: from,
        });
        let Some(next) = line.via.get(number + 1) else { continue };
        let there = world.municipality(next)?;
        for stop in 1..=line.stops {
            let part = f64::from(stop) / f64::from(line.stops + 1);
            let id = format!("S{}{number}{stop:02}", line.route);
            let chance = |n: i64| world.noise.unit(stream("stop", &id), n) - 0.5;
            let between = |a: f64, b: f64, n: i64| {
                ((a + (b - a) * part + chance(n) * 0.008) * 1e5).round() / 1e5
            };
            stops.push(Stop {
                latitude: between(here.latitude, there.latitude, 0),
                longitude: between(here.longitude, there.longitude, 1),
                name: format!("{}・{stop}番（架空）", line.name),
                minutes: from + line.minutes * part,
                id,
            });
        }
    }
    Ok(stops)
}

fn trips_of(line: &BusLine) -> Vec<Trip<'_>> {
    let mut trips = Vec::new();
    for service in &SERVICES {
        let a_day = if service.holiday { line.holiday } else { line.weekday };
        let a_day = a_day - u32::from(service.winter && a_day > 2);
        for backwards in [false, true] {
            for number in 0..a_day {
                let part = f64::from(number) / f64::from(a_day.max(2) - 1);
                let hours = f64::from(line.last - line.first) * part;
                trips.push(Trip {
                    id: format!(
                        "{}-{}-{}-{number:02}",
                        line.route,
                        service.id,
                        u8::from(backwards)
                    ),
                    service,
                    backwards,
                    begin: (f64::from(line.first) + hours) * 60.0 + 5.0,
                });
            }
        }
    }
    trips
}

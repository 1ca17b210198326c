//! kisho.weather_hourly: what each station's instruments show of the sky, and where they fail.

use std::sync::Arc;

use arrow::{
    array::{ArrayRef, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
    datatypes::SchemaRef,
};
use hub_model::{Quality, ZONE_NAME};

use super::{
    DemoError,
    files::Sink,
    fiscal::{FiscalYear, hour_micros},
    flags::Gaps,
    noise::stream,
    places::{Observes, Station, World},
    sky::{Hour, Sky},
};

const ELEMENTS: [&str; 5] = ["temperature", "precipitation", "snow_depth", "wind", "sunshine"];

#[derive(Default)]
struct Columns<'a> {
    station: Vec<&'a str>,
    time: Vec<i64>,
    values: [Vec<Option<f64>>; 5],
    qualities: [Vec<&'static str>; 5],
    wind_direction: Vec<Option<f64>>,
}

impl Columns<'_> {
    fn batch(&mut self, schema: &SchemaRef) -> Result<RecordBatch, DemoError> {
        let whole = std::mem::take(self);
        let mut columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(whole.station)),
            Arc::new(TimestampMicrosecondArray::from(whole.time).with_timezone(ZONE_NAME)),
        ];
        let mut direction = Some(whole.wind_direction);
        for (name, (values, qualities)) in
            ELEMENTS.iter().zip(whole.values.into_iter().zip(whole.qualities))
        {
            columns.push(Arc::new(Float64Array::from(values)));
            if *name == "wind"
                && let Some(direction) = direction.take()
            {
                columns.push(Arc::new(Float64Array::from(direction)));
            }
            columns.push(Arc::new(StringArray::from(qualities)));
        }
        RecordBatch::try_new(schema.clone(), columns).map_err(DemoError::Encode)
    }
}

pub(super) fn generate(
    world: &World,
    year: &FiscalYear,
    schema: SchemaRef,
    batch_rows: usize,
    sink: Sink<'_>,
) -> Result<(), DemoError> {
    let settings = &world.settings.weather;
    let mut columns = Columns::default();
    for station in &world.stations {
        let id = station.site.id.as_str();
        let gaps = ELEMENTS.map(|element| {
            let stream = stream(element, id);
            Gaps::new(world.noise, stream, settings.gap_rate, settings.gap_max_hours)
        });
        let mut sky = Sky::over(world, station, *year.hours_ending().start());
        for end in year.hours_ending() {
            let hour = sky.next_hour();
            columns.station.push(id);
            columns.time.push(hour_micros(end));
            let provisional = year.is_provisional(end);
            for (element, gaps) in gaps.iter().enumerate() {
                let seen = observe(station, element, &hour);
                let (value, quality) = match seen {
                    None => (None, Quality::NotObserved),
                    Some(_) if gaps.cover(end) => (None, Quality::Missing),
                    Some(value) if gaps.doubt(end, settings.doubtful_rate) => {
                        (Some(spike(element, value)), Quality::Doubtful)
                    }
                    Some(value) => (Some(value), gaps.usual(end, provisional)),
                };
                if ELEMENTS[element] == "wind" {
                    let point = f64::from(hour.wind_point) * 22.5;
                    columns.wind_direction.push(value.filter(|_| point > 0.0).map(|_| point));
                }
                columns.values[element].push(value);
                columns.qualities[element].push(quality.as_str());
            }
            if columns.time.len() == batch_rows {
                sink(columns.batch(&schema)?)?;
            }
        }
    }
    if columns.time.is_empty() { Ok(()) } else { sink(columns.batch(&schema)?) }
}

/// What a station shows of an element; none where it has no such instrument.
fn observe(station: &Station, element: usize, hour: &Hour) -> Option<f64> {
    let (air, snow) = match station.observes {
        Observes::Full => (true, true),
        Observes::NoSnow => (true, false),
        Observes::Rain => (false, false),
        Observes::RainSnow => (false, true),
    };
    match ELEMENTS[element] {
        "precipitation" => Some(hour.precipitation),
        "snow_depth" => snow.then_some(hour.snow_depth),
        "temperature" => air.then_some(hour.temperature),
        "wind" => air.then_some(hour.wind_speed),
        _ => air.then_some(hour.sunshine),
    }
}

/// A value as a failing instrument gives it.
fn spike(element: usize, value: f64) -> f64 {
    match ELEMENTS[element] {
        "temperature" => value + 12.0,
        "precipitation" => value + 45.0,
        "snow_depth" => value + 60.0,
        "wind" => value + 25.0,
        _ => 1.0,
    }
}

//! The sample's descriptors, embedded from `datasets/`. Reads them; decides nothing about them.

use hub_model::{Agency, Contract, DatasetId, DatasetMetadata};
use serde::Deserialize;

use super::{DemoError, SampleDataset};

macro_rules! embedded {
    ($path:literal) => {
        ($path, include_str!(concat!("../../../../datasets/", $path)))
    };
}

const AGENCIES: (&str, &str) = embedded!("agencies.json");

/// In the order in which they are best created: places before what was observed there.
const DATASETS: [(&str, &str); 30] = [
    embedded!("shicho/municipalities.json"),
    embedded!("kisho/stations.json"),
    embedded!("kisho/weather_hourly.json"),
    embedded!("otaru_kaihatsu/river_gauges.json"),
    embedded!("otaru_kaihatsu/river_hourly.json"),
    embedded!("douro/counters.json"),
    embedded!("douro/traffic_5min.json"),
    embedded!("hokkaido/inbound_monthly.json"),
    embedded!("nosei/rice_yearly.json"),
    embedded!("nosei/shipments_monthly.json"),
    embedded!("shicho/population_yearly.json"),
    embedded!("shicho/municipality_areas.json"),
    embedded!("shicho/indicators.json"),
    embedded!("toukei/indicator_actuals.json"),
    embedded!("toukei/holidays.json"),
    embedded!("toukei/workers_by_industry.json"),
    embedded!("otaru_kaihatsu/flow_normals.json"),
    embedded!("nosei/rice_stages.json"),
    embedded!("keisatsu/accidents.json"),
    embedded!("douro/road_points.json"),
    embedded!("daigaku/camera_sites.json"),
    embedded!("daigaku/plate_counts_daily.json"),
    embedded!("kowan/port_calls.json"),
    embedded!("kanko/sites.json"),
    embedded!("kanko/visits_daily.json"),
    embedded!("basu/stops.json"),
    embedded!("basu/services.json"),
    embedded!("basu/service_dates.json"),
    embedded!("basu/trips.json"),
    embedded!("basu/stop_times.json"),
];

pub(super) const MUNICIPALITIES: (&str, &str) = embedded!("reference/municipalities.csv");
pub(super) const STATIONS: (&str, &str) = embedded!("reference/stations.csv");
pub(super) const GAUGES: (&str, &str) = embedded!("reference/river_gauges.csv");
pub(super) const COUNTERS: (&str, &str) = embedded!("reference/counters.csv");
pub(super) const AREAS: (&str, &str) = embedded!("reference/municipality_areas.csv");
pub(super) const NORMALS: (&str, &str) = embedded!("reference/flow_normals.csv");
pub(super) const STAGES: (&str, &str) = embedded!("reference/rice_stages.csv");
pub(super) const HOLIDAYS: (&str, &str) = embedded!("reference/holidays.csv");
pub(super) const CAMERAS: (&str, &str) = embedded!("reference/camera_sites.csv");
pub(super) const DESKS: (&str, &str) = embedded!("reference/visit_sites.csv");
pub(super) const INDICATORS: (&str, &str) = embedded!("reference/indicators.csv");
pub(super) const ACTUALS: (&str, &str) = embedded!("reference/indicator_actuals.csv");
pub(super) const SETTINGS: (&str, &str) = embedded!("generator.toml");

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Descriptor {
    id: DatasetId,
    metadata: DatasetMetadata,
    contract: Contract,
}

/// The sample's agencies.
pub fn agencies() -> Result<Vec<Agency>, DemoError> {
    serde_json::from_str(AGENCIES.1).map_err(|e| DemoError::embedded(AGENCIES.0, e))
}

/// The sample's datasets, checked, in the order in which they are best created.
pub fn datasets() -> Result<Vec<SampleDataset>, DemoError> {
    DATASETS
        .iter()
        .map(|(name, json)| {
            let refuse = |e: &dyn std::fmt::Display| DemoError::embedded(name, e);
            let read: Descriptor = serde_json::from_str(json).map_err(|e| refuse(&e))?;
            read.metadata.validate().map_err(|e| refuse(&e))?;
            let contract = read.contract.validated().map_err(|e| refuse(&e))?;
            Ok(SampleDataset { id: read.id, metadata: read.metadata, contract })
        })
        .collect()
}

/// The rows of an embedded reference table under its header; its cells hold no commas and no quotes.
pub(super) fn reference_rows(
    (name, text): (&'static str, &'static str),
    columns: usize,
) -> impl Iterator<Item = Result<Vec<&'static str>, DemoError>> {
    text.lines().skip(1).map(move |line| {
        let cells: Vec<_> = line.split(',').collect();
        if cells.len() == columns && !line.contains('"') {
            Ok(cells)
        } else {
            Err(DemoError::embedded(name, format!("{columns} plain cells expected in {line:?}")))
        }
    })
}

/// A cell of a reference table as a number or a truth value.
pub(super) fn cell<T: std::str::FromStr>(name: &str, text: &str) -> Result<T, DemoError> {
    text.parse().map_err(|_| DemoError::embedded(name, format!("{text:?} is not of its type")))
}

//! The sample agencies of Shiribeshi: their datasets as `datasets/` describes them, and a generator that
//! writes upload files for each. Everything is synthetic and says so.
//!
//! The generator is pure: a seed, a number of years and a scale give the same rows whatever the size of
//! the batches, and no clock is read. It writes files for the hub's ordinary upload and never touches the
//! hub's own store.

mod accidents;
mod areas;
mod bus;
mod catalog;
mod daily;
mod error;
mod files;
mod fiscal;
mod flags;
mod inbound;
mod noise;
mod places;
mod plates;
mod population;
mod port;
mod reference;
mod rice;
mod river;
mod roads;
mod settings;
mod shipments;
mod sky;
mod traffic;
mod visits;
mod weather;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use hub_model::{Contract, DatasetId, DatasetMetadata};

pub use catalog::{agencies, datasets};
pub use error::DemoError;

use files::{ArrowFile, BatchFile, CsvFile, ParquetFile};
use fiscal::FiscalYear;
use places::World;

/// Rows handed to a writer at a time; bounds the generator's memory and changes no row.
const BATCH_ROWS: usize = 16_384;

/// How much sample data is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleOptions {
    /// Fiscal years of observations, 1 to 50; more years are added before the first.
    pub years: u32,
    /// How many times the stations, gauges and counters, 1 to 500; those added are made up.
    pub scale: u32,
    /// 0 is the sample everyone sees; any other number gives other weather of the same climate.
    pub seed: u64,
}

impl Default for SampleOptions {
    fn default() -> Self {
        Self { years: 1, scale: 1, seed: 0 }
    }
}

/// A dataset of the sample: what is said of it and what its columns promise.
#[derive(Debug, Clone, PartialEq)]
pub struct SampleDataset {
    /// Its id.
    pub id: DatasetId,
    /// What is said of it; always marked as synthetic.
    pub metadata: DatasetMetadata,
    /// What its columns promise.
    pub contract: Contract,
}

/// Writes a dataset's upload files into an existing folder and names them in the order to upload them:
/// Parquet or Arrow for the longest series, one file a fiscal year, GeoJSON for areas, and one CSV file for
/// each of the others. Rows are
/// in the order of the key.
pub fn write_files(
    dataset: &SampleDataset,
    options: &SampleOptions,
    folder: &Path,
) -> Result<Vec<PathBuf>, DemoError> {
    let world = World::new(options)?;
    let id = dataset.id.to_string();
    match id.as_str() {
        "otaru_kaihatsu.river_hourly" | "douro.traffic_5min" => {
            let open = |path: &Path| ParquetFile::create(path, &dataset.contract);
            write_years(&world, dataset, folder, "parquet", open)
        }
        "kisho.weather_hourly" => {
            let open = |path: &Path| ArrowFile::create(path, &dataset.contract);
            write_years(&world, dataset, folder, "arrow", open)
        }
        "shicho.municipality_areas" => {
            let path = folder.join(format!("{id}.geojson"));
            areas::write(&world, &path)?;
            Ok(vec![path])
        }
        _ => {
            let path = folder.join(format!("{id}.csv"));
            let mut file = CsvFile::create(&path, &dataset.contract)?;
            write_table(&world, &id, &mut file)?;
            file.finish()?;
            Ok(vec![path])
        }
    }
}

fn write_years<F: BatchFile>(
    world: &World,
    dataset: &SampleDataset,
    folder: &Path,
    extension: &str,
    open: impl Fn(&Path) -> Result<F, DemoError>,
) -> Result<Vec<PathBuf>, DemoError> {
    let mut paths = Vec::new();
    for year in world.years() {
        let path = folder.join(format!("{}.{}.{extension}", dataset.id, year.number));
        let mut file = open(&path)?;
        observe(world, dataset, year, BATCH_ROWS, &mut |batch| file.write(&batch))?;
        file.finish()?;
        paths.push(path);
    }
    Ok(paths)
}

/// One fiscal year of a dataset of observations, batch by batch.
fn observe(
    world: &World,
    dataset: &SampleDataset,
    year: &FiscalYear,
    batch_rows: usize,
    sink: files::Sink<'_>,
) -> Result<(), DemoError> {
    let schema = dataset.contract.reader_schema();
    match dataset.id.to_string().as_str() {
        "otaru_kaihatsu.river_hourly" => river::generate(world, year, schema, batch_rows, sink),
        "kisho.weather_hourly" => weather::generate(world, year, schema, batch_rows, sink),
        "douro.traffic_5min" => traffic::generate(world, year, schema, batch_rows, sink),
        other => Err(DemoError::unknown(other)),
    }
}

/// The rows of a small dataset, line by line.
fn write_table(world: &World, id: &str, file: &mut CsvFile) -> Result<(), DemoError> {
    match id {
        "otaru_kaihatsu.river_gauges" => reference::gauges(world, file),
        "kisho.stations" => reference::stations(world, file),
        "douro.counters" => reference::counters(world, file),
        "shicho.municipalities" => reference::municipalities(world, file),
        "shicho.population_yearly" => population::generate(world, file),
        "hokkaido.inbound_monthly" => inbound::generate(world, file),
        "nosei.rice_yearly" => rice::generate(world, file),
        "nosei.shipments_monthly" => shipments::generate(world, file),
        "nosei.rice_stages" => reference::as_written(catalog::STAGES, 5, file),
        "otaru_kaihatsu.flow_normals" => reference::flow_normals(world, file),
        "shicho.indicators" => reference::as_written(catalog::INDICATORS, 11, file),
        "toukei.indicator_actuals" => reference::as_written(catalog::ACTUALS, 4, file),
        "toukei.holidays" => reference::as_written(catalog::HOLIDAYS, 3, file),
        "toukei.workers_by_industry" => population::workers(world, file),
        "keisatsu.accidents" => accidents::generate(world, file),
        "douro.road_points" => roads::generate(world, file),
        "daigaku.camera_sites" => reference::sites(&world.cameras, file),
        "daigaku.plate_counts_daily" => plates::generate(world, file),
        "kowan.port_calls" => port::generate(world, file),
        "kanko.sites" => reference::sites(&world.desks, file),
        "kanko.visits_daily" => visits::generate(world, file),
        "basu.stops" => bus::stops(world, file),
        "basu.services" => bus::services(world, file),
        "basu.service_dates" => bus::service_dates(world, file),
        "basu.trips" => bus::trips(world, file),
        "basu.stop_times" => bus::stop_times(world, file),
        other => Err(DemoError::unknown(other)),
    }
}

//! What someone who knows the region would check of the sample, and what its readers rely on.

use std::collections::{HashMap, HashSet};

use arrow::{
    array::{AsArray, RecordBatch},
    compute::concat_batches,
    datatypes::{Float64Type, Int64Type, TimestampMicrosecondType},
};
use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use hub_model::{Contract, FieldRole, FieldType, Quality, TOKYO};

use super::{
    DemoError, SampleDataset, SampleOptions, agencies, catalog, datasets, observe, places::World,
    write_files,
};

mod contents;
mod people;
mod seasons;

fn dataset(id: &str) -> SampleDataset {
    datasets().unwrap().into_iter().find(|d| d.id.to_string() == id).unwrap()
}

/// The sample's region with fewer counters, so that tests are quick.
fn small_world() -> World {
    let mut world = World::new(&SampleOptions::default()).unwrap();
    world.counters.retain(|c| ["1110050", "1110540", "1111250"].contains(&c.site.id.as_str()));
    world
}

/// All batches of the last year, as one.
fn last_year(world: &World, id: &str, batch_rows: usize) -> RecordBatch {
    let dataset = dataset(id);
    let mut batches = Vec::new();
    let year = world.years().last().unwrap();
    observe(world, &dataset, year, batch_rows, &mut |batch| {
        assert!(batch.num_rows() <= batch_rows);
        batches.push(batch);
        Ok(())
    })
    .unwrap();
    concat_batches(&dataset.contract.reader_schema(), &batches).unwrap()
}

/// One series' column by time.
struct Table(RecordBatch);

impl Table {
    fn of(id: &str) -> Self {
        Self(last_year(&small_world(), id, 8_192))
    }

    fn text(&self, column: &str) -> impl Iterator<Item = &str> {
        self.0.column_by_name(column).unwrap().as_string::<i32>().iter().map(Option::unwrap)
    }

    fn times(&self) -> Vec<DateTime<Utc>> {
        let times = self.0.column_by_name("time").unwrap();
        let times = times.as_primitive::<TimestampMicrosecondType>().values();
        times.iter().map(|t| DateTime::from_timestamp_micros(*t).unwrap()).collect()
    }

    fn numbers(&self, column: &str) -> Vec<Option<f64>> {
        let column = self.0.column_by_name(column).unwrap();
        match column.as_primitive_opt::<Float64Type>() {
            Some(numbers) => numbers.iter().collect(),
            None => {
                column.as_primitive::<Int64Type>().iter().map(|n| n.map(|n| n as f64)).collect()
            }
        }
    }

    /// The values of one series, in the order of time.
    fn series(&self, key: &str, id: &str, column: &str) -> Vec<(DateTime<Utc>, Option<f64>)> {
        self.text(key)
            .zip(self.times().into_iter().zip(self.numbers(column)))
            .filter(|(of, _)| *of == id)
            .map(|(_, row)| row)
            .collect()
    }
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = values.fold((0.0, 0.0), |(sum, count), v| (sum + v, count + 1.0));
    assert!(count > 0.0, "nothing to take the mean of");
    sum / count
}

//! How many rows and values a dataset version has in each month or year, and of which series they are: what
//! coverage is told from.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute::cast,
    datatypes::{DataType, Date32Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType},
};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeDelta};
use datafusion::{functions::datetime::expr_fn::date_trunc, logical_expr::lit};
use futures::TryStreamExt;
use hub_model::{Contract, Field, FieldRole, FieldType, Label, TOKYO};

use super::days::{Summing, instant};
use crate::{
    engine::{QueryEngine, ReadableTable},
    error::QueryError,
    filter::column,
};

/// The most series of which each is told by itself, by month.
const SERIES_BY_MONTH: usize = 50;

/// The most different times at which series begin that are kept apart.
const BEGINNINGS: usize = 10_000;

/// The stretches of time that are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stretch {
    /// Calendar months.
    Month,
    /// Calendar years, of data that comes once in one or more of them.
    Year,
}

/// What there is in one stretch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Rows.
    pub rows: u64,
    /// Of each value column, in the contract's order: values, those aside that their quality leaves out, and
    /// how many of them are good.
    pub values: Vec<(u64, u64)>,
}

impl Counts {
    fn add(&mut self, other: &Self) {
        self.rows += other.rows;
        self.values.resize(self.values.len().max(other.values.len()), (0, 0));
        for (own, more) in self.values.iter_mut().zip(&other.values) {
            own.0 += more.0;
            own.1 += more.1;
        }
    }
}

/// One series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CountedSeries {
    /// The values of the series' columns, as text.
    pub key: Vec<Option<String>>,
    /// Its rows.
    pub rows: u64,
    /// When its first interval begins, in Japanese time.
    pub first: NaiveDateTime,
    /// When its last interval begins.
    pub last: NaiveDateTime,
    /// What there is of it, by the first day of each stretch.
    pub stretches: BTreeMap<NaiveDate, Counts>,
}

/// What a dataset version has, by time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counted {
    /// What is told apart.
    pub stretch: Stretch,
    /// The value columns by their names.
    pub columns: Vec<String>,
    /// What there is, by the first day of each stretch that has rows.
    pub stretches: BTreeMap<NaiveDate, Counts>,
    /// Rows without a time.
    pub undated_rows: u64,
    /// How many series there are.
    pub series_count: u64,
    /// How many series begin at each time, in Japanese time; none where these are too many.
    pub beginnings: Option<BTreeMap<NaiveDateTime, u64>>,
    /// When the last interval of all begins.
    pub last: Option<NaiveDateTime>,
    /// Each series, where there are few.
    pub series: Option<Vec<CountedSeries>>,
}

impl QueryEngine {
    /// Counts a dataset version by month, or by year where its data is yearly; none where its rows have no
    /// time. Read from rollups where these tell, in memory that does not grow with the rows.
    pub async fn count_by_time(&self, table: ReadableTable) -> Result<Option<Counted>, QueryError> {
        let Some(time) = table.contract.time_field().cloned() else { return Ok(None) };
        let contract = &table.contract;
        let columns: Vec<String> = contract
            .fields
            .iter()
            .filter(|field| field.role == FieldRole::Value)
            .map(|field| field.name.clone())
            .collect();
        let stretch = stretch(&time);
        let mut counted = Counted {
            stretch,
            columns,
            stretches: BTreeMap::new(),
            undated_rows: 0,
            series_count: 0,
            beginnings: Some(BTreeMap::new()),
            last: None,
            series: Some(Vec::new()),
        };
        // Where the key has no time, every row would be a series of its own.
        if recurs(contract) {
            self.count_series(&table, &time, &mut counted).await?;
        } else {
            (counted.beginnings, counted.series) = (None, None);
        }
        self.count_stretches(table, &time, &mut counted).await?;
        Ok(Some(counted))
    }

    async fn count_series(
        &self,
        table: &ReadableTable,
        time: &Field,
        counted: &mut Counted,
    ) -> Result<(), QueryError> {
        let width = table.contract.series_fields().count();
        let spoken = time.clone();
        let mut batches = self
            .summed(table.clone(), move |contract| {
                let mut summing = Summing::by_series(contract);
                summing.rows();
                summing.span(&spoken);
                Ok(summing)
            })
            .await?;
        while let Some(batch) = batches.try_next().await? {
            let keys = texts(&batch, width)?;
            let rows = numbers(&batch, width)?;
            let (first, last) = (times(&batch, width + 1)?, times(&batch, width + 2)?);
            for row in 0..batch.num_rows() {
                let (Some(first), Some(last)) = (first[row], last[row]) else { continue };
                let (Some(first), Some(last)) = (beginning(time, first), beginning(time, last))
                else {
                    continue;
                };
                counted.series_count += 1;
                counted.last = counted.last.max(Some(last));
                if let Some(beginnings) = &mut counted.beginnings {
                    *beginnings.entry(first).or_default() += 1;
                    if beginnings.len() > BEGINNINGS {
                        counted.beginnings = None;
                    }
                }
                if let Some(series) = &mut counted.series {
                    series.push(CountedSeries {
                        key: key(&keys, row),
                        rows: rows[row],
                        first,
                        last,
                        stretches: BTreeMap::new(),
                    });
                    if series.len() > SERIES_BY_MONTH {
                        counted.series = None;
                    }
                }
            }
        }
        if let Some(series) = &mut counted.series {
            series.sort_by(|a, b| a.key.cmp(&b.key));
        }
        Ok(())
    }

    async fn count_stretches(
        &self,
        table: ReadableTable,
        time: &Field,
        counted: &mut Counted,
    ) -> Result<(), QueryError> {
        let by_series = counted.series.is_some();
        let width = if by_series { table.contract.series_fields().count() } else { 0 };
        let spoken = time.clone();
        let mut batches = self
            .summed(table, move |contract| {
                let mut summing =
                    if by_series { Summing::by_series(contract) } else { Summing::default() };
                // Other types are put together by what they are, which is few enough.
                let by = match spoken.field_type {
                    FieldType::Datetime => date_trunc(lit("month"), instant(&spoken)),
                    _ => column(&spoken),
                };
                summing.group(by, "stretch");
                summing.rows();
                summing.values(contract, false)?;
                Ok(summing)
            })
            .await?;
        while let Some(batch) = batches.try_next().await? {
            let keys = texts(&batch, width)?;
            let times = times(&batch, width)?;
            let rows = numbers(&batch, width + 1)?;
            let values: Vec<Vec<u64>> = (width + 2..batch.num_columns())
                .map(|column| numbers(&batch, column))
                .collect::<Result<_, _>>()?;
            for row in 0..batch.num_rows() {
                let counts = Counts {
                    rows: rows[row],
                    values: values.chunks(2).map(|pair| (pair[0][row], pair[1][row])).collect(),
                };
                let named = times[row].and_then(|named| match time.field_type {
                    // The instant within the interval was chosen by the plan.
                    FieldType::Datetime => Some(named),
                    _ => beginning(time, named),
                });
                let Some(day) = named.and_then(|time| start(counted.stretch, time)) else {
                    counted.undated_rows += counts.rows;
                    continue;
                };
                counted.stretches.entry(day).or_default().add(&counts);
                if let Some(series) = &mut counted.series {
                    let key = key(&keys, row);
                    if let Ok(at) = series.binary_search_by(|one| one.key.cmp(&key)) {
                        series[at].stretches.entry(day).or_default().add(&counts);
                    }
                }
            }
        }
        Ok(())
    }
}

/// Whether the contract says that each series is observed again and again.
fn recurs(contract: &Contract) -> bool {
    contract.time_field().is_some_and(|time| {
        contract.primary_key.is_empty() || contract.primary_key.contains(&time.name)
    })
}

fn stretch(time: &Field) -> Stretch {
    let yearly = time.interval.is_some_and(|interval| interval.months() >= 12);
    if yearly || time.field_type == FieldType::Year { Stretch::Year } else { Stretch::Month }
}

/// The first day of the stretch that a time is in.
fn start(stretch: Stretch, time: NaiveDateTime) -> Option<NaiveDate> {
    let month = if stretch == Stretch::Month { time.month() } else { 1 };
    NaiveDate::from_ymd_opt(time.year(), month, 1)
}

/// When the interval begins that a time names.
fn beginning(time: &Field, named: NaiveDateTime) -> Option<NaiveDateTime> {
    match (time.label, time.interval) {
        (Some(Label::End), Some(interval)) => interval.before(named),
        _ => Some(named),
    }
}

fn texts(batch: &RecordBatch, width: usize) -> Result<Vec<ArrayRef>, QueryError> {
    let columns = batch.columns()[..width].iter();
    columns.map(|column| cast(column, &DataType::Utf8).map_err(QueryError::internal)).collect()
}

fn key(columns: &[ArrayRef], row: usize) -> Vec<Option<String>> {
    let text = |column: &ArrayRef| {
        let column = column.as_string::<i32>();
        column.is_valid(row).then(|| column.value(row).to_owned())
    };
    columns.iter().map(text).collect()
}

fn numbers(batch: &RecordBatch, column: usize) -> Result<Vec<u64>, QueryError> {
    let column = cast(batch.column(column), &DataType::Int64).map_err(QueryError::internal)?;
    let column = column.as_primitive::<Int64Type>();
    Ok(column.iter().map(|value| value.unwrap_or(0).unsigned_abs()).collect())
}

/// A column of times of any type, in Japanese time.
fn times(batch: &RecordBatch, column: usize) -> Result<Vec<Option<NaiveDateTime>>, QueryError> {
    let column = batch.column(column);
    let midnight = |date: NaiveDate| date.and_hms_opt(0, 0, 0);
    Ok(match column.data_type() {
        DataType::Timestamp(_, zone) => {
            let micros = DataType::Timestamp(TimeUnit::Microsecond, zone.clone());
            let column = cast(column, &micros).map_err(QueryError::internal)?;
            let column = column.as_primitive::<TimestampMicrosecondType>();
            let local = |at| {
                let instant = DateTime::from_timestamp_micros(at)?;
                Some(instant.with_timezone(&TOKYO).naive_local())
            };
            column.iter().map(|at| at.and_then(local)).collect()
        }
        DataType::Int32 => {
            let column = column.as_primitive::<Int32Type>();
            let year = |year| NaiveDate::from_ymd_opt(year, 1, 1).and_then(midnight);
            column.iter().map(|at| at.and_then(year)).collect()
        }
        DataType::Date32 => {
            let column = column.as_primitive::<Date32Type>();
            let date = |days| {
                let epoch = DateTime::UNIX_EPOCH.naive_utc();
                epoch.checked_add_signed(TimeDelta::try_days(i64::from(days))?)
            };
            column.iter().map(|at| at.and_then(date)).collect()
        }
        other => return Err(QueryError::internal(format!("{other} is no time"))),
    })
}

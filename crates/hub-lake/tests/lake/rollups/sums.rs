//! What rows come to, put together by hand, and what a companion says that they do.

use std::collections::BTreeMap;

use arrow::{
    array::{Array, AsArray, RecordBatch},
    datatypes::{Float64Type, Int64Type, TimestampMicrosecondType},
};
use hub_lake::{BUCKET, EDGE, FIRST_TIME, LAST_TIME, ROWS, RollupLevel, RollupValue};

use crate::support::HOUR;

/// What one group of rows comes to; numbers by their bits, so that NaN equals itself.
#[derive(Debug, Default, Clone, PartialEq)]
pub(super) struct Sums {
    rows: i64,
    times: Option<(i64, i64)>,
    level: Numbers,
    cars: Numbers,
    remarks: i64,
}

#[derive(Debug, Default, Clone, PartialEq)]
struct Numbers {
    count: i64,
    good: i64,
    sum: Option<u64>,
    least: Option<u64>,
    greatest: Option<u64>,
    first: Option<(i64, u64)>,
    last: Option<(i64, u64)>,
}

impl Numbers {
    /// Of (time, value, whether it is good) in the order of time.
    fn of<T: Copy>(
        values: &[(i64, T, bool)],
        bits: impl Fn(T) -> u64,
        add: impl Fn(T, T) -> T,
        zero: T,
        compare: impl Fn(&T, &T) -> std::cmp::Ordering,
    ) -> Self {
        let all = || values.iter().map(|(_, value, _)| *value);
        Self {
            count: values.len() as i64,
            good: values.iter().filter(|(.., good)| *good).count() as i64,
            sum: (!values.is_empty()).then(|| bits(all().fold(zero, &add))),
            least: all().min_by(&compare).map(&bits),
            greatest: all().max_by(&compare).map(&bits),
            first: values.first().map(|(time, value, _)| (*time, bits(*value))),
            last: values.last().map(|(time, value, _)| (*time, bits(*value))),
        }
    }
}

/// Sums by series, bucket and whether the group is of an edge.
pub(super) type Groups = BTreeMap<(String, Option<i64>, bool), Sums>;

/// Sums of a file's rows, put together as plainly as can be.
pub(super) fn expected(rows: &RecordBatch, level: RollupLevel, edges: bool) -> Groups {
    let column = |name: &str| rows.column_by_name(name).unwrap();
    let time = column("time").as_primitive::<TimestampMicrosecondType>();
    let station = column("station").as_string::<i32>();
    let (level_of, cars) =
        (column("level").as_primitive::<Float64Type>(), column("cars").as_primitive::<Int64Type>());
    let quality = column("level_quality").as_string::<i32>();
    let remark = column("remark").as_string::<i32>();
    let mut members: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for row in 0..rows.num_rows() {
        let at = time.value(row);
        let bucket = match level {
            RollupLevel::Hour => Some(at.div_euclid(HOUR) * HOUR),
            RollupLevel::Day => Some((at + 9 * HOUR).div_euclid(24 * HOUR) * 24 * HOUR - 9 * HOUR),
            RollupLevel::Series => None,
        };
        let edge = edges && bucket == Some(at);
        members.entry((station.value(row).to_owned(), bucket, edge)).or_default().push(row);
    }
    let sums = |rows: Vec<usize>| {
        let good = |row: usize| {
            quality.is_valid(row) && ["normal", "quasi_normal"].contains(&quality.value(row))
        };
        let bad = |row: usize| {
            quality.is_valid(row)
                && ["doubtful", "missing", "not_observed", "closed"].contains(&quality.value(row))
        };
        let levels: Vec<_> = rows
            .iter()
            .filter(|row| level_of.is_valid(**row) && !bad(**row))
            .map(|row| (time.value(*row), level_of.value(*row), good(*row)))
            .collect();
        let counted: Vec<_> = rows
            .iter()
            .filter(|row| cars.is_valid(**row))
            .map(|row| (time.value(*row), cars.value(*row), true))
            .collect();
        let times = rows.iter().map(|row| time.value(*row));
        Sums {
            rows: rows.len() as i64,
            times: times.clone().min().zip(times.max()),
            level: Numbers::of(&levels, float_bits, |a, b| a + b, 0.0, f64::total_cmp),
            cars: Numbers::of(&counted, |v| v as u64, |a, b| a + b, 0, i64::cmp),
            remarks: rows.iter().filter(|row| remark.is_valid(**row)).count() as i64,
        }
    };
    members.into_iter().map(|(group, rows)| (group, sums(rows))).collect()
}

/// The sign of a NaN that was computed is no part of what it says.
fn float_bits(value: f64) -> u64 {
    if value.is_nan() { f64::NAN.to_bits() } else { value.to_bits() }
}

/// What a companion says.
pub(super) fn said(rows: &RecordBatch) -> Groups {
    let column = |name: &str| rows.column_by_name(name);
    let count =
        |name: &str, row: usize| column(name).unwrap().as_primitive::<Int64Type>().value(row);
    let instant = |name: &str, row: usize| {
        let column = column(name)?.as_primitive::<TimestampMicrosecondType>();
        column.is_valid(row).then(|| column.value(row))
    };
    let bits = |name: String, row: usize| {
        let column = column(&name).unwrap();
        column.is_valid(row).then(|| match column.as_primitive_opt::<Float64Type>() {
            Some(floats) => float_bits(floats.value(row)),
            None => column.as_primitive::<Int64Type>().value(row) as u64,
        })
    };
    let numbers = |name: &str, row: usize| Numbers {
        count: count(&RollupValue::Count.column(name), row),
        good: count(&RollupValue::Good.column(name), row),
        sum: bits(RollupValue::Sum.column(name), row),
        least: bits(RollupValue::Min.column(name), row),
        greatest: bits(RollupValue::Max.column(name), row),
        first: instant(&RollupValue::FirstTime.column(name), row)
            .zip(bits(RollupValue::First.column(name), row)),
        last: instant(&RollupValue::LastTime.column(name), row)
            .zip(bits(RollupValue::Last.column(name), row)),
    };
    let group = |row: usize| {
        let edge = column(EDGE).is_some_and(|edge| edge.as_boolean().value(row));
        let station = column("station").unwrap().as_string::<i32>().value(row).to_owned();
        (station, instant(BUCKET, row), edge)
    };
    let sums = |row: usize| Sums {
        rows: count(ROWS, row),
        times: instant(FIRST_TIME, row).zip(instant(LAST_TIME, row)),
        level: numbers("level", row),
        cars: numbers("cars", row),
        remarks: count(&RollupValue::Count.column("remark"), row),
    };
    let groups: Groups = (0..rows.num_rows()).map(|row| (group(row), sums(row))).collect();
    assert_eq!(groups.len(), rows.num_rows(), "a group comes twice");
    groups
}

//! What one value column comes to in each group of rows.

use std::{ops::Range, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, BooleanBuilder, Float64Array, Int64Array,
        NullBufferBuilder, RecordBatch, make_array,
    },
    buffer::NullBuffer,
    datatypes::{Float64Type, Int64Type},
};
use arrow_schema::{ArrowError, DataType, Field};
use hub_model::Quality;

use super::{Lacking, RolledColumn, RollupValue, roller::time_array};

/// The count, and what else is known of one column, for each group.
pub(crate) struct Values {
    name: String,
    count: Vec<i64>,
    good: Vec<i64>,
    numbers: Numbers,
}

enum Numbers {
    None,
    Float(Extremes<f64>, Vec<f64>),
    /// Sums that no 64 bits hold are noticed, and nothing is said then.
    Integer(Extremes<i64>, Vec<i128>),
}

/// Values of each group; what stands for a group without a value is not looked at.
#[derive(Default)]
struct Extremes<T> {
    min: Vec<T>,
    max: Vec<T>,
    first: Vec<T>,
    last: Vec<T>,
    first_time: Vec<Option<i64>>,
    last_time: Vec<Option<i64>>,
}

impl Values {
    pub(crate) fn new(column: &RolledColumn, data_type: Option<&DataType>) -> Self {
        let numbers = match data_type {
            Some(DataType::Float64) => Numbers::Float(Extremes::default(), Vec::new()),
            Some(DataType::Int64) => Numbers::Integer(Extremes::default(), Vec::new()),
            _ => Numbers::None,
        };
        Self { name: column.name.clone(), count: Vec::new(), good: Vec::new(), numbers }
    }

    /// Takes in the rows of a batch: each range goes to the group of its number. Numbers only grow.
    pub(crate) fn add(
        &mut self,
        judged: &Judged,
        groups: &[(usize, Range<usize>)],
        time: &dyn Fn(usize) -> Option<i64>,
    ) {
        let Some(&(last, _)) = groups.last() else { return };
        self.count.resize(last + 1, 0);
        self.good.resize(last + 1, 0);
        let Some(column) = &judged.column else { return self.without(last) };
        let good = &judged.good;
        for (group, rows) in groups {
            let valid = match column.nulls() {
                None => rows.len(),
                Some(nulls) => rows.clone().filter(|row| nulls.is_valid(*row)).count(),
            };
            self.count[*group] += valid as i64;
            self.good[*group] += match good {
                None => valid as i64,
                Some(good) => {
                    rows.clone().filter(|row| good.value(*row) && column.is_valid(*row)).count()
                        as i64
                }
            };
        }
        match &mut self.numbers {
            Numbers::None => {}
            Numbers::Float(extremes, sums) => {
                let values = column.as_primitive::<Float64Type>();
                sums.resize(last + 1, 0.0);
                extremes.resize(last + 1);
                for (group, rows) in groups {
                    let sum = &mut sums[*group];
                    extremes.add(*group, rows, time, values.nulls(), values.values(), |a, b| {
                        a.total_cmp(b).is_lt()
                    });
                    match values.nulls() {
                        None => {
                            *sum = values.values()[rows.clone()].iter().fold(*sum, |s, v| s + v)
                        }
                        Some(nulls) => {
                            for row in rows.clone().filter(|row| nulls.is_valid(*row)) {
                                *sum += values.values()[row];
                            }
                        }
                    }
                }
            }
            Numbers::Integer(extremes, sums) => {
                let values = column.as_primitive::<Int64Type>();
                sums.resize(last + 1, 0);
                extremes.resize(last + 1);
                for (group, rows) in groups {
                    extremes.add(*group, rows, time, values.nulls(), values.values(), |a, b| a < b);
                    let valid =
                        rows.clone().filter(|row| values.nulls().is_none_or(|n| n.is_valid(*row)));
                    sums[*group] += valid.map(|row| i128::from(values.values()[row])).sum::<i128>();
                }
            }
        }
    }

    /// The batch lacks the column, so that none of its rows has a value.
    fn without(&mut self, last: usize) {
        match &mut self.numbers {
            Numbers::None => {}
            Numbers::Float(extremes, sums) => {
                sums.resize(last + 1, 0.0);
                extremes.resize(last + 1);
            }
            Numbers::Integer(extremes, sums) => {
                sums.resize(last + 1, 0);
                extremes.resize(last + 1);
            }
        }
    }

    /// The companion's columns; none where a sum is too large for its type.
    pub(crate) fn finish(self, time_type: &DataType) -> Option<Vec<(Field, ArrayRef)>> {
        let counts = [(RollupValue::Count, &self.count), (RollupValue::Good, &self.good)];
        let mut columns: Vec<(Field, ArrayRef)> = counts
            .into_iter()
            .map(|(what, counts)| {
                let field = Field::new(what.column(&self.name), DataType::Int64, false);
                (field, Arc::new(Int64Array::from(counts.clone())) as ArrayRef)
            })
            .collect();
        let known: Vec<bool> = self.count.iter().map(|count| *count > 0).collect();
        let mut put = |what: RollupValue, values: ArrayRef| {
            let field = Field::new(what.column(&self.name), values.data_type().clone(), true);
            columns.push((field, values));
        };
        match self.numbers {
            Numbers::None => {}
            Numbers::Float(extremes, sums) => {
                let array = |values: &[f64]| -> ArrayRef {
                    let values = values.iter().zip(&known);
                    Arc::new(values.map(|(v, known)| known.then_some(*v)).collect::<Float64Array>())
                };
                put(RollupValue::Sum, array(&sums));
                extremes.finish(time_type, array, put);
            }
            Numbers::Integer(extremes, sums) => {
                let sums: Result<Vec<i64>, _> = sums.into_iter().map(i64::try_from).collect();
                let array = |values: &[i64]| -> ArrayRef {
                    let values = values.iter().zip(&known);
                    Arc::new(values.map(|(v, known)| known.then_some(*v)).collect::<Int64Array>())
                };
                put(RollupValue::Sum, array(&sums.ok()?));
                extremes.finish(time_type, array, put);
            }
        }
        Some(columns)
    }
}

impl<T: Copy + Default> Extremes<T> {
    fn resize(&mut self, groups: usize) {
        for values in [&mut self.min, &mut self.max, &mut self.first, &mut self.last] {
            values.resize(groups, T::default());
        }
        self.first_time.resize(groups, None);
        self.last_time.resize(groups, None);
    }

    /// A group whose first value's time is missing had no value yet; the time of rows without one is
    /// `i64::MAX` here.
    fn add(
        &mut self,
        group: usize,
        rows: &Range<usize>,
        time: &dyn Fn(usize) -> Option<i64>,
        nulls: Option<&NullBuffer>,
        values: &[T],
        less: impl Fn(&T, &T) -> bool,
    ) {
        let valid = |row: &usize| nulls.is_none_or(|nulls| nulls.is_valid(*row));
        let (Some(first), Some(last)) = (rows.clone().find(valid), rows.clone().rfind(valid))
        else {
            return;
        };
        let mut min = values[first];
        let mut max = values[first];
        for row in (first + 1..=last).filter(valid) {
            let value = values[row];
            if less(&value, &min) {
                min = value;
            }
            if less(&max, &value) {
                max = value;
            }
        }
        let at = |row: usize| Some(time(row).unwrap_or(i64::MAX));
        if self.first_time[group].is_none() {
            (self.min[group], self.max[group]) = (min, max);
            (self.first[group], self.first_time[group]) = (values[first], at(first));
        } else {
            if less(&min, &self.min[group]) {
                self.min[group] = min;
            }
            if less(&self.max[group], &max) {
                self.max[group] = max;
            }
        }
        (self.last[group], self.last_time[group]) = (values[last], at(last));
    }

    fn finish(
        self,
        time_type: &DataType,
        array: impl Fn(&[T]) -> ArrayRef,
        mut put: impl FnMut(RollupValue, ArrayRef),
    ) {
        put(RollupValue::Min, array(&self.min));
        put(RollupValue::Max, array(&self.max));
        put(RollupValue::First, array(&self.first));
        put(RollupValue::FirstTime, time_array(&self.first_time, time_type));
        put(RollupValue::Last, array(&self.last));
        put(RollupValue::LastTime, time_array(&self.last_time, time_type));
    }
}

/// One column's values in a batch, of which those are missing that their quality leaves out.
pub(crate) struct Judged {
    column: Option<ArrayRef>,
    /// Which rows have a quality that stands for a value as it was meant; none where no quality is kept.
    good: Option<BooleanArray>,
    /// What is left out, and where there was nothing to be left out.
    pub(crate) lacking: Lacking,
}

impl Judged {
    pub(crate) fn of(column: &RolledColumn, batch: &RecordBatch) -> Result<Self, ArrowError> {
        let values = batch.column_by_name(&column.name).cloned();
        let quality = column.quality.as_ref().and_then(|name| batch.column_by_name(name));
        let words = quality.and_then(|quality| quality.as_string_opt::<i32>());
        let known = |word: &str| Quality::ALL.into_iter().find(|quality| quality.as_str() == word);
        let (Some(values), Some(words)) = (&values, words) else {
            // A quality without a value may still say that none was due.
            let not_due = words.map_or(0, |words| {
                words
                    .iter()
                    .flatten()
                    .filter(|word| known(word).is_some_and(|q| !q.was_due()))
                    .count()
            });
            let lacking = Lacking { left_out: 0, not_due: not_due as u64 };
            return Ok(Self { column: values, good: None, lacking });
        };
        let stands = [Quality::Normal, Quality::QuasiNormal];
        let (mut good, mut shown) =
            (BooleanBuilder::with_capacity(words.len()), NullBufferBuilder::new(words.len()));
        // Neighbours are mostly of one quality.
        let mut last: Option<(Option<&str>, Option<Quality>)> = None;
        let mut not_due = 0;
        for word in words {
            let quality = match last {
                Some((before, quality)) if before == word => quality,
                _ => word.and_then(known),
            };
            last = Some((word, quality));
            good.append_value(quality.is_some_and(|quality| stands.contains(&quality)));
            shown.append(!quality.is_some_and(Quality::is_left_out));
            not_due += u64::from(quality.is_some_and(|quality| !quality.was_due()));
        }
        let good = Some(good.finish());
        let nulls = NullBuffer::union(values.nulls(), shown.finish().as_ref());
        let missing = nulls.as_ref().map_or(0, NullBuffer::null_count);
        let left_out = (missing - values.null_count()) as u64;
        let column = match left_out {
            0 => Arc::clone(values),
            _ => make_array(values.to_data().into_builder().nulls(nulls).build()?),
        };
        Ok(Self { column: Some(column), good, lacking: Lacking { left_out, not_due } })
    }
}

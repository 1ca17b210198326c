//! What the rows of a file look like as series in time: how many series, in which step, with which gaps,
//! and what in them looks wrong. Nothing here is an error, since no contract says it.
//!
//! Rows are seen once and in the order of the file. What is remembered is bounded, however many rows and
//! series there are.

mod keys;
mod months;
mod steps;
#[cfg(test)]
mod tests;
mod values;

use std::borrow::Cow;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    buffer::NullBuffer,
    datatypes::{
        Date32Type, Float64Type, Int32Type, Int64Type, TimeUnit, TimestampMicrosecondType,
    },
};
use arrow_schema::DataType;
use hub_model::{Contract, Coverage, Field, FieldRole, FieldType, Interval, Label, Text, Warning};

use keys::Keys;
use months::Months;
use steps::Steps;
use values::Values;

/// The most numeric columns that are looked at.
const MAX_VALUES: usize = 16;

/// What is known of the file so far.
#[derive(Debug)]
pub(crate) struct Watch {
    time: Option<(usize, FieldType)>,
    interval: Option<Interval>,
    /// The columns that name a series.
    series: Vec<usize>,
    /// Numeric columns of values.
    values: Vec<usize>,
    has_key: bool,
    keys: Keys,
    steps: Steps,
    months: Months,
    seen: Values,
}

/// A time in units in which steps are even: microseconds, days, months or years.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tick {
    Micros,
    Days,
    Months,
    Years,
}

impl Tick {
    fn of(field_type: FieldType) -> Self {
        match field_type {
            FieldType::Date => Self::Days,
            FieldType::Yearmonth => Self::Months,
            FieldType::Year => Self::Years,
            _ => Self::Micros,
        }
    }
}

/// What is told of the whole file.
#[derive(Debug, Default)]
pub(crate) struct Told {
    pub(crate) coverage: Option<Coverage>,
    pub(crate) warnings: Vec<Warning>,
}

/// A column whose values make up a key.
enum Part<'a> {
    Text(&'a arrow::array::StringArray),
    Int64(&'a [i64]),
    Int32(&'a [i32]),
    Other(&'a ArrayRef),
}

impl<'a> Part<'a> {
    fn new(array: &'a ArrayRef) -> Self {
        match array.data_type() {
            DataType::Utf8 => Self::Text(array.as_string()),
            DataType::Int64 => Self::Int64(array.as_primitive::<Int64Type>().values()),
            DataType::Int32 => Self::Int32(array.as_primitive::<Int32Type>().values()),
            DataType::Date32 => Self::Int32(array.as_primitive::<Date32Type>().values()),
            _ => Self::Other(array),
        }
    }

    #[inline]
    fn write(&self, row: usize, key: &mut Vec<u8>) {
        match self {
            Self::Text(texts) => key.extend_from_slice(texts.value(row).as_bytes()),
            Self::Int64(values) => key.extend_from_slice(values[row].to_string().as_bytes()),
            Self::Int32(values) => key.extend_from_slice(values[row].to_string().as_bytes()),
            Self::Other(array) => {
                let text = arrow::util::display::array_value_to_string(array, row);
                key.extend_from_slice(text.unwrap_or_default().as_bytes());
            }
        }
    }
}

impl Watch {
    pub(crate) fn new(contract: &Contract) -> Self {
        let place = |field: &Field| contract.fields.iter().position(|f| f.name == field.name);
        let time = contract.time_field().and_then(|f| Some((place(f)?, f.field_type)));
        let series: Vec<usize> = contract.series_fields().filter_map(place).collect();
        let is_value = |field: &&Field| {
            field.role == FieldRole::Value
                && matches!(field.field_type, FieldType::Integer | FieldType::Number)
        };
        let values: Vec<usize> =
            contract.fields.iter().filter(is_value).filter_map(place).take(MAX_VALUES).collect();
        let tick = Tick::of(time.map_or(FieldType::Datetime, |(_, field_type)| field_type));
        Self {
            time,
            interval: contract.time_field().and_then(|field| field.interval),
            has_key: !contract.primary_key.is_empty(),
            keys: Keys::default(),
            steps: Steps::new(tick),
            months: Months::new(tick),
            seen: Values::new(values.len()),
            series,
            values,
        }
    }

    /// Takes in the columns of some rows; `place` is a row as a person counts it.
    pub(crate) fn add(&mut self, columns: &[ArrayRef], place: impl Fn(usize) -> u64) {
        let Some((time, field_type)) = self.time else { return };
        let Some(ticks) = ticks(&columns[time], field_type) else { return };
        // A column without nulls is not asked row by row.
        let nulls = |column: usize| columns[column].nulls().filter(|nulls| nulls.null_count() > 0);
        let has = |nulls: Option<&NullBuffer>, row: usize| nulls.is_none_or(|n| n.is_valid(row));
        let untimed = nulls(time);
        let parts: Vec<(Part<'_>, Option<&NullBuffer>)> =
            self.series.iter().map(|c| (Part::new(&columns[*c]), nulls(*c))).collect();
        let numbers: Vec<ArrayRef> =
            self.values.iter().filter_map(|c| as_floats(&columns[*c])).collect();
        let numbers: Vec<_> = numbers.iter().map(|a| a.as_primitive::<Float64Type>()).collect();
        let mut joined = Vec::new();
        for (row, tick) in ticks.iter().enumerate() {
            if !has(untimed, row) {
                continue;
            }
            let place = place(row);
            self.months.add(*tick, place);
            // Most series are named by one text, which is a key as it lies.
            let key = match parts.as_slice() {
                [(Part::Text(texts), nulls)] if has(*nulls, row) => texts.value(row).as_bytes(),
                parts => {
                    joined.clear();
                    for (at, (part, nulls)) in parts.iter().enumerate() {
                        if at > 0 {
                            joined.push(keys::BETWEEN);
                        }
                        if has(*nulls, row) {
                            part.write(row, &mut joined);
                        }
                    }
                    &joined
                }
            };
            let Some(series) = self.keys.find(key) else { continue };
            self.steps.add(series, *tick, place);
            for (index, numbers) in numbers.iter().enumerate() {
                if numbers.is_valid(row) {
                    self.seen.add(series, index, numbers.value(row), place);
                }
            }
        }
    }

    /// What the whole file shows; `name` is the file's name of a field.
    pub(crate) fn finish(mut self, contract: &Contract, name: impl Fn(usize) -> String) -> Told {
        let Some((time, _)) = self.time else { return Told::default() };
        if self.keys.is_empty() {
            return Told::default();
        }
        let mut warnings = Vec::new();
        let time_name = name(time);
        let field = &contract.fields[time];
        let rhythm = self.steps.finish(&self.keys);
        if let (Some(expected), Some(cadence)) = (self.interval, rhythm.cadence)
            && expected != cadence
        {
            let ends = if field.label == Some(Label::End) { "、終わりの時刻" } else { "" };
            warnings.push(Warning {
                row: None,
                column: Some(time_name.clone()),
                value: None,
                message: Text::new(
                    format!("時刻の間隔は{cadence}が最も多く、契約の{expected}{ends}と違います"),
                    format!("most times are {cadence} apart, and the contract says {expected}"),
                ),
                fix: Text::new(
                    "別の間隔のデータを混ぜていないか、契約の interval が正しいかを確かめてください",
                    "see whether data of another interval are in the file, or the contract's interval is wrong",
                ),
            });
        }
        warnings.extend(rhythm.disorder(&time_name, self.has_key));
        warnings.extend(self.months.lone(&time_name));
        let columns: Vec<String> = self.values.iter().map(|column| name(*column)).collect();
        warnings.extend(self.seen.finish(&columns, &self.keys));
        for (at, column) in self.series.iter().enumerate() {
            if contract.fields[*column].field_type == FieldType::String
                && let Some((short, long)) = self.keys.lost_zeros(at)
            {
                warnings.push(Warning {
                    row: None,
                    column: Some(name(*column)),
                    value: Some(short.clone()),
                    message: Text::new(
                        format!("「{long}」のように0で始まるコードと、それより桁の少ない「{short}」があります"),
                        format!("there are codes that begin with 0, such as {long}, and shorter ones, such as {short}"),
                    ),
                    fix: Text::new(
                        "表計算ソフトで先頭の0が失われていないか確かめてください",
                        "see whether a spreadsheet took leading zeros away",
                    ),
                });
            }
        }
        let coverage = Coverage {
            series: self.keys.count(),
            series_capped: self.keys.is_full(),
            cadence: rhythm.cadence,
            gaps: rhythm.gaps,
            rows_by_month: self.months.rows(),
        };
        Told { coverage: Some(coverage), warnings }
    }
}

/// The times in even units.
fn ticks(array: &ArrayRef, field_type: FieldType) -> Option<Cow<'_, [i64]>> {
    use chrono::Datelike;
    Some(Cow::Owned(match field_type {
        FieldType::Datetime => {
            if !matches!(array.data_type(), DataType::Timestamp(TimeUnit::Microsecond, _)) {
                return None;
            }
            return Some(Cow::Borrowed(array.as_primitive::<TimestampMicrosecondType>().values()));
        }
        FieldType::Date => {
            let days = array.as_primitive_opt::<Date32Type>()?;
            days.values().iter().map(|day| i64::from(*day)).collect()
        }
        FieldType::Yearmonth => {
            let days = array.as_primitive_opt::<Date32Type>()?;
            let month = |day: &i32| {
                chrono::NaiveDate::from_epoch_days(*day)
                    .map_or(0, |date| i64::from(date.year()) * 12 + i64::from(date.month0()))
            };
            days.values().iter().map(month).collect()
        }
        FieldType::Year => {
            let years = array.as_primitive_opt::<Int32Type>()?;
            years.values().iter().map(|year| i64::from(*year)).collect()
        }
        _ => return None,
    }))
}

fn as_floats(array: &ArrayRef) -> Option<ArrayRef> {
    match array.data_type() {
        DataType::Float64 => Some(array.clone()),
        DataType::Int64 => arrow::compute::cast(array, &DataType::Float64).ok(),
        _ => None,
    }
}

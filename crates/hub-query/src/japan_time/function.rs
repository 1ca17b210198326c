//! The quick functions themselves, and the engine's own for times that they are not for.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, Date32Array, Int32Array, IntervalMonthDayNanoArray,
        TimestampMicrosecondArray,
    },
    compute,
    datatypes::IntervalMonthDayNano,
};
use arrow_schema::{DataType, Field, FieldRef, TimeUnit};
use chrono::NaiveDate;
use datafusion::{
    common::{Result, ScalarValue, exec_err},
    config::ConfigOptions,
    functions::datetime,
    logical_expr::{
        ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
        Volatility,
        sort_properties::{ExprProperties, SortProperties},
    },
};
use hub_model::ZONE_NAME;

use super::calendar::{DAY, HOUR, Part, Unit, by_span, number};

/// How far Japan is ahead of UTC.
const AHEAD: i64 = 9 * HOUR;
/// Since 1952 there has been no summer time; the instant in UTC.
const MODERN_FROM: i64 = -6_575 * DAY;
/// The last instant whose date every function here can name: the year 9999's end.
const MODERN_TO: i64 = 2_932_896 * DAY;

/// What is made of a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Step {
    /// The beginning of the unit that it is in.
    Truncate(Unit),
    /// A number that the calendar has for it.
    Part(Part),
    /// Its date.
    Day,
    /// The instant so many microseconds later.
    Shift(i64),
    /// The date so many months later, and from there so many days.
    Later { months: i32, days: i32 },
}

/// What it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Of {
    /// An instant of Japan's zone in microseconds.
    Instant,
    /// A date, which has no zone.
    Date,
}

impl Of {
    /// What has this type; none where it is neither.
    pub(super) fn of_type(data_type: &DataType) -> Option<Self> {
        match data_type {
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if &**zone == ZONE_NAME => {
                Some(Self::Instant)
            }
            DataType::Date32 => Some(Self::Date),
            _ => None,
        }
    }

    fn data_type(self) -> DataType {
        match self {
            Self::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some(ZONE_NAME.into())),
            Self::Date => DataType::Date32,
        }
    }
}

/// One of the functions.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct JapanTime {
    step: Step,
    of: Of,
    name: String,
    signature: Signature,
}

impl JapanTime {
    /// None where there is no quick way for these.
    pub(super) fn new(step: Step, of: Of) -> Option<Self> {
        let name = match (&step, of) {
            (Step::Truncate(unit), Of::Instant) => format!("japan_{}", unit.as_str()),
            (Step::Part(part), Of::Instant) => format!("japan_part_{}", part.as_str()),
            (Step::Day, Of::Instant) => "japan_date".to_owned(),
            (Step::Shift(micros), Of::Instant) => format!("shift_{micros}_us"),
            (Step::Part(part), Of::Date) if *part != Part::Hour => {
                format!("date_part_{}", part.as_str())
            }
            (Step::Later { months, days }, Of::Date) => {
                format!("later_{months}_months_{days}_days")
            }
            _ => return None,
        };
        let signature = Signature::exact(vec![of.data_type()], Volatility::Immutable);
        Some(Self { step, of, name, signature })
    }

    fn quick(&self, times: &ArrayRef) -> Option<ArrayRef> {
        match self.of {
            Of::Instant => self.quick_of_instants(times.as_primitive_opt()?),
            Of::Date => self.quick_of_dates(times.as_primitive_opt()?),
        }
    }

    fn quick_of_instants(&self, times: &TimestampMicrosecondArray) -> Option<ArrayRef> {
        let values = times.values();
        let nulls = times.nulls().cloned();
        let modern = |times: &[i64]| times.iter().all(|t| (MODERN_FROM..MODERN_TO).contains(t));
        if !matches!(self.step, Step::Shift(_)) && !modern(values) {
            return None;
        }
        let local = || values.iter().map(|time| time + AHEAD);
        Some(match self.step {
            Step::Shift(micros) => {
                let shifted: Option<Vec<i64>> =
                    values.iter().map(|time| time.checked_add(micros)).collect();
                let shifted = TimestampMicrosecondArray::new(shifted?.into(), nulls);
                Arc::new(shifted.with_timezone(ZONE_NAME))
            }
            Step::Truncate(unit) => {
                let begun: Vec<i64> = by_span(local(), unit, |from| Some(from - AHEAD))?;
                let begun = TimestampMicrosecondArray::new(begun.into(), nulls);
                Arc::new(begun.with_timezone(ZONE_NAME))
            }
            Step::Day => {
                let days: Vec<i32> =
                    by_span(local(), Unit::Day, |from| (from / DAY).try_into().ok())?;
                Arc::new(Date32Array::new(days.into(), nulls))
            }
            Step::Part(part) => {
                let numbers: Vec<i32> = by_span(local(), part.unit(), |from| number(part, from))?;
                Arc::new(Int32Array::new(numbers.into(), nulls))
            }
            Step::Later { .. } => return None,
        })
    }

    fn quick_of_dates(&self, dates: &Date32Array) -> Option<ArrayRef> {
        let nulls = dates.nulls().cloned();
        Some(match self.step {
            Step::Part(part) => {
                let begun = dates.values().iter().map(|days| i64::from(*days) * DAY);
                let numbers: Vec<i32> = by_span(begun, part.unit(), |from| number(part, from))?;
                Arc::new(Int32Array::new(numbers.into(), nulls))
            }
            Step::Later { months, days } => {
                let later: Option<Vec<i32>> =
                    dates.values().iter().map(|date| later(*date, months, days)).collect();
                Arc::new(Date32Array::new(later?.into(), nulls))
            }
            Step::Truncate(_) | Step::Day | Step::Shift(_) => return None,
        })
    }

    /// The same by the engine's own functions.
    fn slow(&self, times: &ArrayRef, rows: usize, config: Arc<ConfigOptions>) -> Result<ArrayRef> {
        let (function, word) = match self.step {
            Step::Day => return Ok(compute::cast(times, &DataType::Date32)?),
            Step::Shift(_) => {
                return exec_err!("a time is moved out of the range that times can have");
            }
            Step::Later { months, days } => {
                let interval = IntervalMonthDayNano::new(months, days, 0);
                let interval = IntervalMonthDayNanoArray::new_scalar(interval);
                return Ok(compute::kernels::numeric::add(times, &interval)?);
            }
            Step::Truncate(unit) => (datetime::date_trunc(), unit.as_str()),
            Step::Part(part) => (datetime::date_part(), part.as_str()),
        };
        let word = ScalarValue::Utf8(Some(word.to_owned()));
        let fields = [
            Arc::new(Field::new("part", DataType::Utf8, false)),
            Arc::new(Field::new("time", times.data_type().clone(), true)),
        ];
        let return_field = function.return_field_from_args(ReturnFieldArgs {
            arg_fields: &fields,
            scalar_arguments: &[Some(&word), None],
        })?;
        let arguments = ScalarFunctionArgs {
            args: vec![ColumnarValue::Scalar(word), ColumnarValue::Array(Arc::clone(times))],
            arg_fields: fields.to_vec(),
            number_rows: rows,
            return_field,
            config_options: config,
        };
        ScalarUDF::invoke_with_args(&function, arguments)?.into_array(rows)
    }
}

/// The date so many months after one, or the last of that month, and from there so many days.
fn later(date: i32, months: i32, days: i32) -> Option<i32> {
    let date = NaiveDate::from_epoch_days(date)?;
    let by = chrono::Months::new(months.unsigned_abs());
    let moved = if months < 0 { date.checked_sub_months(by) } else { date.checked_add_months(by) };
    moved?.to_epoch_days().checked_add(days)
}

impl ScalarUDFImpl for JapanTime {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(match self.step {
            Step::Day | Step::Later { .. } => DataType::Date32,
            Step::Part(_) => DataType::Int32,
            Step::Truncate(_) | Step::Shift(_) => types.first().cloned().unwrap_or(DataType::Null),
        })
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        let field = Field::new(&self.name, self.return_type(&types)?, nullable);
        // A cast keeps what is said of its column, and the plan's schemas are held against each other.
        let said = match (&self.step, args.arg_fields) {
            (Step::Day, [time]) => time.metadata().clone(),
            _ => HashMap::new(),
        };
        Ok(Arc::new(field.with_metadata(said)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let given = args.args.first();
        let times = match given {
            Some(ColumnarValue::Array(times)) => Arc::clone(times),
            Some(ColumnarValue::Scalar(time)) => time.to_array()?,
            None => return exec_err!("{} takes a time", self.name),
        };
        let made = match self.quick(&times) {
            Some(made) => made,
            None => self.slow(&times, times.len(), args.config_options)?,
        };
        Ok(match given {
            Some(ColumnarValue::Scalar(_)) => {
                ColumnarValue::Scalar(ScalarValue::try_from_array(&made, 0)?)
            }
            _ => ColumnarValue::Array(made),
        })
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        Ok(match (&self.step, inputs) {
            (Step::Part(_), _) => SortProperties::Unordered,
            (_, [time]) => time.sort_properties,
            _ => SortProperties::Unordered,
        })
    }

    fn preserves_lex_ordering(&self, _inputs: &[ExprProperties]) -> Result<bool> {
        Ok(matches!(self.step, Step::Shift(_)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Instants from 1940 on, the days of summer time among them, and without values.
    fn times(from: i64, step: i64) -> ArrayRef {
        let times = (0..20_000i64).map(|i| (i % 97 != 5).then_some(from + i * step));
        Arc::new(TimestampMicrosecondArray::from_iter(times).with_timezone(ZONE_NAME))
    }

    fn is_the_same_both_ways(function: &JapanTime, times: &ArrayRef) {
        let quick = function.quick(times).expect("nothing in it is too old");
        let slow = function.slow(times, times.len(), Arc::default()).unwrap();
        assert_eq!(&quick, &slow, "{}", function.name);
    }

    const PARTS: [&str; 6] = ["day", "dow", "doy", "month", "quarter", "year"];

    #[test]
    fn quick_and_slow_are_the_same_on_every_time() {
        let units = ["hour", "day", "week", "month", "quarter", "year"];
        let parts = PARTS.iter().chain(&["hour"]);
        let steps = units.iter().filter_map(|unit| Unit::parse(unit)).map(Step::Truncate);
        let steps = steps.chain(parts.filter_map(|part| Part::parse(part)).map(Step::Part));
        for step in steps.chain([Step::Day]) {
            let function = JapanTime::new(step, Of::Instant).unwrap();
            // Backwards and forwards, by strides that meet no unit's beginning alone.
            for (from, stride) in
                [(MODERN_FROM, 7_331_000_001), (1_800_000_000_000_000, -97_531_000_003), (0, HOUR)]
            {
                is_the_same_both_ways(&function, &times(from, stride));
            }
            // 1949 had summer time, which only the calendar knows.
            let old = times(-650_000_000_000_000, HOUR);
            assert!(function.quick(&old).is_none());
        }
    }

    #[test]
    fn quick_and_slow_are_the_same_on_every_date() {
        let dates = |from: i32, stride: i32| -> ArrayRef {
            let dates = (0..20_000).map(|i| (i % 97 != 5).then_some(from + i * stride));
            Arc::new(Date32Array::from_iter(dates))
        };
        let parts = PARTS.iter().filter_map(|part| Part::parse(part)).map(Step::Part);
        let moves = [(1, 0), (-3, 0), (0, 31), (13, -1), (-1_200, 400), (i32::MIN + 1, 0)];
        let moves = moves.map(|(months, days)| Step::Later { months, days });
        for step in parts.chain(moves) {
            let far = matches!(step, Step::Later { months, .. } if months < -12_000);
            let function = JapanTime::new(step, Of::Date).unwrap();
            for (from, stride) in [(-800_000, 61), (20_000, -1), (-10_957, 1)] {
                let dates = dates(from, stride);
                if far {
                    assert!(function.quick(&dates).is_none());
                    assert!(function.slow(&dates, dates.len(), Arc::default()).is_err());
                } else {
                    is_the_same_both_ways(&function, &dates);
                }
            }
        }
    }
}

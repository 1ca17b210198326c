//! Functions that make much out of little, or have much to do with it: before they run, what they would
//! make or compare is added up and refused where one batch of it is too much. Memory limits alone do not
//! see what a function allocates, and nothing stops one in the midst of a batch, not even its asker's
//! leaving.

use std::sync::Arc;

use arrow::{
    array::{Array, AsArray, Int64Array},
    compute::cast,
    datatypes::{DataType, Int64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit},
};
use arrow_schema::FieldRef;
use datafusion::{
    common::{DataFusionError, Result, config::ConfigOptions},
    logical_expr::{
        ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
        ScalarUDFImpl, Signature, Volatility,
        interval_arithmetic::Interval,
        simplify::{ExprSimplifyResult, SimplifyContext},
        sort_properties::{ExprProperties, SortProperties},
    },
};

use crate::error::QueryError;

/// The most that one call may make of one batch of rows, in bytes.
const MAX_OUTPUT: u64 = 64_000_000;

/// What an element of a list takes at least, in bytes.
const ELEMENT_BYTES: u64 = 8;

/// The most pairs of characters or elements that one call may compare: about a second's work.
const MAX_PAIRS: u64 = 500_000_000;

/// How a function's output grows with its arguments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Growth {
    /// The first argument, as often as the second says.
    TextTimes,
    /// The first argument with its parts exchanged for the third argument.
    Replaced,
    /// Characters, as the second argument says.
    PaddedTo,
    /// The first argument as an element, as often as the second says.
    Elements,
    /// Elements from the first argument to the second, in steps of the third.
    Series,
    /// Nothing much, but each character or element of the first argument is compared with each of the
    /// second.
    Pairs,
}

/// The function itself, or the same within bounds.
pub(super) fn bound(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    let growth = match function.name() {
        "repeat" => Growth::TextTimes,
        "lpad" | "rpad" => Growth::PaddedTo,
        "replace" | "regexp_replace" => Growth::Replaced,
        "array_repeat" | "array_resize" => Growth::Elements,
        "range" | "generate_series" => Growth::Series,
        "levenshtein" | "array_has_any" | "array_has_all" => Growth::Pairs,
        _ => return function,
    };
    Arc::new(ScalarUDF::new_from_impl(Bounded::new(function, growth)))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    growth: Growth,
    signature: Signature,
}

impl Bounded {
    fn new(inner: Arc<ScalarUDF>, growth: Growth) -> Self {
        let mut signature = inner.signature().clone();
        // A constant made while planning would be small for one row, and then be copied for every row.
        signature.volatility = Volatility::Volatile;
        Self { inner, growth, signature }
    }

    fn check(&self, args: &ScalarFunctionArgs) -> Result<()> {
        let rows = args.number_rows;
        let size = match self.growth {
            Growth::TextTimes => {
                let lengths = text_lengths(args.args.first(), rows)?;
                let times = numbers(args.args.get(1), rows)?;
                lengths.iter().zip(&times).fold(0u64, |sum, (length, times)| {
                    sum.saturating_add(length.saturating_mul(*times))
                })
            }
            Growth::Replaced => {
                let lengths = text_lengths(args.args.first(), rows)?;
                let by = text_lengths(args.args.get(2), rows)?;
                // Every character may be exchanged, and what is put in may repeat a part of the text.
                lengths.iter().zip(&by).fold(0u64, |sum, (length, by)| {
                    sum.saturating_add((2 * length + 1).saturating_mul((*by).max(1)))
                })
            }
            Growth::PaddedTo => total(&numbers(args.args.get(1), rows)?),
            Growth::Elements => total(&numbers(args.args.get(1), rows)?)
                .saturating_mul(element_bytes(args.args.first())),
            Growth::Series => series(&args.args, rows)?.saturating_mul(ELEMENT_BYTES),
            Growth::Pairs => {
                let left = lengths(args.args.first(), rows)?;
                let right = lengths(args.args.get(1), rows)?;
                let pairs =
                    left.iter().zip(&right).map(|(left, right)| left.saturating_mul(*right));
                return self.check_pairs(pairs.fold(0, u64::saturating_add));
            }
        };
        if size <= MAX_OUTPUT {
            return Ok(());
        }
        Err(DataFusionError::External(Box::new(QueryError::Execution {
            message: format!(
                "{} would make more than {} MB at once; ask for less",
                self.inner.name(),
                MAX_OUTPUT / 1_000_000
            ),
        })))
    }

    fn check_pairs(&self, pairs: u64) -> Result<()> {
        if pairs <= MAX_PAIRS {
            return Ok(());
        }
        Err(DataFusionError::External(Box::new(QueryError::Execution {
            message: format!(
                "{} would compare more than {} million pairs at once; give it shorter values",
                self.inner.name(),
                MAX_PAIRS / 1_000_000
            ),
        })))
    }
}

/// What one element takes that is put into lists again and again.
fn element_bytes(value: Option<&ColumnarValue>) -> u64 {
    let bytes = match value {
        None => 0,
        Some(ColumnarValue::Scalar(value)) => value.size(),
        Some(ColumnarValue::Array(array)) => array.get_array_memory_size() / array.len().max(1),
    };
    (bytes as u64).max(ELEMENT_BYTES)
}

/// How long each row's text or list is.
fn lengths(value: Option<&ColumnarValue>, rows: usize) -> Result<Vec<u64>> {
    let is_list = value.is_some_and(|value| value.data_type().is_list());
    if !is_list {
        return text_lengths(value, rows);
    }
    lengths_by(value, rows, |array| Ok(arrow::compute::kernels::length::length(array)?))
}

/// Lengths that `measure` finds; a value that is the same in every row is measured once.
fn lengths_by(
    value: Option<&ColumnarValue>,
    rows: usize,
    measure: impl Fn(&dyn Array) -> Result<arrow::array::ArrayRef>,
) -> Result<Vec<u64>> {
    let once = !matches!(value, Some(ColumnarValue::Array(_)));
    let measured = measure(array(value, if once { 1 } else { rows })?.as_ref())?;
    let measured = cast(&measured, &DataType::Int64)?;
    let measured = measured.as_primitive::<Int64Type>().iter();
    let lengths = measured.map(|length| u64::try_from(length.unwrap_or(0)).unwrap_or(0));
    Ok(if once { vec![lengths.sum(); rows] } else { lengths.collect() })
}

fn total(numbers: &[u64]) -> u64 {
    numbers.iter().fold(0, |sum, number| sum.saturating_add(*number))
}

fn array(value: Option<&ColumnarValue>, rows: usize) -> Result<arrow::array::ArrayRef> {
    match value {
        Some(value) => value.to_array(rows),
        None => Ok(Arc::new(Int64Array::from(vec![None; rows]))),
    }
}

fn text_lengths(value: Option<&ColumnarValue>, rows: usize) -> Result<Vec<u64>> {
    lengths_by(value, rows, |array| {
        let text = cast(array, &DataType::LargeUtf8)?;
        Ok(arrow::compute::kernels::length::length(&text)?)
    })
}

fn signed(value: Option<&ColumnarValue>, rows: usize) -> Result<Vec<i64>> {
    let values = cast(&array(value, rows)?, &DataType::Int64)?;
    Ok(values.as_primitive::<Int64Type>().iter().map(|value| value.unwrap_or(0)).collect())
}

fn numbers(value: Option<&ColumnarValue>, rows: usize) -> Result<Vec<u64>> {
    Ok(signed(value, rows)?.into_iter().map(|value| u64::try_from(value).unwrap_or(0)).collect())
}

/// Numbers as they are, days and instants as microseconds.
fn points(value: Option<&ColumnarValue>, rows: usize) -> Result<Vec<i64>> {
    let values = array(value, rows)?;
    let values = if values.data_type().is_temporal() {
        cast(&values, &DataType::Timestamp(TimeUnit::Microsecond, None))?
    } else {
        values
    };
    let values = cast(&values, &DataType::Int64)?;
    Ok(values.as_primitive::<Int64Type>().iter().map(|value| value.unwrap_or(0)).collect())
}

/// Steps likewise; a month counts as its least days.
fn steps(value: Option<&ColumnarValue>, rows: usize) -> Result<Vec<u64>> {
    const DAY_US: u64 = 86_400_000_000;
    let Some(value) = value else { return Ok(vec![1; rows]) };
    let values = value.to_array(rows)?;
    if !matches!(values.data_type(), DataType::Interval(_)) {
        return Ok(signed(Some(value), rows)?.into_iter().map(i64::unsigned_abs).collect());
    }
    let values = cast(&values, &DataType::Interval(IntervalUnit::MonthDayNano))?;
    let values = values.as_primitive::<IntervalMonthDayNanoType>();
    Ok(values
        .iter()
        .map(|step| {
            step.map_or(1, |step| {
                u64::from(step.months.unsigned_abs()) * 28 * DAY_US
                    + u64::from(step.days.unsigned_abs()) * DAY_US
                    + step.nanoseconds.unsigned_abs() / 1_000
            })
        })
        .collect())
}

fn series(args: &[ColumnarValue], rows: usize) -> Result<u64> {
    let (starts, stops) = match args {
        [stop] => (vec![0; rows], points(Some(stop), rows)?),
        _ => (points(args.first(), rows)?, points(args.get(1), rows)?),
    };
    let steps = steps(args.get(2), rows)?;
    let elements = starts.iter().zip(&stops).zip(&steps);
    Ok(elements.fold(0, |sum, ((start, stop), step)| {
        sum.saturating_add(start.abs_diff(*stop) / step.max(&1)).saturating_add(1)
    }))
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = self.inner.inner().with_updated_config(config)?;
        Some(ScalarUDF::new_from_impl(Self::new(Arc::new(inner), self.growth)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.check(&args)?;
        self.inner.invoke_with_args(args)
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        // A simplified form would call the function without its bounds.
        let _ = info;
        Ok(ExprSimplifyResult::Original(args))
    }

    fn evaluate_bounds(&self, inputs: &[&Interval]) -> Result<Interval> {
        self.inner.evaluate_bounds(inputs)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(inputs)
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arg_types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

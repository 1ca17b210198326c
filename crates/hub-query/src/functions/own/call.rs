//! One call on one batch: the arguments as values, whether they are columns or constants.

use std::{collections::HashMap, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, PrimitiveArray,
        StringViewArray, StringViewBuilder,
    },
    compute::cast,
    datatypes::{
        ArrowPrimitiveType, DataType, Date32Type, Float64Type, Int64Type, TimeUnit,
        TimestampMicrosecondType,
    },
};
use arrow_schema::FieldRef;
use chrono::NaiveDate;
use datafusion::{
    common::{DataFusionError, Result, ScalarValue, exec_err},
    logical_expr::{ColumnarValue, ScalarFunctionArgs},
};
use hub_model::TOKYO;

use crate::error::QueryError;

pub(super) const DAY_US: i64 = 86_400_000_000;

/// How far Japanese time is ahead of UTC.
pub(super) const AHEAD_US: i64 = TOKYO.local_minus_utc() as i64 * 1_000_000;

/// The arguments of one call.
pub(in super::super) struct Call<'a> {
    name: &'static str,
    args: &'a ScalarFunctionArgs,
    is_constant: bool,
}

/// An argument's values; a constant has one, whatever the row.
pub(super) struct Values<A> {
    pub(super) array: A,
    is_constant: bool,
}

impl<A: Array> Values<A> {
    /// Where the value of a row stands; none where there is none.
    pub(super) fn place(&self, row: usize) -> Option<usize> {
        let place = if self.is_constant { 0 } else { row };
        self.array.is_valid(place).then_some(place)
    }
}

impl<T: ArrowPrimitiveType> Values<PrimitiveArray<T>> {
    pub(super) fn get(&self, row: usize) -> Option<T::Native> {
        self.place(row).map(|place| self.array.value(place))
    }
}

impl Values<StringViewArray> {
    pub(super) fn get(&self, row: usize) -> Option<&str> {
        self.place(row).map(|place| self.array.value(place))
    }
}

impl<'a> Call<'a> {
    pub(super) fn new(name: &'static str, args: &'a ScalarFunctionArgs) -> Self {
        let is_constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        Self { name, args, is_constant }
    }

    /// Whether every argument is a constant, so that one row stands for all.
    pub(super) fn is_constant(&self) -> bool {
        self.is_constant
    }

    /// How many rows the result has.
    pub(super) fn rows(&self) -> usize {
        if self.is_constant { 1 } else { self.args.number_rows }
    }

    pub(super) fn count(&self) -> usize {
        self.args.args.len()
    }

    pub(super) fn field(&self, place: usize) -> Option<&FieldRef> {
        self.args.arg_fields.get(place)
    }

    /// An argument as it came.
    pub(super) fn values(&self, place: usize) -> Result<Values<ArrayRef>> {
        match self.args.args.get(place) {
            Some(ColumnarValue::Array(array)) => {
                Ok(Values { array: Arc::clone(array), is_constant: false })
            }
            Some(ColumnarValue::Scalar(value)) => {
                Ok(Values { array: value.to_array()?, is_constant: true })
            }
            None => datafusion::common::internal_err!("{} lacks argument {place}", self.name),
        }
    }

    fn cast(&self, place: usize, to: &DataType) -> Result<Values<ArrayRef>> {
        let mut values = self.values(place)?;
        if values.array.data_type() != to {
            values.array = cast(&values.array, to)?;
        }
        Ok(values)
    }

    pub(super) fn numbers(&self, place: usize) -> Result<Values<Float64Array>> {
        let Values { array, is_constant } = self.cast(place, &DataType::Float64)?;
        Ok(Values { array: array.as_primitive::<Float64Type>().clone(), is_constant })
    }

    pub(super) fn wholes(&self, place: usize) -> Result<Values<PrimitiveArray<Int64Type>>> {
        let Values { array, is_constant } = self.cast(place, &DataType::Int64)?;
        Ok(Values { array: array.as_primitive::<Int64Type>().clone(), is_constant })
    }

    pub(super) fn texts(&self, place: usize) -> Result<Values<StringViewArray>> {
        let Values { array, is_constant } = self.cast(place, &DataType::Utf8View)?;
        Ok(Values { array: array.as_string_view().clone(), is_constant })
    }

    /// Days since 1970 in Japan.
    pub(super) fn days(&self, place: usize) -> Result<Values<Int32Array>> {
        let Values { array, is_constant } = self.values(place)?;
        let days = match array.data_type() {
            DataType::Timestamp(TimeUnit::Microsecond, zone) => {
                let ahead = if zone.is_some() { AHEAD_US } else { 0 };
                let times = array.as_primitive::<TimestampMicrosecondType>();
                times.unary_opt(|time| {
                    i32::try_from(time.checked_add(ahead)?.div_euclid(DAY_US)).ok()
                })
            }
            _ => {
                let days = cast(&array, &DataType::Date32)?;
                let days = days.as_primitive::<Date32Type>();
                Int32Array::new(days.values().clone(), days.nulls().cloned())
            }
        };
        Ok(Values { array: days, is_constant })
    }

    /// A constant, which must be written in the query; none where it is NULL.
    pub(super) fn constant(&self, place: usize) -> Result<Option<&ScalarValue>> {
        match self.args.args.get(place) {
            Some(ColumnarValue::Scalar(value)) => Ok((!value.is_null()).then_some(value)),
            _ => Err(self.refused(&format!(
                "takes its argument {} from the query, not from a column; write it as a constant",
                place + 1
            ))),
        }
    }

    /// A constant text.
    pub(super) fn word(&self, place: usize) -> Result<Option<&str>> {
        match self.constant(place)? {
            Some(value) => match value.try_as_str() {
                Some(text) => Ok(text),
                None => exec_err!("argument {} of {} must be a text", place + 1, self.name),
            },
            None => Ok(None),
        }
    }

    /// An error in terms of the function.
    pub(super) fn refused(&self, message: &str) -> DataFusionError {
        refused(format!("{} {message}", self.name))
    }

    /// Whole numbers, of each day.
    pub(super) fn of_days(&self, number: impl Fn(NaiveDate) -> Option<i32>) -> Result<ArrayRef> {
        let days = self.days(0)?;
        let mut last = None;
        let rows = (0..self.rows()).map(|row| once_a_day(days.get(row), &mut last, &number));
        Ok(Arc::new(rows.collect::<Int32Array>()))
    }

    /// Yes and no, of each day.
    pub(super) fn whether(&self, is_so: impl Fn(NaiveDate) -> Option<bool>) -> Result<ArrayRef> {
        let days = self.days(0)?;
        let mut last = None;
        let rows = (0..self.rows()).map(|row| once_a_day(days.get(row), &mut last, &is_so));
        Ok(Arc::new(rows.collect::<BooleanArray>()))
    }

    /// Texts, of each day.
    pub(super) fn texts_of_days<T: AsRef<str> + Clone>(
        &self,
        text: impl Fn(NaiveDate) -> Option<T>,
    ) -> Result<ArrayRef> {
        let days = self.days(0)?;
        let mut last = None;
        let mut texts = StringViewBuilder::with_capacity(self.rows()).with_deduplicate_strings();
        for row in 0..self.rows() {
            texts.append_option(once_a_day(days.get(row), &mut last, &text));
        }
        Ok(Arc::new(texts.finish()))
    }

    /// Texts of texts, each different one worked out once.
    pub(super) fn texts_of_texts<T: AsRef<str> + Clone>(
        &self,
        work: impl Fn(&str) -> Option<T>,
    ) -> Result<ArrayRef> {
        let given = self.texts(0)?;
        let mut known: HashMap<&str, Option<T>> = HashMap::new();
        let mut texts = StringViewBuilder::with_capacity(self.rows()).with_deduplicate_strings();
        for row in 0..self.rows() {
            let Some(text) = given.get(row) else {
                texts.append_null();
                continue;
            };
            if known.len() > MAX_KNOWN {
                known.clear();
            }
            texts.append_option(known.entry(text).or_insert_with(|| work(text)).clone());
        }
        Ok(Arc::new(texts.finish()))
    }

    /// Texts of rows.
    pub(super) fn texts_of_rows<T: AsRef<str>>(
        &self,
        text: impl Fn(usize) -> Result<Option<T>>,
    ) -> Result<ArrayRef> {
        let mut texts = StringViewBuilder::with_capacity(self.rows());
        for row in 0..self.rows() {
            texts.append_option(text(row)?);
        }
        Ok(Arc::new(texts.finish()))
    }

    /// Numbers of rows.
    pub(super) fn numbers_of_rows(
        &self,
        number: impl FnMut(usize) -> Option<f64>,
    ) -> Result<ArrayRef> {
        Ok(Arc::new((0..self.rows()).map(number).collect::<Float64Array>()))
    }
}

/// How many texts of one batch are remembered.
const MAX_KNOWN: usize = 4_096;

/// An error about a value or a constant of a query, for whoever wrote it.
pub(crate) fn refused(message: String) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::Execution { message }))
}

/// Rows near one another are mostly of one day, which is worked out once.
fn once_a_day<T: Clone>(
    day: Option<i32>,
    last: &mut Option<(i32, Option<T>)>,
    work: &impl Fn(NaiveDate) -> Option<T>,
) -> Option<T> {
    let day = day?;
    match last {
        Some((known, result)) if *known == day => result.clone(),
        _ => {
            let result = NaiveDate::from_epoch_days(day).and_then(work);
            *last = Some((day, result.clone()));
            result
        }
    }
}

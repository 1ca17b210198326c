//! The sum of one group, or of a window's frame.

use std::{marker::PhantomData, mem::size_of_val};

use arrow::{
    array::{Array, ArrayRef, AsArray, PrimitiveArray},
    datatypes::{DECIMAL128_MAX_PRECISION, Decimal128Type},
};
use datafusion::{
    common::{Result, utils::take_function_args},
    logical_expr::Accumulator,
    scalar::ScalarValue,
};

use super::{Whole, narrow};

fn total<T: Whole>(numbers: &PrimitiveArray<T>) -> i128 {
    match numbers.nulls() {
        None => numbers.values().iter().map(|number| (*number).into()).sum(),
        Some(_) => numbers.iter().flatten().map(Into::into).sum(),
    }
}

#[derive(Debug)]
pub(super) struct Total<T> {
    sum: i128,
    /// How many numbers, or sums of some, there are.
    count: usize,
    of: PhantomData<T>,
}

impl<T> Default for Total<T> {
    fn default() -> Self {
        Self { sum: 0, count: 0, of: PhantomData }
    }
}

impl<T: Whole> Accumulator for Total<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [numbers] = take_function_args("sum", values)?;
        self.sum += total(numbers.as_primitive::<T>());
        self.count += numbers.len() - numbers.null_count();
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [numbers] = take_function_args("sum", values)?;
        self.sum -= total(numbers.as_primitive::<T>());
        self.count -= numbers.len() - numbers.null_count();
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [sums] = take_function_args("sum", states)?;
        self.sum += sums.as_primitive::<Decimal128Type>().iter().flatten().sum::<i128>();
        self.count += sums.len() - sums.null_count();
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let sum = (self.count > 0).then_some(self.sum);
        Ok(vec![ScalarValue::Decimal128(sum, DECIMAL128_MAX_PRECISION, 0)])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = (self.count > 0).then(|| narrow::<T>(self.sum)).transpose()?;
        ScalarValue::new_primitive::<T>(sum, &T::DATA_TYPE)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

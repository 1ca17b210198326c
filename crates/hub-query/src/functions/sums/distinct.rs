//! The sum of different numbers of one group, or of a window's frame.

use std::{
    collections::HashMap,
    mem::{size_of, size_of_val},
};

use arrow::array::{ArrayRef, ArrowPrimitiveType, AsArray};
use datafusion::{
    common::{Result, utils::take_function_args},
    logical_expr::Accumulator,
    scalar::ScalarValue,
};

use super::{Whole, narrow};

#[derive(Debug)]
pub(super) struct Distinct<T: ArrowPrimitiveType> {
    /// How often each is met.
    met: HashMap<T::Native, usize>,
    sum: i128,
}

impl<T: ArrowPrimitiveType> Default for Distinct<T> {
    fn default() -> Self {
        Self { met: HashMap::new(), sum: 0 }
    }
}

impl<T: Whole> Distinct<T> {
    fn add(&mut self, numbers: &ArrayRef) {
        for number in numbers.as_primitive::<T>().iter().flatten() {
            let met = self.met.entry(number).or_default();
            if *met == 0 {
                self.sum += number.into();
            }
            *met += 1;
        }
    }
}

impl<T: Whole> Accumulator for Distinct<T> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [numbers] = take_function_args("sum", values)?;
        self.add(numbers);
        Ok(())
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let [numbers] = take_function_args("sum", values)?;
        for number in numbers.as_primitive::<T>().iter().flatten() {
            let Some(met) = self.met.get_mut(&number) else { continue };
            *met -= 1;
            if *met == 0 {
                self.met.remove(&number);
                self.sum -= number.into();
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [lists] = take_function_args("sum", states)?;
        lists.as_list::<i32>().iter().flatten().for_each(|numbers| self.add(&numbers));
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let numbers = self.met.keys();
        let numbers = numbers.map(|n| ScalarValue::new_primitive::<T>(Some(*n), &T::DATA_TYPE));
        let numbers = numbers.collect::<Result<Vec<_>>>()?;
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&numbers, &T::DATA_TYPE))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = (!self.met.is_empty()).then(|| narrow::<T>(self.sum)).transpose()?;
        ScalarValue::new_primitive::<T>(sum, &T::DATA_TYPE)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.met.capacity() * size_of::<(T::Native, usize)>()
    }
}

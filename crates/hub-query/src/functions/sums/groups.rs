//! The sums of many groups.

use std::{marker::PhantomData, mem::size_of, sync::Arc};

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Decimal128Array, PrimitiveArray,
    },
    compute::{cast, nullif},
    datatypes::Decimal128Type,
};
use datafusion::{
    common::{Result, utils::take_function_args},
    logical_expr::{EmitTo, GroupsAccumulator},
};

use super::{Whole, narrow, wide};

#[derive(Debug)]
pub(super) struct Totals<T> {
    sums: Vec<i128>,
    /// Whether a group has any number.
    met: Vec<bool>,
    of: PhantomData<T>,
}

impl<T> Default for Totals<T> {
    fn default() -> Self {
        Self { sums: Vec::new(), met: Vec::new(), of: PhantomData }
    }
}

impl<T: Whole> Totals<T> {
    fn add<N: ArrowPrimitiveType<Native: Into<i128>>>(
        &mut self,
        numbers: &PrimitiveArray<N>,
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) {
        self.sums.resize(total_groups, 0);
        self.met.resize(total_groups, false);
        let mut add = |group: usize, number: N::Native| {
            self.sums[group] += number.into();
            self.met[group] = true;
        };
        let rows = groups.iter().zip(numbers.values());
        match (numbers.nulls(), filter) {
            (None, None) => rows.for_each(|(group, number)| add(*group, *number)),
            (nulls, filter) => {
                for (row, (group, number)) in rows.enumerate() {
                    let chosen = filter.is_none_or(|f| f.is_valid(row) && f.value(row));
                    if chosen && nulls.is_none_or(|nulls| nulls.is_valid(row)) {
                        add(*group, *number);
                    }
                }
            }
        }
    }

    /// The sums of the groups that are asked for.
    fn take(&mut self, emit_to: EmitTo) -> impl Iterator<Item = Option<i128>> + use<T> {
        let (sums, met) = (emit_to.take_needed(&mut self.sums), emit_to.take_needed(&mut self.met));
        sums.into_iter().zip(met).map(|(sum, met)| met.then_some(sum))
    }
}

impl<T: Whole> GroupsAccumulator for Totals<T> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let [numbers] = take_function_args("sum", values)?;
        self.add(numbers.as_primitive::<T>(), group_indices, opt_filter, total_num_groups);
        Ok(())
    }

    fn merge_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        total_num_groups: usize,
    ) -> Result<()> {
        let [sums] = take_function_args("sum", values)?;
        self.add(sums.as_primitive::<Decimal128Type>(), group_indices, None, total_num_groups);
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let sums = self.take(emit_to).map(|sum| sum.map(narrow::<T>).transpose());
        Ok(Arc::new(sums.collect::<Result<PrimitiveArray<T>>>()?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let sums: Decimal128Array = self.take(emit_to).collect();
        Ok(vec![Arc::new(sums.with_data_type(wide()))])
    }

    fn convert_to_state(
        &self,
        values: &[ArrayRef],
        opt_filter: Option<&BooleanArray>,
    ) -> Result<Vec<ArrayRef>> {
        let [numbers] = take_function_args("sum", values)?;
        let chosen = match opt_filter {
            Some(filter) => {
                let others = filter.iter().map(|chosen| Some(chosen != Some(true)));
                nullif(numbers, &others.collect::<BooleanArray>())?
            }
            None => Arc::clone(numbers),
        };
        Ok(vec![cast(&chosen, &wide())?])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<i128>() + self.met.capacity()
    }
}

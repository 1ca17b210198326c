//! `sum` of whole numbers that is an error where it grows out of its type; the engine's own wraps around. It is
//! kept in twice as many bits, so that it does not matter in which order numbers come. All other sums are the
//! engine's.

use std::{
    collections::HashMap,
    fmt::Debug,
    hash::Hash,
    marker::PhantomData,
    mem::{size_of, size_of_val},
    sync::{Arc, LazyLock},
};

use arrow::{
    array::{
        Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, Decimal128Array, PrimitiveArray,
    },
    compute::{cast, nullif},
    datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Int64Type, UInt64Type},
};
use arrow_schema::{Field, FieldRef};
use datafusion::{
    common::{Result, exec_err, utils::take_function_args},
    functions_aggregate::sum::sum_udaf,
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, EmitTo, Expr,
        GroupsAccumulator, Operator, ReversedUDAF, SetMonotonicity, Signature, StatisticsArgs,
        expr::AggregateFunction,
        function::{AccumulatorArgs, StateFieldsArgs},
        utils::{AggregateOrderSensitivity, format_state_name},
    },
    scalar::ScalarValue,
};

static SUM: LazyLock<Arc<AggregateUDF>> =
    LazyLock::new(|| Arc::new(AggregateUDF::new_from_impl(Sum(Arc::clone(sum_udaf().inner())))));

/// The sum of an expression.
pub(crate) fn sum(of: Expr) -> Expr {
    SUM.call(vec![of])
}

/// The function itself, or `sum` in the place of the engine's.
pub(super) fn checked(function: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    if function.name() == "sum" { Arc::clone(&SUM) } else { function }
}

/// A sum on its way.
fn wide() -> DataType {
    DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0)
}

#[derive(Debug, Clone)]
struct Sum(Arc<dyn AggregateUDFImpl>);

impl PartialEq for Sum {
    fn eq(&self, other: &Self) -> bool {
        let other: &dyn std::any::Any = other.0.as_ref();
        self.0.dyn_eq(other)
    }
}

impl Eq for Sum {}

impl Hash for Sum {
    fn hash<H: std::hash::Hasher>(&self, mut state: &mut H) {
        self.0.dyn_hash(&mut state);
    }
}

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &str {
        self.0.name()
    }

    fn signature(&self) -> &Signature {
        self.0.signature()
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.0.return_type(arg_types)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        Ok(match (args.return_field.data_type(), args.is_distinct) {
            (DataType::Int64, false) => Box::new(Total::<Int64Type>::default()),
            (DataType::UInt64, false) => Box::new(Total::<UInt64Type>::default()),
            (DataType::Int64, true) => Box::new(Distinct::<Int64Type>::default()),
            (DataType::UInt64, true) => Box::new(Distinct::<UInt64Type>::default()),
            _ => self.0.accumulator(args)?,
        })
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        match args.return_field.data_type() {
            DataType::Int64 | DataType::UInt64 if !args.is_distinct => {
                Ok(vec![Arc::new(Field::new(format_state_name(args.name, "sum"), wide(), true))])
            }
            _ => self.0.state_fields(args),
        }
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.0.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        match args.return_field.data_type() {
            DataType::Int64 => Ok(Box::new(Totals::<Int64Type>::default())),
            DataType::UInt64 => Ok(Box::new(Totals::<UInt64Type>::default())),
            _ => self.0.create_groups_accumulator(args),
        }
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        match args.return_field.data_type() {
            DataType::Int64 | DataType::UInt64 => self.accumulator(args),
            _ => self.0.create_sliding_accumulator(args),
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.0.order_sensitivity()
    }

    fn simplify_expr_op_literal(
        &self,
        function: &AggregateFunction,
        argument: &Expr,
        operator: Operator,
        literal: &Expr,
        is_left: bool,
    ) -> Result<Option<Expr>> {
        self.0.simplify_expr_op_literal(function, argument, operator, literal, is_left)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        self.0.reverse_expr()
    }

    fn value_from_stats(&self, statistics: &StatisticsArgs) -> Option<ScalarValue> {
        self.0.value_from_stats(statistics)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.0.documentation()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.0.set_monotonicity(data_type)
    }
}

/// A type of whole numbers.
trait Whole:
    ArrowPrimitiveType<Native: Into<i128> + TryFrom<i128> + Eq + Hash> + Debug + Send + Sync
{
}

impl Whole for Int64Type {}
impl Whole for UInt64Type {}

/// A sum in its type.
fn narrow<T: Whole>(sum: i128) -> Result<T::Native> {
    match T::Native::try_from(sum) {
        Ok(sum) => Ok(sum),
        Err(_) => exec_err!(
            "the sum is over the range of whole numbers; sum CAST(… AS DECIMAL(38, 0)) instead"
        ),
    }
}

fn total<T: Whole>(numbers: &PrimitiveArray<T>) -> i128 {
    match numbers.nulls() {
        None => numbers.values().iter().map(|number| (*number).into()).sum(),
        Some(_) => numbers.iter().flatten().map(Into::into).sum(),
    }
}

/// The sum of one group, or of a window's frame.
#[derive(Debug)]
struct Total<T> {
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

/// The sums of many groups.
#[derive(Debug)]
struct Totals<T> {
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

/// The sum of different numbers of one group, or of a window's frame.
#[derive(Debug)]
struct Distinct<T: ArrowPrimitiveType> {
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

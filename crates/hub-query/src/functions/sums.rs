//! `sum` of whole numbers that is an error where it grows out of its type; the engine's own wraps around. It is
//! kept in twice as many bits, so that it does not matter in which order numbers come. All other sums are the
//! engine's.

mod distinct;
mod groups;
mod total;

use std::{
    fmt::Debug,
    hash::Hash,
    sync::{Arc, LazyLock},
};

use arrow::{
    array::ArrowPrimitiveType,
    datatypes::{DECIMAL128_MAX_PRECISION, DataType, Int64Type, UInt64Type},
};
use arrow_schema::{Field, FieldRef};
use datafusion::{
    common::{Result, exec_err},
    functions_aggregate::sum::sum_udaf,
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, Expr, GroupsAccumulator,
        Operator, ReversedUDAF, SetMonotonicity, Signature, StatisticsArgs,
        expr::AggregateFunction,
        function::{AccumulatorArgs, StateFieldsArgs},
        utils::{AggregateOrderSensitivity, format_state_name},
    },
    scalar::ScalarValue,
};

use distinct::Distinct;
use groups::Totals;
use total::Total;

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

//! `array_agg` with its memory counted. Texts arrive as views, of which an aggregate counts the sixteen
//! bytes of the view and not the text behind it; plain texts are counted to the byte.

use std::{hash::Hash, sync::Arc};

use arrow::datatypes::DataType;
use arrow_schema::FieldRef;
use datafusion::{
    common::Result,
    logical_expr::{
        Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator,
        ReversedUDAF, Signature, Volatility,
        function::{AccumulatorArgs, StateFieldsArgs},
        utils::AggregateOrderSensitivity,
    },
    physical_expr::{PhysicalSortExpr, expressions::CastExpr},
    scalar::ScalarValue,
};

use crate::stream::plain;

/// The function itself, or the same over plain types.
pub(super) fn counted(function: Arc<AggregateUDF>) -> Arc<AggregateUDF> {
    if function.name() == "array_agg" {
        Arc::new(AggregateUDF::new_from_impl(Collected::new(Arc::clone(function.inner()))))
    } else {
        function
    }
}

#[derive(Debug, Clone)]
struct Collected {
    inner: Arc<dyn AggregateUDFImpl>,
    signature: Signature,
}

impl Collected {
    fn new(inner: Arc<dyn AggregateUDFImpl>) -> Self {
        Self { inner, signature: Signature::user_defined(Volatility::Immutable) }
    }
}

impl PartialEq for Collected {
    fn eq(&self, other: &Self) -> bool {
        let other: &dyn std::any::Any = other.inner.as_ref();
        self.inner.dyn_eq(other)
    }
}

impl Eq for Collected {}

impl Hash for Collected {
    fn hash<H: std::hash::Hasher>(&self, mut state: &mut H) {
        self.inner.dyn_hash(&mut state);
    }
}

impl AggregateUDFImpl for Collected {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arg_types: &[DataType]) -> Result<Vec<DataType>> {
        let [collected] = arg_types else {
            return datafusion::common::plan_err!("array_agg takes one argument");
        };
        Ok(vec![plain(collected)])
    }

    fn return_type(&self, arg_types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arg_types)
    }

    fn return_field(&self, arg_fields: &[FieldRef]) -> Result<FieldRef> {
        self.inner.return_field(arg_fields)
    }

    fn is_nullable(&self) -> bool {
        self.inner.is_nullable()
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        // With DISTINCT the order must be by the argument itself, which has a cast around it by now.
        if args.is_distinct
            && let ([collected], [order]) = (args.exprs, args.order_bys)
            && collected.downcast_ref::<CastExpr>().is_some_and(|cast| cast.expr.eq(&order.expr))
        {
            let order = [PhysicalSortExpr::new(Arc::clone(collected), order.options)];
            return self.inner.accumulator(AccumulatorArgs { order_bys: &order, ..args });
        }
        self.inner.accumulator(args)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        self.inner.state_fields(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        self.inner.create_groups_accumulator(args)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.inner.create_sliding_accumulator(args)
    }

    fn with_beneficial_ordering(
        self: Arc<Self>,
        beneficial_ordering: bool,
    ) -> Result<Option<Arc<dyn AggregateUDFImpl>>> {
        let inner = Arc::clone(&self.inner).with_beneficial_ordering(beneficial_ordering)?;
        Ok(inner.map(|inner| Arc::new(Self::new(inner)) as Arc<dyn AggregateUDFImpl>))
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        match self.inner.reverse_expr() {
            ReversedUDAF::Reversed(function) => ReversedUDAF::Reversed(counted(function)),
            other => other,
        }
    }

    fn default_value(&self, data_type: &DataType) -> Result<ScalarValue> {
        self.inner.default_value(data_type)
    }

    fn supports_null_handling_clause(&self) -> bool {
        self.inner.supports_null_handling_clause()
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}

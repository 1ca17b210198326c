//! The functions themselves, by the kernels that look at what they compute.

use std::sync::{Arc, LazyLock};

use arrow::{
    array::{ArrayRef, Datum},
    compute::kernels::numeric::{add, mul, neg, sub},
    datatypes::{DataType, Field},
    error::ArrowError,
};
use arrow_schema::FieldRef;
use datafusion::{
    common::{Result, ScalarValue, plan_err},
    logical_expr::{
        ColumnarValue, Expr, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF,
        ScalarUDFImpl, Signature, Volatility,
        sort_properties::{ExprProperties, SortProperties},
    },
    physical_expr_common::datum::apply,
};

static ADDED: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::function(Step::Add));
static SUBTRACTED: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::function(Step::Subtract));
static MULTIPLIED: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Checked::function(Step::Multiply));
pub(super) static NEGATED: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Checked::function(Step::Negate));

/// The function for an operator; none where the engine looks at the operator itself.
pub(super) fn operation(operator: Operator) -> Option<&'static Arc<ScalarUDF>> {
    match operator {
        Operator::Plus => Some(&ADDED),
        Operator::Minus => Some(&SUBTRACTED),
        Operator::Multiply => Some(&MULTIPLIED),
        _ => None,
    }
}

/// The first operand of one of these functions, whose type is the function's.
pub(super) fn first_operand(expr: &Expr) -> Option<&Expr> {
    let Expr::ScalarFunction(call) = expr else { return None };
    let implementation: &dyn std::any::Any = call.func.inner().as_ref();
    implementation.downcast_ref::<Checked>()?;
    call.args.first()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Step {
    Add,
    Subtract,
    Multiply,
    Negate,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Checked {
    step: Step,
    signature: Signature,
}

impl Checked {
    fn function(step: Step) -> Arc<ScalarUDF> {
        let arguments = if step == Step::Negate { 1 } else { 2 };
        let signature = Signature::any(arguments, Volatility::Immutable);
        Arc::new(ScalarUDF::new_from_impl(Self { step, signature }))
    }
}

impl ScalarUDFImpl for Checked {
    fn name(&self) -> &str {
        match self.step {
            Step::Add => "add",
            Step::Subtract => "subtract",
            Step::Multiply => "multiply",
            Step::Negate => "negate",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        Ok(types.first().cloned().unwrap_or(DataType::Null))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let types: Vec<_> = args.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        let nullable = args.arg_fields.iter().any(|field| field.is_nullable());
        Ok(Arc::new(Field::new(self.name(), self.return_type(&types)?, nullable)))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        type Kernel = fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, ArrowError>;
        let kernel: Kernel = match (self.step, args.args.as_slice()) {
            (Step::Negate, [ColumnarValue::Array(numbers)]) => {
                return Ok(ColumnarValue::Array(neg(numbers)?));
            }
            (Step::Negate, [ColumnarValue::Scalar(number)]) => {
                let negated = neg(&number.to_array()?)?;
                return Ok(ColumnarValue::Scalar(ScalarValue::try_from_array(&negated, 0)?));
            }
            (Step::Add, _) => add,
            (Step::Subtract, _) => sub,
            (Step::Multiply, _) => mul,
            (Step::Negate, _) => return plan_err!("negate takes one number"),
        };
        let [left, right] = args.args.as_slice() else {
            return plan_err!("{} takes two numbers", self.name());
        };
        apply(left, right, kernel)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        Ok(match (self.step, inputs) {
            (Step::Add, [left, right]) => left.sort_properties.add(&right.sort_properties),
            (Step::Subtract, [left, right]) => left.sort_properties.sub(&right.sort_properties),
            (Step::Negate, [number]) => -number.sort_properties,
            _ => SortProperties::Unordered,
        })
    }
}

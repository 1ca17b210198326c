//! The mark that an ordinary join of the logical plan bears until it becomes an as-of join. It holds the
//! times as they were written, whose types are known only once parameters have their values.

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::{
    common::{Result, internal_err},
    logical_expr::{
        ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
        expr::ScalarFunction,
    },
};

use super::{Direction, Kind};

/// A condition that only [`super::AsOfJoins`] understands. No function of the session has its name.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Marker {
    direction: Direction,
    kind: Kind,
    signature: Signature,
}

/// What a marker says.
pub(super) struct Marked {
    pub(super) direction: Direction,
    pub(super) kind: Kind,
    pub(super) left_time: Expr,
    pub(super) right_time: Expr,
    pub(super) gap: Option<Expr>,
}

impl Marked {
    pub(super) fn into_expr(self) -> Expr {
        let marker = Marker {
            direction: self.direction,
            kind: self.kind,
            signature: Signature::variadic_any(Volatility::Volatile),
        };
        let args = [self.left_time, self.right_time].into_iter().chain(self.gap).collect();
        let function = Arc::new(ScalarUDF::new_from_impl(marker));
        Expr::ScalarFunction(ScalarFunction::new_udf(function, args))
    }

    /// None where the expression is no marker.
    pub(super) fn of(expr: &Expr) -> Option<Self> {
        let Expr::ScalarFunction(call) = expr else { return None };
        let implementation: &dyn std::any::Any = call.func.inner().as_ref();
        let marker = implementation.downcast_ref::<Marker>()?;
        let [left_time, right_time, gap @ ..] = call.args.as_slice() else { return None };
        Some(Self {
            direction: marker.direction,
            kind: marker.kind,
            left_time: left_time.clone(),
            right_time: right_time.clone(),
            gap: gap.first().cloned(),
        })
    }
}

impl ScalarUDFImpl for Marker {
    fn name(&self) -> &str {
        "asof"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        internal_err!("the marker of an as-of join was left in a plan")
    }
}

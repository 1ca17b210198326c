//! A cast to a whole number gives the nearest one. The engine cuts the fraction off.
//!
//! Doubles with a half go to the even neighbour, as the machine's own rounding has it; decimals, and so numbers
//! that are written out, go away from nought. Casts that the planner adds by itself are none of these, so that
//! this comes before all that adds some.
//!
//! A decimal that loses digits is rounded by the function, too, though the engine's cast would do it: compared
//! with a constant, the engine takes such a cast for one that loses nothing, and leaves it out.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, AsArray},
    compute::cast,
    datatypes::{DataType, Float32Type, Float64Type},
};
use datafusion::{
    common::{
        DFSchema, Result, ScalarValue,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
        utils::take_function_args,
    },
    logical_expr::{
        BinaryExpr, Cast, ColumnarValue, Expr, ExprSchemable, LogicalPlan, Operator,
        ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TryCast,
        Volatility,
        expr_rewriter::NamePreserver,
        sort_properties::{ExprProperties, SortProperties},
        utils::merge_schema,
    },
    optimizer::AnalyzerRule,
};

/// Rounds what loses digits by a cast.
#[derive(Debug)]
pub(crate) struct NearestWhole;

impl AnalyzerRule for NearestWhole {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let mut found = false;
            plan.apply_expressions(|expr| {
                found |= expr.exists(|part| Ok(digits_left(part).is_some()))?;
                Ok(if found { TreeNodeRecursion::Stop } else { TreeNodeRecursion::Continue })
            })?;
            if !found {
                return Ok(Transformed::no(plan));
            }
            let schema = merge_schema(&plan.inputs());
            // Those of windows and ordered aggregates tell of all that stands in them.
            let names = NamePreserver::new(&plan);
            plan.map_expressions(|expr| {
                let name = match expr {
                    Expr::GroupingSet(_) => None,
                    _ => Some(names.save(&expr)),
                };
                let rewritten = expr.transform_up(|expr| rounded(expr, &schema))?;
                Ok(match name {
                    Some(name) => rewritten.update_data(|expr| name.restore(expr)),
                    None => rewritten,
                })
            })
        })
        .map(|plan| plan.data)
    }

    fn name(&self) -> &str {
        "nearest_whole"
    }
}

/// The digits behind the point that a cast leaves.
fn digits_left(expr: &Expr) -> Option<i8> {
    let (Expr::Cast(Cast { field, .. }) | Expr::TryCast(TryCast { field, .. })) = expr else {
        return None;
    };
    let to = field.data_type();
    if to.is_integer() { Some(0) } else { scale(to) }
}

fn scale(kind: &DataType) -> Option<i8> {
    match kind {
        DataType::Decimal32(_, scale)
        | DataType::Decimal64(_, scale)
        | DataType::Decimal128(_, scale)
        | DataType::Decimal256(_, scale) => Some(*scale),
        _ => None,
    }
}

fn rounded(mut expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Some(digits) = digits_left(&expr) else { return Ok(Transformed::no(expr)) };
    let (Expr::Cast(Cast { expr: of, field }) | Expr::TryCast(TryCast { expr: of, field })) =
        &mut expr
    else {
        return Ok(Transformed::no(expr));
    };
    let kind = of.get_type(schema)?;
    let loses = match scale(&kind) {
        Some(scale) => scale > digits,
        None => kind.is_floating() && field.data_type().is_integer(),
    };
    if !loses || is_whole(of) {
        return Ok(Transformed::no(expr));
    }
    let away = is_written_out(of, schema);
    **of = Nearest::function(away, digits).call(vec![of.as_ref().clone()]);
    Ok(Transformed::yes(expr))
}

/// Whether the expression has no fraction by what it is; it need not be looked at twice.
fn is_whole(expr: &Expr) -> bool {
    matches!(expr, Expr::ScalarFunction(call)
        if call.args.len() == 1
            && matches!(call.func.name(), "round" | "floor" | "ceil" | "trunc"))
}

/// Whether the expression is made of numbers that are written out, with whole ones among them. Elsewhere these
/// are decimals.
fn is_written_out(expr: &Expr, schema: &DFSchema) -> bool {
    match expr {
        Expr::Literal(..) => true,
        Expr::Negative(of) => is_written_out(of, schema),
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Plus | Operator::Minus | Operator::Multiply,
            right,
        }) => is_written_out(left, schema) && is_written_out(right, schema),
        other => other.get_type(schema).is_ok_and(|of| of.is_integer()),
    }
}

/// `nearest(x)`: the nearest number of so many digits behind the point, which is none for doubles. It has the
/// name of what it rounds, as a cast has.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Nearest {
    /// Whether doubles in the middle go away from nought.
    away: bool,
    digits: i8,
    signature: Signature,
}

impl Nearest {
    fn function(away: bool, digits: i8) -> ScalarUDF {
        let signature = Signature::any(1, Volatility::Immutable);
        ScalarUDF::new_from_impl(Self { away, digits, signature })
    }

    fn of(&self, numbers: &ArrayRef) -> Result<ArrayRef> {
        Ok(match numbers.data_type() {
            DataType::Float64 => {
                let round = if self.away { f64::round } else { f64::round_ties_even };
                Arc::new(numbers.as_primitive::<Float64Type>().unary::<_, Float64Type>(round))
            }
            DataType::Float32 => {
                let round = if self.away { f32::round } else { f32::round_ties_even };
                Arc::new(numbers.as_primitive::<Float32Type>().unary::<_, Float32Type>(round))
            }
            kind => cast(numbers, &self.kind(kind))?,
        })
    }

    /// The type of what is rounded. A digit is carried at most.
    fn kind(&self, of: &DataType) -> DataType {
        let precision = |precision: u8, scale: i8| {
            let lost = u8::try_from(scale - self.digits).unwrap_or(0);
            precision.saturating_sub(lost).saturating_add(1).min(precision)
        };
        match *of {
            DataType::Decimal32(p, s) => DataType::Decimal32(precision(p, s), self.digits),
            DataType::Decimal64(p, s) => DataType::Decimal64(precision(p, s), self.digits),
            DataType::Decimal128(p, s) => DataType::Decimal128(precision(p, s), self.digits),
            DataType::Decimal256(p, s) => DataType::Decimal256(precision(p, s), self.digits),
            ref other => other.clone(),
        }
    }
}

impl ScalarUDFImpl for Nearest {
    fn name(&self) -> &str {
        "nearest"
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        let [of] = take_function_args(self.name(), args)?;
        Ok(of.schema_name().to_string())
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [of] = take_function_args(self.name(), types)?;
        Ok(self.kind(of))
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<arrow_schema::FieldRef> {
        let [of] = take_function_args(self.name(), args.arg_fields)?;
        Ok(Arc::new(of.as_ref().clone().with_data_type(self.kind(of.data_type()))))
    }

    fn is_strict(&self) -> bool {
        true
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [of] = take_function_args(self.name(), args.args)?;
        Ok(match of {
            ColumnarValue::Array(numbers) => ColumnarValue::Array(self.of(&numbers)?),
            ColumnarValue::Scalar(number) => {
                let rounded = self.of(&number.to_array()?)?;
                ColumnarValue::Scalar(ScalarValue::try_from_array(&rounded, 0)?)
            }
        })
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        let [of] = take_function_args(self.name(), inputs)?;
        Ok(of.sort_properties)
    }
}

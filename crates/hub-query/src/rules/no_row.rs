//! A subquery for one value has none where it finds no row. The engine goes by what the subquery's column
//! promises of its rows: where that is always a value, `IS NULL` was never true of the subquery, and `coalesce`
//! never went on to what stands behind it.

use std::sync::{Arc, LazyLock};

use arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::{
    common::{
        Result,
        config::ConfigOptions,
        tree_node::{Transformed, TreeNode},
        utils::take_function_args,
    },
    logical_expr::{
        ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ReturnFieldArgs, ScalarFunctionArgs,
        ScalarUDF, ScalarUDFImpl, Signature, Subquery, Volatility,
    },
    optimizer::AnalyzerRule,
};

static OR_NONE: LazyLock<Arc<ScalarUDF>> =
    LazyLock::new(|| Arc::new(ScalarUDF::from(OrNone::new())));

/// Lets the columns of such subqueries lack a value. Those that ask by the row outside become joins, and
/// columns of these may lack one anyway.
#[derive(Debug)]
pub(crate) struct NoRow;

impl AnalyzerRule for NoRow {
    fn analyze(&self, plan: LogicalPlan, _config: &ConfigOptions) -> Result<LogicalPlan> {
        plan.transform_up_with_subqueries(|plan| {
            let rewritten = plan.map_expressions(|expr| expr.transform_up(or_none))?;
            match rewritten.transformed {
                true => rewritten.map_data(LogicalPlan::recompute_schema),
                false => Ok(rewritten),
            }
        })
        .map(|plan| plan.data)
    }

    fn name(&self) -> &str {
        "no_row"
    }
}

fn or_none(expr: Expr) -> Result<Transformed<Expr>> {
    let Expr::ScalarSubquery(asked) = expr else { return Ok(Transformed::no(expr)) };
    let (qualifier, field) = asked.subquery.schema().qualified_field(0);
    if field.is_nullable() || !asked.outer_ref_columns.is_empty() {
        return Ok(Transformed::no(Expr::ScalarSubquery(asked)));
    }
    let column = Expr::Column((qualifier, field).into());
    let shown = OR_NONE.call(vec![column]).alias_qualified(qualifier.cloned(), field.name());
    let plan = LogicalPlanBuilder::from(Arc::clone(&asked.subquery)).project([shown])?.build()?;
    let asked = Subquery { subquery: Arc::new(plan), ..asked };
    Ok(Transformed::yes(Expr::ScalarSubquery(asked)))
}

/// `or_none(value)`: the value, of a column that may lack it.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OrNone {
    signature: Signature,
}

impl OrNone {
    fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for OrNone {
    fn name(&self) -> &str {
        "or_none"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        let [of] = take_function_args(self.name(), types)?;
        Ok(of.clone())
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let [of] = take_function_args(self.name(), args.arg_fields)?;
        Ok(Arc::new(Field::clone(of).with_nullable(true)))
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let [value] = take_function_args(self.name(), args.args)?;
        Ok(value)
    }
}

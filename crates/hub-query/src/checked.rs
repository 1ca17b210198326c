//! Sums, differences and products of whole numbers that are errors where they grow out of their type. The
//! engine's own wrap around, and so answer with a number that is plainly wrong.
//!
//! Its rules know operators and not functions, so that columns are computed by functions only once a plan is
//! optimised ([`arithmetic`]). What is constant is computed by the rules themselves, and has its functions
//! before they come to it ([`CheckedConstants`]).

mod function;

use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::{
    common::{
        DFSchema, Result, ScalarValue,
        tree_node::{Transformed, TreeNode, TreeNodeRecursion},
    },
    logical_expr::{
        BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator,
        expr_rewriter::NamePreserver,
        planner::{ExprPlanner, PlannerResult, RawBinaryExpr},
        utils::merge_schema,
    },
    optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule},
    sql::sqlparser::ast::BinaryOperator,
};

use function::{NEGATED, operation};

/// Numbers of rows are unsigned, and nobody who subtracts one from another expects that: whole numbers are
/// computed with as signed ones.
#[derive(Debug)]
pub(crate) struct SignedNumbers;

impl ExprPlanner for SignedNumbers {
    fn plan_binary_op(
        &self,
        expr: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        let RawBinaryExpr { op, left, right } = expr;
        let computes =
            matches!(op, BinaryOperator::Plus | BinaryOperator::Minus | BinaryOperator::Multiply);
        let types = (left.get_type(schema), right.get_type(schema));
        let (left, right) = match types {
            (Ok(of_left), Ok(of_right))
                if computes
                    && of_left.is_integer()
                    && of_right.is_integer()
                    && (of_left.is_unsigned_integer() || of_right.is_unsigned_integer()) =>
            {
                let signed = |expr: Expr, of: &DataType| match of {
                    DataType::Int64 => expr,
                    _ => Expr::Cast(Cast::new(Box::new(expr), DataType::Int64)),
                };
                (signed(left, &of_left), signed(right, &of_right))
            }
            _ => (left, right),
        };
        Ok(PlannerResult::Original(RawBinaryExpr { op, left, right }))
    }
}

/// Goes before the rule that computes constants.
#[derive(Debug)]
pub(crate) struct CheckedConstants;

impl CheckedConstants {
    /// The rules with this one among them.
    pub(crate) fn among(
        rules: Vec<Arc<dyn OptimizerRule + Send + Sync>>,
    ) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
        let mut all: Vec<Arc<dyn OptimizerRule + Send + Sync>> = Vec::new();
        for rule in rules {
            if rule.name() == "simplify_expressions" {
                all.push(Arc::new(Self));
            }
            all.push(rule);
        }
        all
    }
}

impl OptimizerRule for CheckedConstants {
    fn name(&self) -> &str {
        "checked_constants"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::BottomUp)
    }

    fn supports_rewrite(&self) -> bool {
        true
    }

    fn rewrite(
        &self,
        plan: LogicalPlan,
        _config: &dyn OptimizerConfig,
    ) -> Result<Transformed<LogicalPlan>> {
        checked(plan, is_constant)
    }
}

/// The plan with functions in the place of operators on whole numbers.
pub(crate) fn arithmetic(plan: LogicalPlan) -> Result<LogicalPlan> {
    Ok(plan.transform_up_with_subqueries(|plan| checked(plan, |_| true))?.data)
}

fn checked(plan: LogicalPlan, which: fn(&Expr) -> bool) -> Result<Transformed<LogicalPlan>> {
    // What a scan is told only chooses files; the filter above it is what counts.
    if matches!(plan, LogicalPlan::TableScan(_)) {
        return Ok(Transformed::no(plan));
    }
    let computes = |expr: &Expr| Ok(is_operator(expr));
    let mut found = false;
    plan.apply_expressions(|expr| {
        found |= expr.exists(computes)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    if !found {
        return Ok(Transformed::no(plan));
    }
    let schema = merge_schema(&plan.inputs());
    let names = NamePreserver::new(&plan);
    plan.map_expressions(|expr| {
        // Sets of groupings have no name that could be kept.
        if matches!(expr, Expr::GroupingSet(_)) {
            return Ok(Transformed::no(expr));
        }
        let name = names.save(&expr);
        let safe = expr.transform_up(|expr| {
            if is_operator(&expr) && which(&expr) {
                call(expr, &schema)
            } else {
                Ok(Transformed::no(expr))
            }
        })?;
        Ok(safe.update_data(|expr| name.restore(expr)))
    })
}

fn is_operator(expr: &Expr) -> bool {
    match expr {
        Expr::Negative(_) => true,
        Expr::BinaryExpr(binary) => operation(binary.op).is_some(),
        _ => false,
    }
}

/// Whether nothing but values stands in the expression.
fn is_constant(expr: &Expr) -> bool {
    let varies = expr.exists(|part| {
        Ok(!matches!(
            part,
            Expr::Literal(..)
                | Expr::Alias(_)
                | Expr::BinaryExpr(_)
                | Expr::Case(_)
                | Expr::Cast(_)
                | Expr::Negative(_)
                | Expr::ScalarFunction(_)
                | Expr::TryCast(_)
        ))
    });
    matches!(varies, Ok(false))
}

/// The function in the place of an operator, where its operands are whole numbers; of two numbers that are
/// written out, what they come to.
fn call(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let of = |expr: &Expr| type_of(expr, schema);
    let whole = |expr: &Expr| of(expr).is_some_and(|of| of.is_integer());
    Ok(match expr {
        Expr::Negative(inner) if of(&inner).is_some_and(|of| of.is_signed_integer()) => {
            Transformed::yes(NEGATED.call(vec![*inner]))
        }
        Expr::BinaryExpr(binary) if whole(&binary.left) && whole(&binary.right) => {
            match (computed(&binary), operation(binary.op)) {
                (Some(number), _) => Transformed::yes(Expr::Literal(number, None)),
                (None, Some(function)) => {
                    Transformed::yes(function.call(vec![*binary.left, *binary.right]))
                }
                (None, None) => Transformed::no(Expr::BinaryExpr(binary)),
            }
        }
        other => Transformed::no(other),
    })
}

/// What two numbers come to; none where they are none, or it is too large.
fn computed(binary: &BinaryExpr) -> Option<ScalarValue> {
    let (Expr::Literal(left, None), Expr::Literal(right, None)) =
        (binary.left.as_ref(), binary.right.as_ref())
    else {
        return None;
    };
    match binary.op {
        Operator::Plus => left.add_checked(right).ok(),
        Operator::Minus => left.sub_checked(right).ok(),
        Operator::Multiply => left.mul_checked(right).ok(),
        _ => None,
    }
}

/// The type of an expression. That of long sums is not asked of each of their parts again.
fn type_of(expr: &Expr, schema: &DFSchema) -> Option<DataType> {
    let mut part = expr;
    while let Some(first) = function::first_operand(part) {
        part = first;
    }
    part.get_type(schema).ok()
}

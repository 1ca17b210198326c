//! An as-of join in the logical plan.

use std::{cmp::Ordering, fmt, hash::Hash, sync::Arc};

use datafusion::{
    common::{DFSchemaRef, Result, ScalarValue, internal_datafusion_err},
    logical_expr::{
        Expr, JoinType, LogicalPlan, UserDefinedLogicalNodeCore,
        logical_plan::builder::build_join_schema,
    },
};

use super::{Direction, Kind};

/// Every left row, once, with the right row nearest to it; types are alike on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct AsOfJoin {
    pub(super) left: LogicalPlan,
    pub(super) right: LogicalPlan,
    /// Equal keys: of the left table, and of the right one.
    pub(super) keys: Vec<(Expr, Expr)>,
    pub(super) left_time: Expr,
    pub(super) right_time: Expr,
    pub(super) direction: Direction,
    pub(super) kind: Kind,
    /// The greatest gap, in the unit of the times.
    pub(super) gap: Option<ScalarValue>,
    schema: DFSchemaRef,
}

/// What joins two inputs as of a time.
#[derive(Debug, Clone)]
pub(super) struct Terms {
    pub(super) keys: Vec<(Expr, Expr)>,
    pub(super) left_time: Expr,
    pub(super) right_time: Expr,
    pub(super) direction: Direction,
    pub(super) kind: Kind,
    pub(super) gap: Option<ScalarValue>,
}

impl AsOfJoin {
    pub(super) fn new(left: LogicalPlan, right: LogicalPlan, terms: Terms) -> Result<Self> {
        let Terms { keys, left_time, right_time, direction, kind, gap } = terms;
        let join_type = match kind {
            Kind::Left => JoinType::Left,
            Kind::Inner => JoinType::Inner,
        };
        let schema = Arc::new(build_join_schema(left.schema(), right.schema(), &join_type)?);
        Ok(Self { left, right, keys, left_time, right_time, direction, kind, gap, schema })
    }

    /// The same with other inputs.
    pub(super) fn over(&self, left: LogicalPlan, right: LogicalPlan) -> Result<Self> {
        let terms = Terms {
            keys: self.keys.clone(),
            left_time: self.left_time.clone(),
            right_time: self.right_time.clone(),
            direction: self.direction,
            kind: self.kind,
            gap: self.gap.clone(),
        };
        Self::new(left, right, terms)
    }

    fn terms(&self) -> Compared<'_> {
        let Self { keys, left_time, right_time, direction, kind, gap, .. } = self;
        (keys, left_time, right_time, *direction, *kind, gap)
    }
}

/// What tells one such join from another of the same inputs.
type Compared<'a> =
    (&'a [(Expr, Expr)], &'a Expr, &'a Expr, Direction, Kind, &'a Option<ScalarValue>);

impl PartialOrd for AsOfJoin {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        let inputs = (&self.left, &self.right).partial_cmp(&(&other.left, &other.right))?;
        Some(inputs.then(self.terms().partial_cmp(&other.terms())?))
    }
}

impl fmt::Display for AsOfJoin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            Kind::Left => "Left",
            Kind::Inner => "Inner",
        };
        write!(f, "{kind} AsOfJoin: {}", self.left_time)?;
        write!(f, " {} {}", self.direction.sign(), self.right_time)?;
        if let Some(gap) = &self.gap {
            write!(f, " within {gap}")?;
        }
        for (left, right) in &self.keys {
            write!(f, ", {left} = {right}")?;
        }
        Ok(())
    }
}

impl UserDefinedLogicalNodeCore for AsOfJoin {
    fn name(&self) -> &str {
        "AsOfJoin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.left, &self.right]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        let keys = self.keys.iter().flat_map(|(left, right)| [left.clone(), right.clone()]);
        keys.chain([self.left_time.clone(), self.right_time.clone()]).collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let wrong = || internal_datafusion_err!("an as-of join has two inputs, two times and keys");
        let (keys, times) = exprs.split_at(exprs.len().saturating_sub(2));
        let [left_time, right_time] = times else { return Err(wrong()) };
        let keys = keys.chunks(2).map(|pair| match pair {
            [left, right] => Ok((left.clone(), right.clone())),
            _ => Err(wrong()),
        });
        let terms = Terms {
            keys: keys.collect::<Result<_>>()?,
            left_time: left_time.clone(),
            right_time: right_time.clone(),
            direction: self.direction,
            kind: self.kind,
            gap: self.gap.clone(),
        };
        let [left, right] = <[LogicalPlan; 2]>::try_from(inputs).map_err(|_| wrong())?;
        Self::new(left, right, terms)
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        // The columns of the keys and times are added by whoever asks.
        let border = self.left.schema().fields().len();
        let (left, right): (Vec<_>, Vec<_>) =
            output_columns.iter().partition(|column| **column < border);
        Some(vec![left, right.into_iter().map(|column| column - border).collect()])
    }
}

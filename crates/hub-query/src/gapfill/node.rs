//! Gap filling in the logical plan.

use std::{cmp::Ordering, collections::HashSet, fmt, sync::Arc};

use datafusion::{
    common::{Column, DFSchema, DFSchemaRef, Result, ScalarValue, internal_datafusion_err},
    logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore},
};

use super::Fill;

/// A value that the time is compared with, and whether the time may be equal to it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Hash)]
pub(super) struct Bound {
    pub(super) at: Expr,
    pub(super) inclusive: bool,
}

/// A column of the input whose gaps are filled.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Hash)]
pub(super) struct Filled {
    pub(super) column: Column,
    pub(super) fill: Fill,
    /// The greatest gap that is bridged, in microseconds.
    pub(super) max_gap: Option<i64>,
}

/// What gaps are filled in, and how far.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Hash)]
pub(super) struct Terms {
    /// The columns that tell series apart.
    pub(super) keys: Vec<Expr>,
    /// The column of buckets.
    pub(super) bucket: Expr,
    /// How long a bucket is.
    pub(super) width: ScalarValue,
    /// Bounds below the time, all of which hold.
    pub(super) starts: Vec<Bound>,
    /// Bounds above it.
    pub(super) finishes: Vec<Bound>,
    pub(super) filled: Vec<Filled>,
}

/// The input's rows, and one for every bucket of a series that has none.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct GapFill {
    pub(super) input: LogicalPlan,
    pub(super) terms: Terms,
    schema: DFSchemaRef,
}

impl GapFill {
    pub(super) fn new(input: LogicalPlan, mut terms: Terms) -> Result<Self> {
        let of = input.schema();
        // A column that nobody reads is not filled either.
        terms.filled.retain(|filled| of.has_column(&filled.column));
        let given: HashSet<Column> =
            terms.keys.iter().filter_map(Expr::try_as_col).cloned().collect();
        let fields = of.iter().map(|(qualifier, field)| {
            let is_key = given.contains(&Column::from((qualifier, field)));
            let nullable = field.is_nullable() || !is_key;
            (qualifier.cloned(), Arc::new(field.as_ref().clone().with_nullable(nullable)))
        });
        let schema = DFSchema::new_with_metadata(fields.collect(), of.metadata().clone())?;
        Ok(Self { input, terms, schema: Arc::new(schema) })
    }
}

impl PartialOrd for GapFill {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (&self.input, &self.terms).partial_cmp(&(&other.input, &other.terms))
    }
}

impl fmt::Display for GapFill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Terms { keys, bucket, width, starts, finishes, filled } = &self.terms;
        write!(f, "GapFill: {bucket} every {width}")?;
        for (bounds, signs) in [(starts, [">", ">="]), (finishes, ["<", "<="])] {
            for bound in bounds {
                write!(f, " {} {}", signs[usize::from(bound.inclusive)], bound.at)?;
            }
        }
        for key in keys {
            write!(f, ", by {key}")?;
        }
        for Filled { column, fill, .. } in filled {
            write!(f, ", {fill:?} {column}")?;
        }
        Ok(())
    }
}

impl UserDefinedLogicalNodeCore for GapFill {
    fn name(&self) -> &str {
        "GapFill"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.input]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        let Terms { keys, bucket, starts, finishes, .. } = &self.terms;
        let bounds = starts.iter().chain(finishes).map(|bound| bound.at.clone());
        keys.iter().chain([bucket]).cloned().chain(bounds).collect()
    }

    /// A condition on a series leaves out all of its rows or none. Any other may be about rows that are made.
    fn prevent_predicate_push_down_columns(&self) -> HashSet<String> {
        let keys: HashSet<&Column> = self.terms.keys.iter().filter_map(Expr::try_as_col).collect();
        let columns = self.schema.columns();
        columns
            .into_iter()
            .filter(|column| !keys.contains(column))
            .map(|column| column.name)
            .collect()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let wrong =
            || internal_datafusion_err!("gap filling has one input, a bucket, keys and bounds");
        let [input] = <[LogicalPlan; 1]>::try_from(inputs).map_err(|_| wrong())?;
        let mut terms = self.terms.clone();
        let mut exprs = exprs.into_iter();
        let bounds = terms.starts.iter_mut().chain(&mut terms.finishes).map(|bound| &mut bound.at);
        for place in terms.keys.iter_mut().chain([&mut terms.bucket]).chain(bounds) {
            *place = exprs.next().ok_or_else(wrong)?;
        }
        if exprs.next().is_some() {
            return Err(wrong());
        }
        Self::new(input, terms)
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        // The keys and the bucket are added by whoever asks.
        Some(vec![output_columns.to_vec()])
    }
}

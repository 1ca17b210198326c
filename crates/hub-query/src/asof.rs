//! `ASOF JOIN`: to each row of the left table the row of the right one whose time is nearest before or
//! after it, among those with equal keys.
//!
//! It begins as text that the parser does not know in all its forms ([`plain_forms`]), is planned as an
//! ordinary join that holds a marker ([`AsOfRelations`]), becomes a node of the logical plan before any
//! other rule sees it ([`AsOfJoins`]), and runs as [`AsOfJoinExec`]. Nothing outside of this module knows of
//! more than these names, so that it can give way to the engine's own operator.

mod analyze;
mod exec;
mod filters;
mod lookup;
mod marker;
mod merge;
mod node;
mod planner;
mod relation;
mod sides;
mod syntax;
#[cfg(test)]
mod tests;
mod ties;

pub(crate) use analyze::AsOfJoins;
pub(crate) use exec::AsOfJoinExec;
pub(crate) use filters::FiltersIntoAsOfJoins;
pub(crate) use planner::HubPlanner;
pub(crate) use relation::AsOfRelations;
pub(crate) use syntax::{is_outer, nest, plain_forms};

use datafusion::logical_expr::Expr;

use marker::Marked;

/// A condition of a join by which it becomes an as-of join: of a left row and the right row nearest to it.
pub(crate) fn nearest(direction: Direction, kind: Kind, left_time: Expr, right_time: Expr) -> Expr {
    Marked { direction, kind, left_time, right_time, gap: None }.into_expr()
}

/// What a mark of an as-of join compares; none of other conditions.
pub(crate) fn compared(condition: &Expr) -> Option<[Expr; 2]> {
    Marked::of(condition).map(|marked| [marked.left_time, marked.right_time])
}

/// How the left row's time compares with that of its match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Hash)]
pub(crate) enum Direction {
    /// `left >= right`: the last at or before.
    AtOrBefore,
    /// `left > right`: the last before.
    Before,
    /// `left <= right`: the first at or after.
    AtOrAfter,
    /// `left < right`: the first after.
    After,
}

impl Direction {
    fn sign(self) -> &'static str {
        match self {
            Self::AtOrBefore => ">=",
            Self::Before => ">",
            Self::AtOrAfter => "<=",
            Self::After => "<",
        }
    }

    /// Whether matches lie at or before their left row.
    fn looks_back(self) -> bool {
        matches!(self, Self::AtOrBefore | Self::Before)
    }

    /// Of right rows in the order of time, whether those that equal the left row's time count among the
    /// ones that it has passed.
    fn passes_equal(self) -> bool {
        matches!(self, Self::AtOrBefore | Self::After)
    }

    /// The same with both sides exchanged.
    fn turned(self) -> Self {
        match self {
            Self::AtOrBefore => Self::AtOrAfter,
            Self::Before => Self::After,
            Self::AtOrAfter => Self::AtOrBefore,
            Self::After => Self::Before,
        }
    }
}

/// What becomes of a left row without a match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Hash)]
pub(crate) enum Kind {
    /// It stays, with nulls for the right columns.
    Left,
    /// It is left out.
    Inner,
}

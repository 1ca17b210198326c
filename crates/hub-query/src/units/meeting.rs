//! Where values of several units meet.

use datafusion::{
    common::{DataFusionError, Result},
    logical_expr::Expr,
};

use super::Known;
use crate::{
    classify::spoken,
    error::{Position, QueryError},
};

/// What is done with values that meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meeting {
    Added,
    Compared,
    /// By `UNION` or `CASE`. Values that measure different things may stand in one column, which then has no
    /// unit: a long table does that. One thing in several units is a mistake.
    InOneColumn,
}

/// One of the values that meet.
pub(super) struct Part<'a> {
    pub(super) of: Of<'a>,
    pub(super) unit: Known,
}

/// Whose values they are.
#[derive(Clone, Copy)]
pub(super) enum Of<'a> {
    Expression(&'a Expr),
    /// A column of another query.
    Column(&'a str),
}

impl Of<'_> {
    /// How it is spoken of: a column by its name alone.
    pub(super) fn shown(self) -> String {
        match self {
            Self::Expression(Expr::Column(column) | Expr::OuterReferenceColumn(_, column)) => {
                column.name.clone()
            }
            Self::Expression(other) => spoken(&other.human_display().to_string()),
            Self::Column(name) => name.to_owned(),
        }
    }

    /// Where its first column stands in the SQL.
    pub(super) fn position(self) -> Option<Position> {
        let Self::Expression(expression) = self else { return None };
        let columns = expression.column_refs();
        let span = columns
            .iter()
            .filter_map(|column| column.spans.first())
            .min_by_key(|span| (span.start.line, span.start.column))?;
        Some(Position { line: span.start.line, column: span.start.column })
    }
}

impl Meeting {
    /// The unit that all parts share; those without one take the others'.
    pub(super) fn unit<'a>(self, parts: impl IntoIterator<Item = Part<'a>>) -> Result<Known> {
        let mut met: Vec<Part<'a>> = Vec::new();
        for part in parts {
            let Some(unit) = &part.unit else { continue };
            let mut is_known = false;
            for other in &mut met {
                let Some(known) = &mut other.unit else { continue };
                if known.is_in(&unit.unit) {
                    known.is_difference &= unit.is_difference;
                    is_known = true;
                } else if self != Self::InOneColumn || unit.converts_to(&known.unit) {
                    return Err(self.refusal(other, &part));
                }
            }
            if !is_known {
                met.push(part);
            }
        }
        Ok(match met.as_slice() {
            [one] => one.unit.clone(),
            _ => None,
        })
    }

    fn refusal(self, one: &Part<'_>, two: &Part<'_>) -> DataFusionError {
        let done = match self {
            Self::Added => "added",
            Self::Compared => "compared",
            Self::InOneColumn => "put into one column",
        };
        let (Some(known), Some(unit)) = (&one.unit, &two.unit) else {
            return DataFusionError::Internal("units that are not known met".to_owned());
        };
        let (one_shown, two_shown) = (one.of.shown(), two.of.shown());
        let (from, to) = (&unit.unit, &known.unit);
        let advice = if unit.converts_to(to) {
            format!(" as they are; convert one first, as in convert({two_shown}, '{from}', '{to}')")
        } else {
            ": they measure different things".to_owned()
        };
        let said =
            format!("{one_shown} is in {to} and {two_shown} in {from}, so they can't be {done}");
        refused(said + &advice, two.of.position().or_else(|| one.of.position()))
    }
}

pub(super) fn refused(message: String, position: Option<Position>) -> DataFusionError {
    DataFusionError::External(Box::new(QueryError::invalid(message, position)))
}

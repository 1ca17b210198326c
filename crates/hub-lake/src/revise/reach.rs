//! What values a file may hold, and whether two files can hold the same: decided by statistics alone,
//! and where these say nothing, as if it could be.

use std::{cmp::Ordering, collections::HashMap};

use arrow_schema::{DataType, Schema};

use crate::{Bound, ColumnStatistics};

/// The least and the greatest value of each column that is asked for; a side without a bound is open.
pub(crate) type Columns = HashMap<String, ColumnStatistics>;

fn compare(a: &Bound, b: &Bound) -> Option<Ordering> {
    match (a, b) {
        (Bound::Boolean(a), Bound::Boolean(b)) => Some(a.cmp(b)),
        (Bound::Integer(a), Bound::Integer(b)) => Some(a.cmp(b)),
        (Bound::Number(a), Bound::Number(b)) => Some(a.total_cmp(b)),
        (Bound::Text(a), Bound::Text(b)) => Some(a.cmp(b)),
        (Bound::Date(a), Bound::Date(b)) => Some(a.cmp(b)),
        (Bound::Instant(a), Bound::Instant(b)) => Some(a.cmp(b)),
        _ => None,
    }
}

fn is_below(upper: Option<&Bound>, lower: Option<&Bound>) -> bool {
    match (upper, lower) {
        (Some(upper), Some(lower)) => compare(upper, lower) == Some(Ordering::Less),
        _ => false,
    }
}

/// Whether no value of the one column can be a value of the other.
pub(crate) fn apart(a: &ColumnStatistics, b: &ColumnStatistics) -> bool {
    is_below(a.maximum.as_ref(), b.minimum.as_ref())
        || is_below(b.maximum.as_ref(), a.minimum.as_ref())
}

/// Whether rows of both can have the same values in all these columns.
pub(crate) fn may_meet<'a>(
    a: &Columns,
    b: &Columns,
    mut columns: impl Iterator<Item = &'a str>,
) -> bool {
    !columns.any(|name| match (a.get(name), b.get(name)) {
        (Some(a), Some(b)) => apart(a, b),
        _ => false,
    })
}

/// A stretch of time, both ends included, in the unit of the time column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) first: i64,
    pub(crate) last: i64,
}

impl Stretch {
    /// From the least to the greatest value of a time column.
    pub(crate) fn of(column: &ColumnStatistics) -> Option<Self> {
        let first = number(column.minimum.as_ref()?)?;
        let last = number(column.maximum.as_ref()?)?;
        Some(Self { first, last })
    }

    /// The least stretch that holds both.
    pub(crate) fn with(self, other: Self) -> Self {
        Self { first: self.first.min(other.first), last: self.last.max(other.last) }
    }

    /// The stretch as what is known of a column of this name.
    pub(crate) fn column(self, schema: &Schema, name: &str) -> Option<ColumnStatistics> {
        let bound = |value: i64| match schema.field_with_name(name).ok()?.data_type() {
            DataType::Timestamp(..) => Some(Bound::Instant(value)),
            DataType::Date32 => i32::try_from(value).ok().map(Bound::Date),
            DataType::Int32 => Some(Bound::Integer(value)),
            _ => None,
        };
        Some(ColumnStatistics {
            minimum: Some(bound(self.first)?),
            maximum: Some(bound(self.last)?),
            exact: true,
            nulls: None,
        })
    }

    pub(crate) fn holds(self, value: i64) -> bool {
        (self.first..=self.last).contains(&value)
    }

    /// Whether a column of these statistics may have a value in the stretch.
    pub(crate) fn may_hold_some(self, column: Option<&ColumnStatistics>) -> bool {
        let Some(column) = column else { return true };
        let least = column.minimum.as_ref().and_then(number);
        let greatest = column.maximum.as_ref().and_then(number);
        !(greatest.is_some_and(|value| value < self.first)
            || least.is_some_and(|value| value > self.last))
    }

    /// Whether a column of these statistics has a value in every row, and all lie in the stretch.
    pub(crate) fn holds_all(self, column: Option<&ColumnStatistics>) -> bool {
        column.is_some_and(|column| {
            column.nulls == Some(0)
                && Self::of(column)
                    .is_some_and(|other| self.holds(other.first) && self.holds(other.last))
        })
    }
}

fn number(bound: &Bound) -> Option<i64> {
    match bound {
        Bound::Instant(value) | Bound::Integer(value) => Some(*value),
        Bound::Date(days) => Some(i64::from(*days)),
        _ => None,
    }
}

/// What is known of a column's values while its rows come in parts.
#[derive(Debug, Clone, Default)]
pub(crate) struct Gathered {
    nulls: u64,
    bounds: Bounds,
}

#[derive(Debug, Clone, Default)]
enum Bounds {
    /// No value came yet.
    #[default]
    None,
    Known(Bound, Bound),
    /// Values came that have no bounds.
    Open,
}

impl Gathered {
    /// Takes in what is known of further rows.
    pub(crate) fn add(&mut self, rows: u64, more: ColumnStatistics) {
        let nulls = more.nulls.unwrap_or_default();
        self.nulls += nulls;
        if nulls == rows {
            return;
        }
        let (Some(least), Some(greatest)) = (more.minimum, more.maximum) else {
            self.bounds = Bounds::Open;
            return;
        };
        self.bounds = match std::mem::take(&mut self.bounds) {
            Bounds::None => Bounds::Known(least, greatest),
            Bounds::Open => Bounds::Open,
            Bounds::Known(a, b) => Bounds::Known(
                if compare(&a, &least) == Some(Ordering::Greater) { least } else { a },
                if compare(&b, &greatest) == Some(Ordering::Less) { greatest } else { b },
            ),
        };
    }

    pub(crate) fn finish(self) -> ColumnStatistics {
        let (minimum, maximum) = match self.bounds {
            Bounds::Known(least, greatest) => (Some(least), Some(greatest)),
            Bounds::None | Bounds::Open => (None, None),
        };
        ColumnStatistics { minimum, maximum, exact: true, nulls: Some(self.nulls) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(least: i64, greatest: i64, nulls: u64) -> ColumnStatistics {
        ColumnStatistics {
            minimum: Some(Bound::Instant(least)),
            maximum: Some(Bound::Instant(greatest)),
            exact: true,
            nulls: Some(nulls),
        }
    }

    #[test]
    fn only_what_statistics_rule_out_is_apart() {
        let a = column(0, 10, 0);
        assert!(apart(&a, &column(11, 12, 0)) && apart(&column(11, 12, 0), &a));
        assert!(!apart(&a, &column(10, 12, 0)));
        assert!(!apart(&a, &ColumnStatistics::default()));
        let open = ColumnStatistics { maximum: None, ..column(20, 0, 0) };
        assert!(apart(&a, &open));
    }

    #[test]
    fn a_stretch_holds_its_ends() {
        let stretch = Stretch { first: 5, last: 9 };
        assert!(stretch.holds(5) && stretch.holds(9) && !stretch.holds(10));
        assert!(stretch.holds_all(Some(&column(5, 9, 0))));
        assert!(!stretch.holds_all(Some(&column(5, 9, 1))), "rows without a time are not in it");
        assert!(!stretch.holds_all(Some(&column(5, 10, 0))));
        assert!(stretch.may_hold_some(Some(&column(9, 20, 0))));
        assert!(!stretch.may_hold_some(Some(&column(10, 20, 0))));
        assert!(stretch.may_hold_some(None) && !stretch.holds_all(None));
    }

    #[test]
    fn parts_are_joined_and_a_part_without_bounds_leaves_none() {
        let mut gathered = Gathered::default();
        let empty = ColumnStatistics { nulls: Some(3), ..ColumnStatistics::default() };
        gathered.add(3, empty.clone());
        gathered.add(4, column(5, 6, 1));
        gathered.add(3, empty);
        gathered.add(2, column(1, 5, 0));
        assert_eq!(gathered.clone().finish(), ColumnStatistics { ..column(1, 6, 7) });
        gathered.add(2, ColumnStatistics { nulls: Some(0), ..ColumnStatistics::default() });
        gathered.add(2, column(1, 5, 0));
        let finished = gathered.finish();
        assert_eq!((finished.minimum, finished.maximum, finished.nulls), (None, None, Some(7)));
    }
}

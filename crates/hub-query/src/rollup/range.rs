//! The times that conditions let through, and what of them consists of whole hours or days.

use datafusion::{
    common::Column,
    logical_expr::{Between, Expr, Operator},
};
use hub_lake::RollupLevel;

use super::grain::{compared, instant_ns};

/// From an instant up to but not including another, in microseconds; open where there is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Range {
    pub(crate) from: Option<i64>,
    pub(crate) until: Option<i64>,
}

impl Range {
    /// Takes in a condition that bounds the time by instants; `false` for every other.
    pub(crate) fn narrow(&mut self, condition: &Expr, time: &Column) -> bool {
        if let Expr::Between(Between { expr, negated: false, low, high }) = condition
            && matches!(expr.as_ref(), Expr::Column(column) if column == time)
        {
            let (Some(low), Some(high)) = (instant_ns(low), instant_ns(high)) else { return false };
            return self.bound(Operator::GtEq, low) && self.bound(Operator::LtEq, high);
        }
        match compared(condition, time) {
            Some((Operator::Eq, instant)) => {
                self.bound(Operator::GtEq, instant) && self.bound(Operator::LtEq, instant)
            }
            Some((operator, instant)) => self.bound(operator, instant),
            None => false,
        }
    }

    fn bound(&mut self, operator: Operator, instant_ns: i128) -> bool {
        // Stored times are whole microseconds: the first that is not before, and the first that is after.
        let reached = -((-instant_ns).div_euclid(1_000));
        let after = instant_ns.div_euclid(1_000) + 1;
        let instant = |value: i128| i64::try_from(value).ok();
        match operator {
            Operator::GtEq => self.begin(instant(reached)),
            Operator::Gt => self.begin(instant(after)),
            Operator::Lt => self.end(instant(reached)),
            Operator::LtEq => self.end(instant(after)),
            _ => false,
        }
    }

    fn begin(&mut self, from: Option<i64>) -> bool {
        self.from = self.from.max(from);
        from.is_some()
    }

    fn end(&mut self, until: Option<i64>) -> bool {
        self.until = match (self.until, until) {
            (Some(known), Some(until)) => Some(known.min(until)),
            (known, until) => known.or(until),
        };
        until.is_some()
    }

    /// What of the range consists of whole stretches of a level; none where nothing does. Where the rows at
    /// the very beginning of a stretch are kept apart (`edges`), a stretch without them is whole too.
    pub(crate) fn whole(self, level: RollupLevel, edges: bool) -> Option<Self> {
        let Some(width) = level.width_us() else {
            return (self == Self::default()).then_some(self);
        };
        let begins = |at: i64, start: i64| at == start || edges && at - start == 1;
        let from = match self.from {
            None => None,
            Some(from) => {
                let start = level.start_us(from)?;
                Some(if begins(from, start) { from } else { start.checked_add(width)? })
            }
        };
        let until = match self.until {
            None => None,
            Some(until) => {
                let start = level.start_us(until)?;
                Some(if begins(until, start) { until } else { start })
            }
        };
        let whole = Self { from, until };
        (!whole.is_empty()).then_some(whole)
    }

    /// Whether it begins or ends just after an hour's beginning.
    pub(crate) fn leaves_out_a_beginning(self) -> bool {
        let just_after = |at: i64| RollupLevel::Hour.start_us(at) == Some(at - 1);
        [self.from, self.until].into_iter().flatten().any(just_after)
    }

    fn is_empty(self) -> bool {
        matches!((self.from, self.until), (Some(from), Some(until)) if from >= until)
    }

    /// What of this range is outside of one that lies in it: before and after.
    pub(crate) fn beside(self, inner: Self) -> Vec<Self> {
        let before = Self { from: self.from, until: inner.from };
        let after = Self { from: inner.until, until: self.until };
        let is_bounded = [inner.from.is_some(), inner.until.is_some()];
        [before, after]
            .into_iter()
            .zip(is_bounded)
            .filter(|(range, bounded)| *bounded && !range.is_empty())
            .map(|(range, _)| range)
            .collect()
    }

    /// Whether times from the first to the last are all in the range.
    pub(crate) fn holds(self, first: i64, last: i64) -> bool {
        self.from.is_none_or(|from| first >= from) && self.until.is_none_or(|until| last < until)
    }

    /// Whether some time from the first to the last may be in the range.
    pub(crate) fn meets(self, first: i64, last: i64) -> bool {
        self.from.is_none_or(|from| last >= from) && self.until.is_none_or(|until| first < until)
    }
}

#[cfg(test)]
mod tests {
    use datafusion::{
        logical_expr::{col, lit},
        scalar::ScalarValue,
    };

    use super::*;

    const HOUR: i64 = 3_600_000_000;
    /// 2024-04-01T00:00:00+09:00.
    const APRIL: i64 = 1_711_897_200_000_000;

    fn narrowed(conditions: &[Expr]) -> Option<Range> {
        let time = Column::from_name("t");
        let mut range = Range::default();
        conditions.iter().all(|condition| range.narrow(condition, &time)).then_some(range)
    }

    fn us(value: i64) -> Expr {
        lit(ScalarValue::TimestampMicrosecond(Some(value), Some("UTC".into())))
    }

    #[test]
    fn comparisons_with_instants_bound_the_range() {
        let t = || col("t");
        let range = |from, until| Some(Range { from, until });
        assert_eq!(narrowed(&[t().gt_eq(us(5)), t().lt(us(9))]), range(Some(5), Some(9)));
        assert_eq!(narrowed(&[t().gt(us(5)), t().lt_eq(us(9))]), range(Some(6), Some(10)));
        assert_eq!(narrowed(&[us(5).lt(t()), t().gt(us(7))]), range(Some(8), None));
        assert_eq!(narrowed(&[t().between(us(5), us(9))]), range(Some(5), Some(10)));
        assert_eq!(narrowed(&[t().eq(us(5))]), range(Some(5), Some(6)));
        let ns = lit(ScalarValue::TimestampNanosecond(Some(-1_500), Some("UTC".into())));
        assert_eq!(narrowed(&[t().gt_eq(ns.clone())]), range(Some(-1), None));
        assert_eq!(narrowed(&[t().lt_eq(ns)]), range(None, Some(-1)));
        for other in [t().not_eq(us(5)), t().eq(col("u")), t().not_between(us(5), us(9))] {
            assert_eq!(narrowed(&[other]), None);
        }
    }

    #[test]
    fn whole_days_are_taken_and_the_ends_left() {
        let range = Range { from: Some(APRIL + HOUR), until: Some(APRIL + 73 * HOUR) };
        let whole = range.whole(RollupLevel::Day, false).unwrap();
        assert_eq!((whole.from, whole.until), (Some(APRIL + 24 * HOUR), Some(APRIL + 72 * HOUR)));
        assert_eq!(
            range.beside(whole),
            [
                Range { from: range.from, until: whole.from },
                Range { from: whole.until, until: range.until }
            ]
        );
        assert_eq!(range.whole(RollupLevel::Hour, false), Some(range));
        assert_eq!(range.beside(range), []);
        assert_eq!(range.whole(RollupLevel::Series, false), None);
        let short = Range { from: Some(APRIL + HOUR), until: Some(APRIL + 25 * HOUR) };
        assert_eq!(short.whole(RollupLevel::Day, false), None);
        let open = Range { from: Some(APRIL + HOUR), until: None };
        let whole = open.whole(RollupLevel::Day, false).unwrap();
        assert_eq!(open.beside(whole), [Range { from: open.from, until: whole.from }]);
        assert_eq!(Range::default().whole(RollupLevel::Day, false), Some(Range::default()));
    }
    #[test]
    fn days_that_leave_out_their_midnight_are_whole_where_midnights_are_kept_apart() {
        let range = Range { from: Some(APRIL + 1), until: Some(APRIL + 48 * HOUR + 1) };
        assert!(range.leaves_out_a_beginning());
        assert_eq!(range.whole(RollupLevel::Day, true), Some(range));
        let inner = Range { from: Some(APRIL + 24 * HOUR), until: Some(APRIL + 48 * HOUR) };
        assert_eq!(range.whole(RollupLevel::Day, false), Some(inner));
        let later = Range { from: Some(APRIL + 2), until: None };
        assert!(!later.leaves_out_a_beginning());
        let next = Range { from: Some(APRIL + 24 * HOUR), until: None };
        assert_eq!(later.whole(RollupLevel::Day, true), Some(next));
    }
}

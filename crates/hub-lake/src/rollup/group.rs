//! Rows that lie side by side and belong to one series and one stretch of time.

use std::ops::Range;

use arrow::{
    array::{Array, ArrayRef},
    compute::{kernels::cmp::not_distinct, partition},
};
use arrow_schema::ArrowError;

use super::RollupLevel;

/// Which stretch rows are in, and whether they are at its very beginning, where these are kept apart.
/// Rows without a time are in a stretch of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) bucket: Option<i64>,
    pub(crate) edge: bool,
}

/// Some rows of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) rows: Range<usize>,
    pub(crate) stretch: Stretch,
    /// Whether it goes on from the last group of the batch before.
    pub(crate) continues: bool,
}

/// The last row that was seen.
pub(crate) struct Last {
    series: Vec<ArrayRef>,
}

/// The rows of each series in a batch, and whether the first of them goes on with the series of the row
/// before.
pub(crate) fn series(
    columns: &[ArrayRef],
    rows: usize,
    last: Option<&Last>,
) -> Result<(Vec<Range<usize>>, bool), ArrowError> {
    let ranges = if columns.is_empty() {
        std::iter::once(0..rows).collect()
    } else {
        partition(columns)?.ranges()
    };
    let Some(last) = last else { return Ok((ranges, false)) };
    for (before, column) in last.series.iter().zip(columns) {
        if !not_distinct(before, &column.slice(0, 1))?.value(0) {
            return Ok((ranges, false));
        }
    }
    Ok((ranges, true))
}

impl Last {
    pub(crate) fn of(columns: &[ArrayRef], rows: usize) -> Self {
        Self { series: columns.iter().map(|column| column.slice(rows - 1, 1)).collect() }
    }
}

/// Divides each series' rows by stretches. Times are in their order, missing ones last; `time` answers
/// a row's.
pub(crate) fn stretches(
    level: RollupLevel,
    edges: bool,
    series: &[Range<usize>],
    continues: Option<Stretch>,
    time: impl Fn(usize) -> Option<i64>,
    groups: &mut Vec<Group>,
) {
    groups.clear();
    let stretch = |row: usize| {
        let at = time(row);
        let bucket = at.and_then(|at| level.start_us(at));
        Stretch { bucket, edge: edges && at.is_some() && at == bucket }
    };
    for range in series {
        let mut begin = range.start;
        while begin < range.end {
            let own = stretch(begin);
            let mut end = begin + 1;
            if level.width_us().is_none() {
                end = range.end;
            } else {
                // Comparing with the stretch's ends is cheaper than asking each row's stretch.
                let width = level.width_us().unwrap_or_default();
                let ends = match own {
                    Stretch { bucket: Some(bucket), edge: true } => bucket..bucket + 1,
                    Stretch { bucket: Some(bucket), edge: false } => {
                        bucket + i64::from(edges)..bucket.saturating_add(width)
                    }
                    Stretch { bucket: None, .. } => 0..0,
                };
                while end < range.end
                    && time(end).map_or(own.bucket.is_none(), |at| ends.contains(&at))
                {
                    end += 1;
                }
            }
            let continues = begin == 0 && continues == Some(own);
            groups.push(Group { rows: begin..end, stretch: own, continues });
            begin = end;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000_000;

    fn groups(edges: bool, times: &[Option<i64>]) -> Vec<(Range<usize>, Option<i64>, bool)> {
        let mut groups = Vec::new();
        let series = std::iter::once(0..times.len()).collect::<Vec<_>>();
        stretches(RollupLevel::Hour, edges, &series, None, |row| times[row], &mut groups);
        groups.into_iter().map(|g| (g.rows, g.stretch.bucket, g.stretch.edge)).collect()
    }

    #[test]
    fn the_first_instant_of_an_hour_belongs_to_it_and_can_be_kept_apart() {
        let times = [Some(HOUR - 1), Some(HOUR), Some(HOUR), Some(HOUR + 1), None, None];
        assert_eq!(
            groups(false, &times),
            [(0..1, Some(0), false), (1..4, Some(HOUR), false), (4..6, None, false)]
        );
        assert_eq!(
            groups(true, &times),
            [
                (0..1, Some(0), false),
                (1..3, Some(HOUR), true),
                (3..4, Some(HOUR), false),
                (4..6, None, false)
            ]
        );
    }
}

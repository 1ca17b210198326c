//! How many rows the planner expects of a grouping, a window and a join, since it keeps the side of a join in
//! memory that it expects fewer rows of. By itself it expects of a grouping as many as go in where it knows
//! nothing of the groups, nothing at all of a window or a product, and of a join as few as its smaller side
//! has where it knows nothing of the keys.

use std::sync::Arc;

use datafusion::{
    common::{JoinType, Result, Statistics, stats::Precision},
    physical_plan::{
        ExecutionPlan,
        aggregates::{AggregateExec, AggregateMode},
        joins::{CrossJoinExec, HashJoinExec},
        operator_statistics::{
            DefaultStatisticsProvider, ExtendedStatistics, FilterStatisticsProvider,
            LimitStatisticsProvider, PassthroughStatisticsProvider, ProjectionStatisticsProvider,
            StatisticsProvider, StatisticsRegistry, StatisticsResult, UnionStatisticsProvider,
        },
        statistics::{StatisticsArgs, StatisticsContext},
        windows::{BoundedWindowAggExec, WindowAggExec},
    },
};

/// How many rows are taken to share a group where nothing is known of it.
const ROWS_A_GROUP: usize = 10;

/// The planner's estimates with ours in front.
pub(crate) fn registry() -> StatisticsRegistry {
    StatisticsRegistry::with_providers(vec![
        Arc::new(GroupedRows),
        Arc::new(JoinedRows),
        Arc::new(WindowRows),
        Arc::new(FilterStatisticsProvider),
        Arc::new(ProjectionStatisticsProvider),
        Arc::new(PassthroughStatisticsProvider),
        Arc::new(LimitStatisticsProvider),
        Arc::new(UnionStatisticsProvider),
        Arc::new(DefaultStatisticsProvider),
    ])
}

#[derive(Debug)]
struct GroupedRows;

impl StatisticsProvider for GroupedRows {
    fn compute_statistics(
        &self,
        plan: &dyn ExecutionPlan,
        inputs: &[ExtendedStatistics],
    ) -> Result<StatisticsResult> {
        let Some(grouping) = plan.downcast_ref::<AggregateExec>() else {
            return Ok(StatisticsResult::Delegate);
        };
        let partial = matches!(grouping.mode(), AggregateMode::Partial);
        let rows_in = inputs.first().and_then(|input| input.base().num_rows.get_value().copied());
        let (false, false, Some(rows_in)) =
            (partial, grouping.group_expr().expr().is_empty(), rows_in)
        else {
            return Ok(StatisticsResult::Delegate);
        };
        let known = StatisticsContext::new().compute(plan, &StatisticsArgs::new())?;
        if known.num_rows.get_value().is_some_and(|rows| *rows < rows_in) {
            return Ok(StatisticsResult::Delegate);
        }
        let mut statistics = known.as_ref().clone();
        statistics.num_rows = Precision::Inexact((rows_in / ROWS_A_GROUP).max(1));
        statistics.total_byte_size = match statistics.total_byte_size {
            Precision::Exact(bytes) | Precision::Inexact(bytes) => {
                Precision::Inexact((bytes / ROWS_A_GROUP).max(1))
            }
            Precision::Absent => Precision::Absent,
        };
        Ok(StatisticsResult::Computed(ExtendedStatistics::new(statistics)))
    }
}

/// A join by keys has about as many rows as its larger side: of measurements and a list of stations those
/// of the measurements. A product has that of both. How wide they are is not said: what is known of the
/// inputs' bytes is of all their columns, packed.
#[derive(Debug)]
struct JoinedRows;

impl StatisticsProvider for JoinedRows {
    fn compute_statistics(
        &self,
        plan: &dyn ExecutionPlan,
        inputs: &[ExtendedStatistics],
    ) -> Result<StatisticsResult> {
        let [left, right] = inputs else { return Ok(StatisticsResult::Delegate) };
        let (Some(left), Some(right)) = (rows(left), rows(right)) else {
            return Ok(StatisticsResult::Delegate);
        };
        if plan.is::<CrossJoinExec>() {
            return Ok(about(plan, left.saturating_mul(right)));
        }
        let Some(join) = plan.downcast_ref::<HashJoinExec>() else {
            return Ok(StatisticsResult::Delegate);
        };
        let rows = match join.join_type() {
            JoinType::Inner | JoinType::Left | JoinType::Right | JoinType::Full => left.max(right),
            JoinType::LeftSemi | JoinType::LeftAnti | JoinType::LeftMark => left,
            JoinType::RightSemi | JoinType::RightAnti | JoinType::RightMark => right,
        };
        Ok(about(plan, rows))
    }
}

/// A window has the rows that go in.
#[derive(Debug)]
struct WindowRows;

impl StatisticsProvider for WindowRows {
    fn compute_statistics(
        &self,
        plan: &dyn ExecutionPlan,
        inputs: &[ExtendedStatistics],
    ) -> Result<StatisticsResult> {
        if !plan.is::<BoundedWindowAggExec>() && !plan.is::<WindowAggExec>() {
            return Ok(StatisticsResult::Delegate);
        }
        let rows = inputs.first().and_then(rows);
        Ok(rows.map_or(StatisticsResult::Delegate, |rows| about(plan, rows)))
    }
}

fn rows(of: &ExtendedStatistics) -> Option<usize> {
    of.base().num_rows.get_value().copied()
}

fn about(plan: &dyn ExecutionPlan, rows: usize) -> StatisticsResult {
    let mut statistics = Statistics::new_unknown(&plan.schema());
    statistics.num_rows = Precision::Inexact(rows);
    StatisticsResult::Computed(ExtendedStatistics::new(statistics))
}

#[cfg(test)]
mod tests {
    use arrow::util::display::array_value_to_string;

    use crate::tests::support::{APRIL, Bench, RIVER, river, small};

    /// The lines of the plan for the side that the outermost join keeps in memory.
    async fn kept_side(bench: &Bench, sql: &str) -> String {
        let shown = bench.batches(&format!("EXPLAIN {sql}")).await.unwrap();
        let rows = &shown[0];
        let plan = array_value_to_string(rows.column(1), rows.num_rows() - 1).unwrap();
        let depth = |line: &str| line.len() - line.trim_start().len();
        let mut below = plan.lines().skip_while(|line| !line.contains("HashJoinExec"));
        let inputs = depth(below.next().expect(&plan)) + 2;
        let mut kept: Vec<&str> = below.next().into_iter().collect();
        kept.extend(below.take_while(|line| depth(line) > inputs));
        kept.join("\n")
    }

    #[tokio::test]
    async fn the_side_with_fewer_rows_is_kept_in_memory() {
        let mut bench = Bench::new(small());
        let stations: Vec<_> = (0..40).map(|n| format!("s{n:02}")).collect();
        let stations: Vec<&str> = stations.iter().map(String::as_str).collect();
        bench.add("otaru.large", RIVER, &[river(&stations, APRIL, 500)]).await;
        bench.add("otaru.middle", RIVER, &[river(&stations, APRIL, 100)]).await;
        bench.add("otaru.list", RIVER, &[river(&stations, APRIL, 1)]).await;
        // Of the large dataset the level is read, of the middle one the discharge, of the list the samples.
        for (what, sql, kept, other) in [
            (
                "a join on a computed key has the rows of its larger side",
                "SELECT count(*) FROM otaru.large l
                 JOIN otaru.list s ON s.station = 's' || substr(l.station, 2) AND s.samples >= 0
                 JOIN otaru.middle m ON m.station = s.station AND length(m.discharge::text) = length(l.level::text)",
                "discharge",
                "level",
            ),
            (
                "a product has the rows of both",
                "SELECT count(*) FROM otaru.middle m
                 CROSS JOIN (VALUES (0), (1), (2), (3), (4), (5), (6), (7)) AS lags(lag)
                 JOIN otaru.large l ON l.station = m.station AND length(l.level::text) = length(m.discharge::text) - lag",
                "level",
                "discharge",
            ),
            (
                "a window has the rows that go into it",
                "SELECT sum(l.level), max(s.more) FROM otaru.large l JOIN
                 (SELECT station, samples - lag(samples) OVER (ORDER BY station) AS more FROM otaru.list) s
                 ON s.station = l.station",
                "samples",
                "level",
            ),
            (
                "a grouping has fewer rows than go into it",
                "SELECT count(m.discharge), max(g.more) FROM otaru.middle m JOIN
                 (SELECT station, level + 1 AS more, count(*) AS n FROM otaru.large GROUP BY 1, 2) g
                 ON g.station = m.station",
                "level",
                "discharge",
            ),
        ] {
            let side = kept_side(&bench, sql).await;
            assert!(side.contains(kept) && !side.contains(other), "{what}:\n{side}");
        }
    }
}

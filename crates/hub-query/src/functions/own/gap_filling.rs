//! What the catalog says of `time_bucket_gapfill`, `locf` and `interpolate`. They are not computed row by row:
//! a rule of the planner (`gapfill`) puts an operator in their place, and refuses them where it can't.

use arrow::array::ArrayRef;
use datafusion::common::Result;

use super::{Call, Definition, Gives, PLAIN, Takes};

/// The names by which the rule finds them.
pub(crate) const GAPFILL: &str = "time_bucket_gapfill";
pub(crate) const LOCF: &str = "locf";
pub(crate) const INTERPOLATE: &str = "interpolate";

const MAX_GAP: (&str, &str) = (
    "max_gap",
    "the greatest gap that is bridged, a constant of days or less such as INTERVAL '3 hours'; any gap where it is not given",
);

pub(super) const FUNCTIONS: &[&Definition] = &[
    &Definition {
        name: GAPFILL,
        title: GAPFILL,
        syntax: "time_bucket_gapfill(interval, time [, start, finish])",
        ja: "GROUP BYの中で使うtime_bucket。行のない区間も系列ごとに1行ずつ作り、集計値はNULLになる。範囲はstartから finishの前まで、またはWHEREの時刻の上下限、どちらもなければ系列の最初から最後まで。範囲の外の行も答えに残るので、WHEREでも時刻を絞る",
        en: "time_bucket for GROUP BY that leaves no bucket out: each series gets a row for every bucket, with NULL aggregates where there is no data. The range is from start to before finish, or what WHERE bounds the time to on both sides, or else each series' own first to last bucket. Rows outside of the range stay in the answer, so bound the time in WHERE too",
        arguments: &[
            ("interval", "a constant, as of time_bucket"),
            ("time", "a timestamp or a date"),
            ("start", "a time in the first bucket"),
            ("finish", "the time before which buckets begin"),
        ],
        example: (
            "SELECT count(*) FROM (SELECT time_bucket_gapfill('1 hour', t) AS hour, count(*) FROM (VALUES \
             (TIMESTAMP '2026-04-01 09:10:00'), (TIMESTAMP '2026-04-01 12:20:00')) v(t) GROUP BY 1)",
            "4",
        ),
        takes: &[Takes::Interval, Takes::Instant, Takes::Instant, Takes::Instant],
        optional: 2,
        gives: Gives::Same(1),
        work: |call| misplaced(call),
        ..PLAIN
    },
    &Definition {
        name: LOCF,
        title: LOCF,
        syntax: "locf(aggregate [, max_gap])",
        ja: "time_bucket_gapfillの空いた区間に、系列の直前の値を入れる（last observation carried forward）",
        en: "With time_bucket_gapfill: the last value of the series before, where a bucket has none (last observation carried forward)",
        arguments: &[("aggregate", "an expression of aggregates, such as avg(level)"), MAX_GAP],
        example: (
            "SELECT string_agg(v::text, ',') FROM (SELECT time_bucket_gapfill('1 hour', t) AS hour, \
             locf(sum(x)) AS v FROM (VALUES (TIMESTAMP '2026-04-01 09:10:00', 5), (TIMESTAMP '2026-04-01 \
             12:20:00', 8)) v(t, x) GROUP BY 1 ORDER BY 1)",
            "5,5,5,8",
        ),
        takes: &[Takes::Any, Takes::Interval],
        optional: 1,
        gives: Gives::Same(0),
        may_be_missing: true,
        work: |call| misplaced(call),
        ..PLAIN
    },
    &Definition {
        name: INTERPOLATE,
        title: INTERPOLATE,
        syntax: "interpolate(aggregate [, max_gap])",
        ja: "time_bucket_gapfillの空いた区間を、系列の前後の値から直線で補う",
        en: "With time_bucket_gapfill: a value on the straight line between the series' neighbours, where a bucket has none. Before the first value and after the last there is none",
        arguments: &[("aggregate", "a number made of aggregates, such as avg(level)"), MAX_GAP],
        example: (
            "SELECT string_agg(v::text, ',') FROM (SELECT time_bucket_gapfill('1 hour', t) AS hour, \
             interpolate(sum(x)) AS v FROM (VALUES (TIMESTAMP '2026-04-01 09:10:00', 5), (TIMESTAMP \
             '2026-04-01 12:20:00', 8)) v(t, x) GROUP BY 1 ORDER BY 1)",
            "5.0,6.0,7.0,8.0",
        ),
        takes: &[Takes::Number, Takes::Interval],
        optional: 1,
        gives: Gives::Number,
        may_be_missing: true,
        work: |call| misplaced(call),
        ..PLAIN
    },
];

/// The rule refuses a call that it can't place before any row is worked on.
fn misplaced(call: &Call<'_>) -> Result<ArrayRef> {
    Err(call.refused("belongs beside GROUP BY time_bucket_gapfill('1 hour', time)"))
}

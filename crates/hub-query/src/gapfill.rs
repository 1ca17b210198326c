//! `time_bucket_gapfill` with `locf` and `interpolate`: groups by a bucket of time in which no bucket is left
//! out.
//!
//! In SQL they look like functions. A rule ([`GapFills`]) finds the aggregate that is grouped by such a
//! bucket, groups it by the plain one, and puts a node over it that makes the missing rows; what `locf` and
//! `interpolate` are called on becomes a column under that node. The node runs as [`exec::GapFillExec`], a
//! stream over rows sorted by series and bucket.

mod analyze;
mod exec;
mod node;
mod planner;
mod series;

pub(crate) use analyze::GapFills;
pub(crate) use planner::GapFillPlanner;

use crate::error::QueryError;

/// Rows that one query may have made for buckets without data. It is far more than anybody looks at, and
/// little enough to be stopped before it is the whole calendar in seconds.
const MAX_MADE_ROWS: u64 = 10_000_000;

/// Where a gap's values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Hash)]
enum Fill {
    /// The last value before.
    Carried,
    /// The straight line between the values on both sides.
    Interpolated,
}

fn too_many() -> datafusion::common::DataFusionError {
    datafusion::common::DataFusionError::External(Box::new(QueryError::complex(format!(
        "filling the gaps makes more than {MAX_MADE_ROWS} rows; take longer buckets, a shorter range of time \
         or fewer series"
    ))))
}

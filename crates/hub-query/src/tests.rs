//! Tests of the engine as its callers see it.

mod align;
mod answers;
mod asof;
mod dialect;
mod diff;
mod functions;
mod gapfill;
mod hostile;
mod latest;
mod limits;
mod lineage;
mod messages;
mod numbers;
mod output;
mod paging;
mod point;
mod quality;
mod rollup_files;
mod rollups;
mod scan;
mod shapes;
mod spatial;
pub(crate) mod support;
mod units;
mod unknown_in;

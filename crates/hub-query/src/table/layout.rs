//! How the files of a scan are spread over partitions, and whether each partition is sorted.

use arrow::compute::SortOptions;
use datafusion::{
    common::{Result, Statistics, stats::Precision},
    datasource::{
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfig},
    },
    physical_expr::{LexOrdering, PhysicalSortExpr},
    physical_plan::expressions::Column,
};

use super::Prepared;

/// More sorted partitions than this cost more in open files than their order saves in sorting.
const MAX_SORTED_GROUPS: usize = 48;

/// The files of one scan.
pub(crate) struct Layout {
    pub(crate) groups: Vec<FileGroup>,
    /// The order of the rows inside every group, in terms of the scan's schema.
    pub(crate) ordering: Option<LexOrdering>,
    pub(crate) statistics: Statistics,
}

/// Spreads files over `partitions` groups, more where that keeps each group sorted.
pub(crate) fn arrange(
    prepared: &Prepared,
    files: Vec<PartitionedFile>,
    partitions: usize,
) -> Result<Layout> {
    let statistics = Statistics::try_merge_iter(
        files.iter().filter_map(|file| file.statistics.as_deref()),
        &prepared.scan_schema,
    )?;
    let whole = vec![FileGroup::new(files)];
    if let Some(ordering) = ordering(prepared) {
        let groups = if whole[0].len() == 1 {
            Some(whole.clone())
        } else if bounds_tell_order(prepared, &whole[0]) {
            Some(FileScanConfig::split_groups_by_statistics_with_target_partitions(
                &prepared.scan_schema,
                &whole,
                &ordering,
                partitions,
            )?)
        } else {
            // One file to a group is sorted whatever the bounds say.
            Some(whole[0].iter().map(|file| FileGroup::new(vec![file.clone()])).collect())
        };
        if let Some(groups) = groups.filter(|groups| groups.len() <= MAX_SORTED_GROUPS) {
            return Ok(Layout { groups, ordering: Some(ordering), statistics });
        }
    }
    let groups = whole.into_iter().flat_map(|group| group.split_files(partitions)).collect();
    Ok(Layout { groups, ordering: None, statistics })
}

fn ordering(prepared: &Prepared) -> Option<LexOrdering> {
    LexOrdering::new(prepared.sorted_by.iter().map(|index| {
        let name = prepared.scan_schema.field(*index).name();
        PhysicalSortExpr::new(
            std::sync::Arc::new(Column::new(name, *index)),
            SortOptions { descending: false, nulls_first: false },
        )
    }))
}

/// Bounds say nothing of rows without a value, which come last: where a sort column may be empty, two
/// files in a row could be out of order although their bounds do not overlap.
fn bounds_tell_order(prepared: &Prepared, files: &FileGroup) -> bool {
    files.iter().all(|file| {
        file.statistics.as_ref().is_some_and(|statistics| {
            prepared.sorted_by.iter().all(|index| {
                let column = &statistics.column_statistics[*index];
                column.null_count == Precision::Exact(0)
                    && column.min_value.get_value().is_some()
                    && column.max_value.get_value().is_some()
            })
        })
    })
}

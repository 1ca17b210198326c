//! The right side held in memory: for every key its times in order. Left rows look up theirs in any order,
//! partition by partition, so the left side is neither sorted nor moved.

use std::{collections::HashMap, ops::Range, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, RecordBatchOptions, UInt32Array},
    buffer::NullBuffer,
    compute::concat,
    datatypes::{DataType, SchemaRef},
};
use datafusion::{
    common::{
        DataFusionError, Result, internal_datafusion_err, resources_datafusion_err,
        runtime::SpawnedTask,
    },
    execution::{TaskContext, memory_pool::MemoryReservation},
    physical_plan::{ExecutionPlan, ExecutionPlanProperties},
};
use futures::StreamExt;

use super::{
    sides::{Compared, Matching, Side},
    ties::Rank,
};

/// After so many keys the build lets others work.
const KEYS_A_TURN: usize = 256;

/// Every right row that can be a match.
#[derive(Debug)]
pub(super) struct Index {
    /// Where each key's rows are, by the key's bytes; the empty key has all where there are no keys.
    groups: HashMap<Box<[u8]>, Range<usize>>,
    /// Ascending within a key.
    times: Vec<i64>,
    /// The place of each among `columns`.
    rows: Vec<u32>,
    columns: Vec<ArrayRef>,
    _memory: MemoryReservation,
}

impl Index {
    /// Reads all of the right side.
    pub(super) async fn build(
        right: Arc<dyn ExecutionPlan>,
        matching: &Matching,
        context: Arc<TaskContext>,
        memory: MemoryReservation,
    ) -> Result<Self> {
        let schema = right.schema();
        let memory = Arc::new(memory);
        let mut tasks = Vec::new();
        for partition in 0..right.output_partitioning().partition_count() {
            let stream = right.execute(partition, Arc::clone(&context))?;
            let work =
                collect(stream, matching.right.clone(), Arc::clone(&schema), Arc::clone(&memory));
            tasks.push(SpawnedTask::spawn(work));
        }
        let mut parts = Vec::new();
        for task in tasks {
            parts.extend(task.join().await.map_err(|e| DataFusionError::External(Box::new(e)))??);
        }
        drop(right);
        let memory = Arc::into_inner(memory)
            .ok_or_else(|| internal_datafusion_err!("a part of the right side is still read"))?;
        Self::of(parts, &schema, memory).await
    }

    async fn of(
        mut parts: Vec<(RecordBatch, Compared)>,
        schema: &SchemaRef,
        memory: MemoryReservation,
    ) -> Result<Self> {
        let total: usize = parts.iter().map(|(batch, _)| batch.num_rows()).sum();
        if u32::try_from(total).is_err() {
            return Err(resources_datafusion_err!("too many rows on the right of an as-of join"));
        }
        memory.try_grow(total * (size_of::<i64>() + size_of::<u32>()))?;
        let mut sorted = Placed::new(total, &parts);
        sorted.place(&parts).await;
        parts.iter_mut().for_each(|(_, compared)| compared.forget());
        let columns = columns(&mut parts, schema, &memory)?;
        drop(parts);
        sorted.order(&columns, schema).await?;
        let kept = columns.iter().map(|column| column.get_array_memory_size()).sum::<usize>();
        let entries = total * (size_of::<i64>() + size_of::<u32>());
        memory.try_resize(kept + entries)?;
        let Placed { groups, times, rows, .. } = sorted;
        Ok(Self { groups, times, rows, columns, _memory: memory })
    }

    /// For each left row the place of its match among the right columns.
    pub(super) fn matches(&self, left: &Compared, matching: &Matching) -> UInt32Array {
        let mut rows = Vec::with_capacity(left.times.len());
        let mut found = Vec::with_capacity(left.times.len());
        for (run, range) in left.runs.iter().enumerate() {
            let key = left.key(run);
            let key = key.as_ref().map_or(&[][..], |key| key.as_ref());
            let group = if left.has_key(run) { self.groups.get(key) } else { None };
            let group = group.cloned().unwrap_or_default();
            let times = &self.times[group.clone()];
            let mut passed = 0;
            for row in range.clone() {
                let place = left.time(row).and_then(|time| {
                    passed = pass(times, passed, time, matching.direction.passes_equal());
                    let place = if matching.direction.looks_back() {
                        passed.checked_sub(1)?
                    } else {
                        passed
                    };
                    let matched = *times.get(place)?;
                    matching.gap.is_none_or(|gap| gap.holds(time, matched)).then_some(place)
                });
                rows.push(place.map_or(0, |place| self.rows[group.start + place]));
                found.push(place.is_some());
            }
        }
        UInt32Array::new(rows.into(), Some(NullBuffer::from(found)))
    }

    pub(super) fn column(&self, column: usize) -> &ArrayRef {
        &self.columns[column]
    }
}

/// How many of the times come before this one, or with it where `equal` is set. It is mostly a little after
/// the one before, which `passed` times come before.
fn pass(times: &[i64], passed: usize, time: i64, equal: bool) -> usize {
    let before = |other: &i64| *other < time || equal && *other == time;
    if passed > 0 && !before(&times[passed - 1]) {
        return times[..passed].partition_point(before);
    }
    let mut step = 1;
    let mut from = passed;
    while let Some(other) = times.get(from + step - 1) {
        if !before(other) {
            break;
        }
        from += step;
        step *= 2;
    }
    let to = times.len().min(from + step);
    from + times[from..to].partition_point(before)
}

async fn collect(
    mut stream: datafusion::physical_plan::SendableRecordBatchStream,
    side: Side,
    schema: SchemaRef,
    memory: Arc<MemoryReservation>,
) -> Result<Vec<(RecordBatch, Compared)>> {
    let converter = side.converter(&schema)?;
    let mut parts = Vec::new();
    while let Some(batch) = stream.next().await {
        let (batch, compared) = side.matchable(compacted(batch?)?, converter.as_ref())?;
        if batch.num_rows() == 0 {
            continue;
        }
        memory.try_grow(batch.get_array_memory_size() + compared.size())?;
        parts.push((batch, compared));
    }
    Ok(parts)
}

/// Views as they are read refer to whole pages; what is kept holds its own texts only.
pub(super) fn compacted(batch: RecordBatch) -> Result<RecordBatch> {
    let schema = batch.schema();
    let rows = batch.num_rows();
    let columns = batch.columns().iter().map(own_texts).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema, columns, &options)?)
}

/// A column whose views refer to no texts but its own.
pub(super) fn own_texts(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Utf8View if !column.as_string_view().data_buffers().is_empty() => {
            Arc::new(column.as_string_view().gc())
        }
        DataType::BinaryView if !column.as_binary_view().data_buffers().is_empty() => {
            Arc::new(column.as_binary_view().gc())
        }
        _ => Arc::clone(column),
    }
}

/// Joins the parts column by column, so that only one column is there twice at once.
fn columns(
    parts: &mut [(RecordBatch, Compared)],
    schema: &SchemaRef,
    memory: &MemoryReservation,
) -> Result<Vec<ArrayRef>> {
    let mut columns = Vec::with_capacity(schema.fields().len());
    for field in schema.fields() {
        let mut pieces = Vec::with_capacity(parts.len());
        for (batch, _) in parts.iter_mut() {
            pieces.push(batch.remove_column(0));
        }
        let size: usize = pieces.iter().map(|piece| piece.get_array_memory_size()).sum();
        memory.try_grow(size)?;
        let borrowed: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
        columns.push(if borrowed.is_empty() {
            arrow::array::new_empty_array(field.data_type())
        } else {
            concat(&borrowed)?
        });
        memory.shrink(size);
    }
    Ok(columns)
}

/// The rows on their way to their places.
struct Placed {
    groups: HashMap<Box<[u8]>, Range<usize>>,
    /// The key of every run, in the order of the parts.
    run_groups: Vec<u32>,
    starts: Vec<usize>,
    times: Vec<i64>,
    rows: Vec<u32>,
}

impl Placed {
    /// Finds the keys and how many rows each has.
    fn new(total: usize, parts: &[(RecordBatch, Compared)]) -> Self {
        let mut numbers: HashMap<Box<[u8]>, u32> = HashMap::new();
        let mut counts: Vec<usize> = Vec::new();
        let mut run_groups = Vec::new();
        for (_, compared) in parts {
            for (run, range) in compared.runs.iter().enumerate() {
                let key = compared.key(run);
                let key = key.as_ref().map_or(&[][..], |key| key.as_ref());
                let group = match numbers.get(key) {
                    Some(group) => *group,
                    None => {
                        // There are no more keys than rows, which are counted by the caller.
                        let group = u32::try_from(counts.len()).unwrap_or(u32::MAX);
                        numbers.insert(key.into(), group);
                        counts.push(0);
                        group
                    }
                };
                counts[group as usize] += range.len();
                run_groups.push(group);
            }
        }
        let mut start = 0;
        let ranges: Vec<Range<usize>> = counts
            .iter()
            .map(|count| {
                let range = start..start + count;
                start = range.end;
                range
            })
            .collect();
        let starts = ranges.iter().map(|range| range.start).collect();
        let groups = numbers.into_iter().map(|(key, group)| (key, ranges[group as usize].clone()));
        Self {
            groups: groups.collect(),
            run_groups,
            starts,
            times: vec![0; total],
            rows: vec![0; total],
        }
    }

    /// Puts every row to its key, in the order in which they came.
    async fn place(&mut self, parts: &[(RecordBatch, Compared)]) {
        let mut ends = std::mem::take(&mut self.starts);
        let mut groups = std::mem::take(&mut self.run_groups).into_iter();
        let mut base = 0_u32;
        for (batch, compared) in parts {
            tokio::task::yield_now().await;
            for (range, group) in compared.runs.iter().zip(&mut groups) {
                let to = ends[group as usize]..ends[group as usize] + range.len();
                ends[group as usize] = to.end;
                self.times[to.clone()].copy_from_slice(&compared.times[range.clone()]);
                let first = base + u32::try_from(range.start).unwrap_or(0);
                self.rows[to].iter_mut().zip(first..).for_each(|(place, row)| *place = row);
            }
            base += u32::try_from(batch.num_rows()).unwrap_or(0);
        }
    }

    /// Brings each key's rows into the order of time; of equal times every one gets the row that counts.
    async fn order(&mut self, columns: &[ArrayRef], schema: &SchemaRef) -> Result<()> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows.len()));
        let all =
            RecordBatch::try_new_with_options(Arc::clone(schema), columns.to_vec(), &options)?;
        let rank = Rank::between(&all, &all);
        for (turn, range) in self.groups.values().enumerate() {
            if turn % KEYS_A_TURN == 0 {
                tokio::task::yield_now().await;
            }
            let times = &mut self.times[range.clone()];
            let rows = &mut self.rows[range.clone()];
            if !times.is_sorted() {
                let mut pairs: Vec<(i64, u32)> =
                    times.iter().copied().zip(rows.iter().copied()).collect();
                // It finds the stretches that are in order, which is how files bring them.
                pairs.sort();
                for ((time, row), pair) in times.iter_mut().zip(rows.iter_mut()).zip(pairs) {
                    (*time, *row) = pair;
                }
            }
            let mut first = 0;
            while first < times.len() {
                let equal = times[first..].iter().take_while(|time| **time == times[first]).count();
                if equal > 1 {
                    let tied = &mut rows[first..first + equal];
                    let best =
                        tied.iter().copied().max_by(|a, b| rank.compare(*a as usize, *b as usize));
                    tied.fill(best.unwrap_or_default());
                }
                first += equal;
            }
        }
        Ok(())
    }
}

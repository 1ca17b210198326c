//! Both sides in the order of keys and times, read past one another: what is held of either side is a batch
//! and the right rows that the rows not yet handed out matched. Sides that are not in order are sorted
//! before, on disk where memory is short.

mod right;

use std::{cmp::Ordering, sync::Arc};

use arrow::{
    array::{BooleanArray, RecordBatch},
    compute::filter_record_batch,
    row::{OwnedRow, RowConverter},
};
use datafusion::{
    common::Result,
    execution::memory_pool::MemoryReservation,
    physical_plan::{SendableRecordBatchStream, metrics::BaselineMetrics},
};
use futures::StreamExt;

use super::{
    Kind,
    exec::Output,
    sides::{Compared, Matching},
};
use right::{Found, Head, Right};

/// When so many right batches are held, matched rows are handed out and what was passed is let go of.
const MAX_HELD: usize = 8;

/// Merges one partition of both sides.
pub(super) struct Merge {
    matching: Arc<Matching>,
    output: Output,
    left: SendableRecordBatchStream,
    left_keys: Option<RowConverter>,
    current: Option<Left>,
    right: Right,
    /// The key of the left rows under way; none before the first, and where there are no keys.
    key: Option<OwnedRow>,
    /// The last right row of that key that was passed.
    candidate: Option<Found>,
    memory: MemoryReservation,
    metrics: BaselineMetrics,
}

/// A left batch under way.
struct Left {
    batch: RecordBatch,
    compared: Compared,
    run: usize,
    row: usize,
    /// Rows that were handed out.
    done: usize,
    /// The matches of the rows since.
    matches: Vec<Option<Found>>,
}

enum Step {
    /// The left batch is through.
    Done,
    /// More of the right side must be read first.
    More,
}

impl Merge {
    pub(super) fn new(
        matching: Arc<Matching>,
        output: Output,
        left: SendableRecordBatchStream,
        right: SendableRecordBatchStream,
        memory: MemoryReservation,
        metrics: BaselineMetrics,
    ) -> Result<Self> {
        Ok(Self {
            left_keys: matching.left.converter(&left.schema())?,
            right: Right::new(right, matching.right.clone())?,
            matching,
            output,
            left,
            current: None,
            key: None,
            candidate: None,
            memory,
            metrics,
        })
    }

    /// The next rows of the answer; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.current.is_none() {
                let Some(batch) = self.left.next().await else { return Ok(None) };
                let batch = batch?;
                let compared = self.matching.left.compared(&batch, self.left_keys.as_ref())?;
                self.current =
                    Some(Left { batch, compared, run: 0, row: 0, done: 0, matches: Vec::new() });
            }
            let time = self.metrics.elapsed_compute().clone();
            let timer = time.timer();
            let step = self.advance();
            timer.done();
            let ready = match step {
                Step::Done => {
                    let ready = self.hand_out()?;
                    self.current = None;
                    ready
                }
                Step::More => {
                    let full = self.right.held() >= MAX_HELD;
                    let ready = if full { self.hand_out()? } else { None };
                    if ready.is_none() {
                        self.right.read(&self.memory).await?;
                    }
                    ready
                }
            };
            if let Some(ready) = ready {
                return Ok(Some(ready));
            }
        }
    }

    /// Goes on until the left batch is through or more of the right side is needed.
    fn advance(&mut self) -> Step {
        let Self { current: Some(left), right, key, candidate, matching, .. } = self else {
            return Step::Done;
        };
        let direction = matching.direction;
        while left.row < left.batch.num_rows() {
            while left.compared.runs[left.run].end <= left.row {
                left.run += 1;
            }
            let range = left.compared.runs[left.run].clone();
            if !left.compared.has_key(left.run) {
                left.matches.extend(std::iter::repeat_n(None, range.end - left.row));
                left.row = range.end;
                continue;
            }
            let left_key = left.compared.key(left.run);
            if key.as_ref().map(OwnedRow::row) != left_key {
                *key = left_key.map(|key| key.owned());
                *candidate = None;
            }
            // Whether the right side's next row is of this key.
            let beside = loop {
                match right.head() {
                    Head::More => return Step::More,
                    Head::End => break false,
                    Head::Row => match right.key().cmp(&left_key) {
                        Ordering::Less => right.skip_run(),
                        other => break other == Ordering::Equal,
                    },
                }
            };
            if !beside && candidate.is_none() {
                left.matches.extend(std::iter::repeat_n(None, range.end - left.row));
                left.row = range.end;
                continue;
            }
            while left.row < range.end {
                let Some(time) = left.compared.time(left.row) else {
                    left.matches.push(None);
                    left.row += 1;
                    continue;
                };
                let next = loop {
                    match right.head() {
                        Head::More => return Step::More,
                        Head::End => break None,
                        Head::Row if right.key() != left_key => break None,
                        Head::Row => {}
                    }
                    let (passed, all) = right.pass(time, direction.passes_equal());
                    if passed.is_some() {
                        *candidate = passed;
                    }
                    if !all {
                        break Some(right.found());
                    }
                };
                let found = if direction.looks_back() { *candidate } else { next };
                left.matches
                    .push(found.filter(|found| {
                        matching.gap.is_none_or(|gap| gap.holds(time, found.time))
                    }));
                left.row += 1;
            }
        }
        Step::Done
    }

    /// The left rows that have come to their matches, with these.
    fn hand_out(&mut self) -> Result<Option<RecordBatch>> {
        let Some(left) = &mut self.current else { return Ok(None) };
        let matches = std::mem::take(&mut left.matches);
        let mut rows = left.batch.slice(left.done, matches.len());
        left.done += matches.len();
        let matches = match self.output.kind {
            Kind::Left => matches,
            Kind::Inner => {
                let matched: BooleanArray = matches.iter().map(|m| Some(m.is_some())).collect();
                rows = filter_record_batch(&rows, &matched)?;
                matches.into_iter().filter(Option::is_some).collect()
            }
        };
        let batch = if rows.num_rows() == 0 {
            None
        } else {
            let right = &self.right;
            Some(self.output.assemble(&rows, |column| right.gather(column, &matches))?)
        };
        self.right.release(self.candidate.map(|found| found.batch), &self.memory)?;
        Ok(batch)
    }
}

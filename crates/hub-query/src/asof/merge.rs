//! Both sides in the order of keys and times, read past one another: what is held of either side is a batch
//! and the right rows that the rows not yet handed out matched. Sides that are not in order are sorted
//! before, on disk where memory is short.

use std::{cmp::Ordering, collections::VecDeque, sync::Arc};

use arrow::{
    array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array, new_null_array},
    compute::{filter_record_batch, interleave, take},
    row::{OwnedRow, RowConverter},
};
use datafusion::{
    common::{Result, internal_err},
    execution::memory_pool::MemoryReservation,
    physical_plan::{SendableRecordBatchStream, metrics::BaselineMetrics},
};
use futures::StreamExt;

use super::{
    Kind,
    exec::Output,
    lookup::compacted,
    sides::{Compared, Matching, Side},
    ties::Rank,
};

/// When so many right batches are held, matched rows are handed out and what was passed is let go of.
const MAX_HELD: usize = 8;

/// A right row: the number of its batch, its place there, and its time.
#[derive(Debug, Clone, Copy)]
struct Found {
    batch: usize,
    row: usize,
    time: i64,
}

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
                    let full = self.right.held.len() >= MAX_HELD;
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

/// A right batch of which every row has a key and a time of its own.
struct Held {
    batch: RecordBatch,
    compared: Compared,
    /// Of equal rows at the border of two batches one is left out by moving these.
    start: usize,
    end: usize,
    bytes: usize,
}

/// The right side, read batch by batch and passed row by row.
struct Right {
    stream: SendableRecordBatchStream,
    side: Side,
    keys: Option<RowConverter>,
    held: VecDeque<Held>,
    /// The number of the first batch that is held.
    first: usize,
    /// Where the next row is: the batch among the held ones, its run and row.
    batch: usize,
    run: usize,
    row: usize,
    ended: bool,
}

/// What comes next on the right side.
enum Head {
    Row,
    /// It is not read yet. The last row that is read waits for the next one, which may be its equal.
    More,
    End,
}

impl Right {
    fn new(stream: SendableRecordBatchStream, side: Side) -> Result<Self> {
        Ok(Self {
            keys: side.converter(&stream.schema())?,
            stream,
            side,
            held: VecDeque::new(),
            first: 0,
            batch: 0,
            run: 0,
            row: 0,
            ended: false,
        })
    }

    /// The first row after those that may be passed in the batch under way.
    fn end(&self) -> usize {
        let Some(held) = self.held.get(self.batch) else { return 0 };
        let waits = !self.ended && self.batch + 1 == self.held.len();
        held.end - usize::from(waits && held.end > held.start)
    }

    fn head(&mut self) -> Head {
        while self.row >= self.end() {
            if self.batch + 1 >= self.held.len() {
                return if self.ended { Head::End } else { Head::More };
            }
            self.batch += 1;
            self.run = 0;
            self.row = self.held[self.batch].start;
        }
        let runs = &self.held[self.batch].compared.runs;
        while runs[self.run].end <= self.row {
            self.run += 1;
        }
        Head::Row
    }

    fn key(&self) -> Option<arrow::row::Row<'_>> {
        self.held[self.batch].compared.key(self.run)
    }

    fn found(&self) -> Found {
        let time = self.held[self.batch].compared.times[self.row];
        Found { batch: self.first + self.batch, row: self.row, time }
    }

    fn skip_run(&mut self) {
        self.row = self.held[self.batch].compared.runs[self.run].end.min(self.end());
    }

    /// Passes the rows of this run that come before a time; returns the last of them, and whether the run
    /// has no more in this batch.
    fn pass(&mut self, time: i64, equal: bool) -> (Option<Found>, bool) {
        let end = self.held[self.batch].compared.runs[self.run].end.min(self.end());
        let times = &self.held[self.batch].compared.times[self.row..end];
        let before = |other: &&i64| **other < time || equal && **other == time;
        let passed = times.iter().take_while(before).count();
        let all = passed == times.len();
        if passed == 0 {
            return (None, all);
        }
        self.row += passed - 1;
        let last = self.found();
        self.row += 1;
        (Some(last), all)
    }

    /// Reads one more batch.
    async fn read(&mut self, memory: &MemoryReservation) -> Result<()> {
        let Some(batch) = self.stream.next().await else {
            self.ended = true;
            return Ok(());
        };
        let (batch, compared) = self.side.matchable(compacted(batch?)?, self.keys.as_ref())?;
        let (batch, compared) = self.without_ties(batch, compared)?;
        if batch.num_rows() == 0 {
            return Ok(());
        }
        let bytes = batch.get_array_memory_size() + compared.size();
        let mut next = Held { start: 0, end: batch.num_rows(), batch, compared, bytes };
        if let Some(last) = self.held.back_mut()
            && last.end > last.start
            && last.compared.times[last.end - 1] == next.compared.times[0]
            && last.compared.key(last.compared.runs.len() - 1) == next.compared.key(0)
        {
            let rank = Rank::between(&last.batch, &next.batch);
            if rank.compare(last.end - 1, 0).is_lt() {
                last.end -= 1;
            } else {
                next.start = 1;
            }
        }
        memory.try_grow(bytes)?;
        if next.start < next.end {
            self.held.push_back(next);
        } else {
            memory.shrink(bytes);
        }
        Ok(())
    }

    /// Leaves one of several rows with one key and one time.
    fn without_ties(
        &self,
        batch: RecordBatch,
        compared: Compared,
    ) -> Result<(RecordBatch, Compared)> {
        let times = &compared.times;
        let tied =
            |run: &std::ops::Range<usize>| times[run.clone()].windows(2).any(|t| t[0] == t[1]);
        if !compared.runs.iter().any(tied) {
            return Ok((batch, compared));
        }
        let rank = Rank::between(&batch, &batch);
        let mut keep = vec![true; batch.num_rows()];
        for run in &compared.runs {
            let mut best = run.start;
            for row in run.clone().skip(1) {
                if times[row] != times[best] {
                    best = row;
                } else if rank.compare(best, row).is_lt() {
                    keep[best] = false;
                    best = row;
                } else {
                    keep[row] = false;
                }
            }
        }
        let batch = filter_record_batch(&batch, &BooleanArray::from(keep))?;
        let compared = self.side.compared(&batch, self.keys.as_ref())?;
        Ok((batch, compared))
    }

    /// The values of a column for these matches.
    fn gather(&self, column: usize, matches: &[Option<Found>]) -> Result<ArrayRef> {
        let mut batches = matches.iter().flatten().map(|found| found.batch);
        let first = batches.next();
        if let Some(only) = first.filter(|first| batches.all(|batch| batch == *first)) {
            let rows: UInt32Array = matches
                .iter()
                .map(|found| found.and_then(|found| u32::try_from(found.row).ok()))
                .collect();
            let values = self.held[only - self.first].batch.column(column);
            return Ok(take(values, &rows, None)?);
        }
        let data_type = self.stream.schema().field(column).data_type().clone();
        if first.is_none() {
            return Ok(new_null_array(&data_type, matches.len()));
        }
        let nothing = new_null_array(&data_type, 1);
        let held = self.held.iter().map(|held| held.batch.column(column).as_ref());
        let values: Vec<&dyn Array> = held.chain([nothing.as_ref()]).collect();
        let places: Vec<(usize, usize)> = matches
            .iter()
            .map(|found| match found {
                Some(found) => (found.batch - self.first, found.row),
                None => (self.held.len(), 0),
            })
            .collect();
        Ok(interleave(&values, &places)?)
    }

    /// Lets go of batches that were passed and hold no candidate.
    fn release(&mut self, candidate: Option<usize>, memory: &MemoryReservation) -> Result<()> {
        let needed = candidate.map_or(self.batch, |number| self.batch.min(number - self.first));
        for _ in 0..needed {
            let Some(passed) = self.held.pop_front() else {
                return internal_err!("the right side of an as-of join was passed too far");
            };
            memory.shrink(passed.bytes);
        }
        self.first += needed;
        self.batch -= needed;
        Ok(())
    }
}

//! The right side of a merge, read batch by batch and passed row by row.

use std::collections::VecDeque;

use arrow::{
    array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array, new_null_array},
    compute::{filter_record_batch, interleave, take},
    row::RowConverter,
};
use datafusion::{
    common::{Result, internal_err},
    execution::memory_pool::MemoryReservation,
    physical_plan::SendableRecordBatchStream,
};
use futures::StreamExt;

use super::super::{
    lookup::compacted,
    sides::{Compared, Side},
    ties::Rank,
};

/// A right row: the number of its batch, its place there, and its time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Found {
    pub(super) batch: usize,
    pub(super) row: usize,
    pub(super) time: i64,
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

/// The batches that are held, and how far they were passed.
pub(super) struct Right {
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
pub(super) enum Head {
    Row,
    /// It is not read yet. The last row that is read waits for the next one, which may be its equal.
    More,
    End,
}

impl Right {
    pub(super) fn new(stream: SendableRecordBatchStream, side: Side) -> Result<Self> {
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

    /// How many batches are held.
    pub(super) fn held(&self) -> usize {
        self.held.len()
    }

    /// The first row after those that may be passed in the batch under way.
    fn end(&self) -> usize {
        let Some(held) = self.held.get(self.batch) else { return 0 };
        let waits = !self.ended && self.batch + 1 == self.held.len();
        held.end - usize::from(waits && held.end > held.start)
    }

    pub(super) fn head(&mut self) -> Head {
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

    pub(super) fn key(&self) -> Option<arrow::row::Row<'_>> {
        self.held[self.batch].compared.key(self.run)
    }

    pub(super) fn found(&self) -> Found {
        let time = self.held[self.batch].compared.times[self.row];
        Found { batch: self.first + self.batch, row: self.row, time }
    }

    pub(super) fn skip_run(&mut self) {
        self.row = self.held[self.batch].compared.runs[self.run].end.min(self.end());
    }

    /// Passes the rows of this run that come before a time; returns the last of them, and whether the run
    /// has no more in this batch.
    pub(super) fn pass(&mut self, time: i64, equal: bool) -> (Option<Found>, bool) {
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
    pub(super) async fn read(&mut self, memory: &MemoryReservation) -> Result<()> {
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
    pub(super) fn gather(&self, column: usize, matches: &[Option<Found>]) -> Result<ArrayRef> {
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
    pub(super) fn release(
        &mut self,
        candidate: Option<usize>,
        memory: &MemoryReservation,
    ) -> Result<()> {
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

//! Dividing a chunk of rows by stretches of time, and sending chunks to the scratch file.
//!
//! A stretch is a power of two of microseconds (or days, or years) long and begins at a multiple of its
//! length, so that stretches of different chunks nest. How long it is follows from the rows: the finest
//! length that gives a chunk few enough stretches.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread::JoinHandle,
};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch, UInt32Array},
    compute::{concat_batches, take_record_batch},
    datatypes::{Date32Type, Int32Type, TimestampMicrosecondType},
};
use arrow_schema::DataType;

use crate::{
    LakeError,
    stage::{
        Plan,
        scratch::{ScratchFile, ScratchWriter},
        stopped,
    },
};

/// Into how many stretches a chunk is divided at most.
const STRETCHES: usize = 192;
/// The finest stretch of instants, 2^32 µs: a little over an hour.
const FINEST_INSTANT: u32 = 32;
/// The stretch of rows without a time.
const NO_TIME: i64 = i64::MAX;

/// Bytes that a batch's rows take.
pub(crate) fn bytes(batch: &RecordBatch) -> usize {
    let sizes = batch.columns().iter().map(|column| column.to_data().get_slice_memory_size());
    sizes.map(|size| size.unwrap_or_default()).sum()
}

/// Rows of one chunk that fall into one stretch.
pub(crate) struct Piece {
    /// The time column's values shifted right by `level` are all this.
    pub(crate) stretch: i64,
    pub(crate) level: u32,
    pub(crate) rows: usize,
    pub(crate) bytes: usize,
    pub(crate) place: Place,
}

impl Piece {
    /// The stretch in which this one lies at a coarser level.
    pub(crate) fn at_level(&self, level: u32) -> i64 {
        if self.stretch == NO_TIME { NO_TIME } else { self.stretch >> (level - self.level) }
    }
}

/// Where a piece's rows are.
pub(crate) enum Place {
    Memory(RecordBatch),
    Scratch(usize),
}

/// Divides chunks, one after another.
pub(crate) struct Divider {
    plan: Arc<Plan>,
    /// The length of stretches so far; it only grows.
    level: u32,
}

impl Divider {
    pub(crate) fn new(plan: Arc<Plan>) -> Self {
        let level = match plan.time.map(|time| plan.schema.field(time).data_type()) {
            Some(DataType::Timestamp(..)) => FINEST_INSTANT,
            _ => 0,
        };
        Self { plan, level }
    }

    /// Divides a chunk and hands its pieces on, in the order of time.
    pub(crate) fn divide(
        &mut self,
        chunk: Vec<RecordBatch>,
        mut give: impl FnMut(RecordBatch) -> Result<Place, LakeError>,
        pieces: &mut Vec<Piece>,
    ) -> Result<(), LakeError> {
        let failed = LakeError::rows(self.plan.dataset(), "sorted");
        let rows = concat_batches(&self.plan.waiting, &chunk).map_err(failed)?;
        drop(chunk);
        let stretches = match self.plan.time {
            Some(time) => self.stretches(rows.column(time)),
            None => vec![0; rows.num_rows()],
        };
        let distinct: Vec<i64> = runs(&stretches).collect::<BTreeSet<_>>().into_iter().collect();
        let level = self.level;
        let mut add = |stretch: i64, batch: RecordBatch| {
            let (rows, bytes) = (batch.num_rows(), bytes(&batch));
            pieces.push(Piece { stretch, level, rows, bytes, place: give(batch)? });
            Ok::<_, LakeError>(())
        };
        if stretches.is_sorted() {
            let mut from = 0;
            for stretch in distinct {
                let to = from + stretches[from..].partition_point(|s| *s <= stretch);
                add(stretch, rows.slice(from, to - from))?;
                from = to;
            }
            return Ok(());
        }
        let indices = group(&stretches, &distinct);
        drop(stretches);
        for (stretch, indices) in distinct.into_iter().zip(indices) {
            let failed = LakeError::rows(self.plan.dataset(), "sorted");
            let batch = take_record_batch(&rows, &UInt32Array::from(indices)).map_err(failed)?;
            add(stretch, batch)?;
        }
        Ok(())
    }

    /// Each row's stretch, at a level that gives few enough of them.
    fn stretches(&mut self, time: &ArrayRef) -> Vec<i64> {
        let mut stretches = shifted(time, self.level);
        let mut distinct: BTreeSet<i64> = runs(&stretches).collect();
        let before = self.level;
        while distinct.len() > STRETCHES && self.level < 62 {
            self.level += 1;
            distinct = distinct.into_iter().map(|s| shift(s, 1)).collect();
        }
        let by = self.level - before;
        if by > 0 {
            for stretch in &mut stretches {
                *stretch = shift(*stretch, by);
            }
        }
        stretches
    }
}

fn shift(stretch: i64, by: u32) -> i64 {
    if stretch == NO_TIME { NO_TIME } else { stretch >> by }
}

/// Each row's time as a number in its column's own unit; one without a time is later than all.
pub(crate) fn times(time: &ArrayRef) -> Vec<i64> {
    shifted(time, 0)
}

fn shifted(time: &ArrayRef, level: u32) -> Vec<i64> {
    let of = |values: &mut dyn Iterator<Item = Option<i64>>| {
        values.map(|value| value.map_or(NO_TIME, |value| value >> level)).collect()
    };
    match time.data_type() {
        DataType::Timestamp(..) => of(&mut time.as_primitive::<TimestampMicrosecondType>().iter()),
        DataType::Date32 => {
            of(&mut time.as_primitive::<Date32Type>().iter().map(|v| v.map(i64::from)))
        }
        DataType::Int32 => {
            of(&mut time.as_primitive::<Int32Type>().iter().map(|v| v.map(i64::from)))
        }
        _ => vec![0; time.len()],
    }
}

/// The values without immediate repetitions.
fn runs(values: &[i64]) -> impl Iterator<Item = i64> {
    values.chunk_by(|a, b| a == b).map(|run| run[0])
}

/// The row indices of each stretch, in the rows' own order.
fn group(stretches: &[i64], distinct: &[i64]) -> Vec<Vec<u32>> {
    let places: HashMap<i64, usize> =
        distinct.iter().enumerate().map(|(place, stretch)| (*stretch, place)).collect();
    let mut groups = vec![Vec::new(); distinct.len()];
    let mut row = 0u32;
    for run in stretches.chunk_by(|a, b| a == b) {
        let end = row + run.len() as u32;
        groups[places[&run[0]]].extend(row..end);
        row = end;
    }
    groups
}

/// Chunks in the scratch file.
pub(crate) struct Spilled {
    pub(crate) pieces: Vec<Piece>,
    pub(crate) file: ScratchFile,
}

/// A thread that divides chunks and writes them, while the next one gathers.
pub(crate) struct Spiller {
    plan: Arc<Plan>,
    chunks: Option<SyncSender<Vec<RecordBatch>>>,
    thread: Option<JoinHandle<Result<Spilled, LakeError>>>,
}

impl Spiller {
    pub(crate) fn start(plan: Arc<Plan>) -> Result<Self, LakeError> {
        let writer = ScratchWriter::create(&plan.options.scratch, &plan.waiting, plan.dataset())?;
        let (chunks, received) = sync_channel(0);
        let of_thread = Arc::clone(&plan);
        let thread = std::thread::Builder::new()
            .name("stage-spill".to_owned())
            .spawn(move || spill(of_thread, writer, &received))
            .map_err(|source| LakeError::Scratch { source })?;
        Ok(Self { plan, chunks: Some(chunks), thread: Some(thread) })
    }

    pub(crate) fn send(&mut self, chunk: Vec<RecordBatch>) -> Result<(), LakeError> {
        let sent = self.chunks.as_ref().is_some_and(|chunks| chunks.send(chunk).is_ok());
        if sent {
            return Ok(());
        }
        // The thread ended early, so its result is an error.
        match self.join() {
            Err(error) => Err(error),
            Ok(_) => Err(stopped(&self.plan)),
        }
    }

    pub(crate) fn finish(mut self) -> Result<Spilled, LakeError> {
        self.join()
    }

    fn join(&mut self) -> Result<Spilled, LakeError> {
        self.chunks = None;
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(result)) => result,
            _ => Err(stopped(&self.plan)),
        }
    }
}

fn spill(
    plan: Arc<Plan>,
    mut writer: ScratchWriter,
    chunks: &Receiver<Vec<RecordBatch>>,
) -> Result<Spilled, LakeError> {
    let mut divider = Divider::new(plan);
    let mut pieces = Vec::new();
    for chunk in chunks {
        let give = |batch: RecordBatch| writer.write(&batch).map(Place::Scratch);
        divider.divide(chunk, give, &mut pieces)?;
    }
    Ok(Spilled { pieces, file: writer.finish()? })
}

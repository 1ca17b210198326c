//! A file against a contract: three threads, so that decoding, checking and whatever the sink does go on
//! side by side, with at most a few blocks between them.

pub(crate) mod cells;
mod conformer;
pub(crate) mod fault;
pub(crate) mod faults;
mod flag;
pub(crate) mod kept_back;
mod limits;
pub(crate) mod mapping;
pub(crate) mod missing;
pub(crate) mod normal;
pub(crate) mod number;
mod period;
mod piece;
mod plan;
#[cfg(test)]
pub(crate) mod tests;
pub(crate) mod text_size;
pub(crate) mod time;
pub(crate) mod typed;
mod watch;

use std::{
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    thread,
};

use arrow::record_batch::RecordBatch;
use conformer::{Conformer, Given};
use hub_model::{Contract, OnError, UploadReport};
pub use kept_back::{KeptBack, KeptBackCsv, Quarantined};
pub(crate) use piece::show_value;
use plan::Plan;

use crate::{
    IntakeError, IntakeOptions, Recognised, SinkError,
    changes::Changes,
    decode::{self, Block, Decode, guarded},
};

/// How many blocks, and how many batches, wait between two threads.
const WAITING: usize = 2;

/// Decoders recurse as deeply as a file's schema.
const STACK_BYTES: usize = 16 << 20;

/// Rows of a file that keep the contract.
#[derive(Debug, Clone)]
pub struct ConformedBatch {
    /// The rows, in the contract's storage schema.
    pub batch: RecordBatch,
    /// The first of them as a person counts in the file: CSV by lines, of which the header is 1; other
    /// formats by rows from 1. The rest follow it one by one. Only where many records of a CSV span
    /// several lines do later rows of a batch stand further down than that.
    pub first_row: u64,
}

/// Checks every cell of a file and hands the sink what keeps the contract, in the order of the file.
/// After the first error that refuses the file no batch reaches the sink any more, while the rest of the
/// file is still checked; what the sink was given before is then to be thrown away, as it is if this fails.
/// [`UploadReport::is_publishable`] says which it is.
///
/// A column of the contract that the file lacks becomes null, unless it is required. Cells of text may be
/// written as people write numbers and times; what was changed is in the report. A time without an offset
/// is Japanese. Fractions become the nearest 64-bit float; every other loss is an error.
pub fn conform(
    recognised: &Recognised,
    contract: &Contract,
    options: &IntakeOptions,
    sink: &mut dyn FnMut(ConformedBatch) -> Result<(), SinkError>,
) -> Result<UploadReport, IntakeError> {
    if options.on_error == OnError::Quarantine {
        return Err(IntakeError::Internal("rows to be kept back have nowhere to go".to_owned()));
    }
    conform_keeping(recognised, contract, options, sink, &mut |_| Ok(()))
}

/// The same as [`conform`], with a second sink for the rows that are kept back where the options say
/// [`OnError::Quarantine`]. Both sinks are called from this thread.
pub fn conform_keeping(
    recognised: &Recognised,
    contract: &Contract,
    options: &IntakeOptions,
    sink: &mut dyn FnMut(ConformedBatch) -> Result<(), SinkError>,
    kept_back: &mut dyn FnMut(KeptBack) -> Result<(), SinkError>,
) -> Result<UploadReport, IntakeError> {
    options.check_stop()?;
    let format = recognised.format();
    let mut decoder = decode::open(recognised, options)?;
    let understood = decoder.understood();
    let header_rows = understood.layout.as_ref().and_then(|layout| layout.header_rows);
    let header_row = header_rows.map(|(_, last)| last);
    let plan = Plan::new(contract, decoder.columns(), recognised, header_row)?;
    guarded(|| decoder.select(plan.wanted()))?;
    let is_plain = recognised.known_layout().is_none();
    let conformer = Conformer::new(plan, contract, format, understood, is_plain, options);
    if conformer.is_about_persons() {
        // Not a row of it is looked at.
        return Ok(conformer.finish(Changes::default(), Vec::new()));
    }
    let (to_conform, blocks) = sync_channel(WAITING);
    let (to_sink, batches) = sync_channel(WAITING);
    thread::scope(|scope| {
        let decoding = thread::Builder::new()
            .name("intake-decode".to_owned())
            .stack_size(STACK_BYTES)
            .spawn_scoped(scope, move || {
                decode_all(decoder.as_mut(), options, &to_conform);
                (decoder.changes(), decoder.warnings())
            })?;
        let checking = thread::Builder::new()
            .name("intake-conform".to_owned())
            .spawn_scoped(scope, move || conform_all(conformer, &blocks, &to_sink))?;
        let mut taken = Ok(());
        for given in &batches {
            taken = options.check_stop().and_then(|()| {
                let taken = match given {
                    Given::Batch(batch) => sink(batch),
                    Given::KeptBack(rows) => kept_back(rows),
                };
                taken.map_err(IntakeError::Sink)
            });
            if taken.is_err() {
                break;
            }
        }
        // The other threads end at their next send once nothing receives.
        drop(batches);
        let failed = |_| IntakeError::Internal("the checking of cells failed".to_owned());
        let conformer = checking.join().map_err(failed)?;
        let (changes, warnings) = decoding.join().map_err(failed)?;
        taken?;
        Ok(conformer?.finish(changes, warnings))
    })
}

fn decode_all(
    decoder: &mut dyn Decode,
    options: &IntakeOptions,
    to_conform: &SyncSender<Result<Block, IntakeError>>,
) {
    loop {
        let block = options.check_stop().and_then(|()| guarded(|| decoder.next_block()));
        let (block, is_last) = match block {
            Ok(None) => return,
            Ok(Some(block)) => (Ok(block), false),
            Err(error) => (Err(error), true),
        };
        if to_conform.send(block).is_err() || is_last {
            return;
        }
    }
}

fn conform_all<'a>(
    mut conformer: Conformer<'a>,
    blocks: &Receiver<Result<Block, IntakeError>>,
    to_sink: &SyncSender<Given>,
) -> Result<Conformer<'a>, IntakeError> {
    for block in blocks {
        let block = block?;
        let mut left = false;
        guarded(|| {
            conformer.take(block, &mut |given| {
                left = left || to_sink.send(given).is_err();
                !left
            })
        })?;
        if left {
            return Err(IntakeError::Stopped);
        }
    }
    Ok(conformer)
}

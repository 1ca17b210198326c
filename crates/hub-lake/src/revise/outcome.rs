//! What becomes of one stored file, and of a staged one whose rows went into stored ones.

use std::sync::Arc;

use arrow::{array::BooleanArray, compute::filter_record_batch};
use hub_model::UploadMode;
use parking_lot::Mutex;

use crate::{
    DataFile, LakeError,
    revise::{
        bits::Bits,
        merge::{Met, Setting},
        period::{Leaving, without},
        reader::{Source, Wanted},
        writer::FileWriter,
    },
    stage::{Plan, StagedFile},
};

/// What becomes of one file.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    /// It goes.
    pub(crate) removed: bool,
    /// This takes its place.
    pub(crate) replacement: Option<StagedFile>,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    pub(crate) rows_removed: u64,
}

/// Finds out what becomes of one file.
pub(crate) fn look_at(
    mode: UploadMode,
    setting: &Setting<'_>,
    file: &DataFile,
    matched: &Mutex<Vec<Bits>>,
) -> Result<Outcome, LakeError> {
    let mut outcome = Outcome::default();
    if mode == UploadMode::Upsert {
        let (mut met, mut writer) = setting.renewed(file, None)?;
        let mut known = matched.lock();
        if met.matched.iter().zip(known.iter()).any(|(new, known)| new.meets(known)) {
            // Rows of one key in two files, as older hubs took them in: the other file's is renewed, and
            // this one's goes.
            (met, writer) = setting.renewed(file, Some(&known))?;
        }
        add(&mut known, &met);
        drop(known);
        (outcome.changed, outcome.unchanged) = (met.changed, met.unchanged);
        outcome.rows_removed = met.surplus;
        if let Some(writer) = writer {
            outcome.removed = true;
            outcome.replacement = some(writer)?;
        }
        return Ok(outcome);
    }
    if let Some((name, stretch)) = setting.leaving {
        match without(setting.plan, setting.source, file, name, stretch)? {
            Leaving::Nothing => {}
            Leaving::Everything => {
                (outcome.removed, outcome.rows_removed) = (true, file.rows);
            }
            Leaving::Some(writer) => {
                outcome.removed = true;
                outcome.rows_removed = file.rows - writer.rows();
                outcome.replacement = some(*writer)?;
            }
        }
    }
    let stays = !outcome.removed || outcome.replacement.is_some();
    let may_repeat =
        setting.plan.key > 0 && !(setting.leaving.is_some() && setting.key_time.is_some());
    if stays && may_repeat {
        let met = setting.keys_of(file)?;
        add(&mut matched.lock(), &met);
    }
    Ok(outcome)
}

fn add(known: &mut [Bits], met: &Met) {
    for (known, new) in known.iter_mut().zip(&met.matched) {
        known.add(new);
    }
}

fn some(writer: FileWriter) -> Result<Option<StagedFile>, LakeError> {
    if writer.rows() == 0 { Ok(None) } else { writer.finish().map(Some) }
}

/// A staged file without the rows that are marked.
pub(crate) fn rest(
    plan: &Arc<Plan>,
    source: &Source,
    file: &StagedFile,
    matched: &Bits,
) -> Result<StagedFile, LakeError> {
    let path = plan.table.folder.clone().join(file.name.as_str());
    let mut batches = source.read(&path, file.bytes, &Wanted { columns: None, reach: &[] })?;
    let mut writer = FileWriter::create(plan, &source.schema)?;
    let mut at = 0;
    while let Some(batch) = batches.next()? {
        let end = at + batch.num_rows();
        let stays: Vec<bool> = (at..end).map(|row| !matched.is_set(row)).collect();
        at = end;
        let stays = filter_record_batch(&batch, &BooleanArray::from(stays))
            .map_err(LakeError::rows(plan.dataset(), "sorted"))?;
        writer.write(&stays)?;
    }
    writer.finish()
}

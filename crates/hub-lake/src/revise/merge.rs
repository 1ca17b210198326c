//! An upload's rows against one stored file: which keys both have, and the file with those rows renewed.
//!
//! Both sides are sorted by the key, so that one walk over each is enough and neither is held whole.

use std::sync::Arc;

use arrow::{
    array::{Array, ArrayRef, BooleanArray, RecordBatch, UInt32Array},
    compute::{
        and, filter_record_batch, interleave, interleave_record_batch, kernels::cmp::not_distinct,
        take,
    },
    row::Rows,
};
use arrow_schema::ArrowError;

use crate::{
    DataFile, LakeError,
    revise::{
        bits::Bits,
        reach::{Columns, Stretch, may_meet},
        reader::{Source, Wanted},
        upload::{Found, Keys, Part, UploadRows},
        writer::FileWriter,
    },
    stage::{Plan, Staged, StagedFile, chunk::times},
};

/// What every walk needs to know.
pub(crate) struct Setting<'a> {
    pub(crate) plan: &'a Arc<Plan>,
    pub(crate) staged: &'a Staged,
    pub(crate) source: &'a Source,
    pub(crate) keys: &'a Keys,
    /// The column that says when, where it is part of the key.
    pub(crate) key_time: Option<&'a str>,
    /// Stored rows of this stretch are on their way out, so that their keys are free.
    pub(crate) leaving: Option<(&'a str, Stretch)>,
}

/// What a walk found.
#[derive(Debug, Default)]
pub(crate) struct Met {
    /// The upload's rows whose keys the file has, for each staged file.
    pub(crate) matched: Vec<Bits>,
    /// Rows of the file that have other values in the upload.
    pub(crate) changed: u64,
    /// Rows of the file that have the same values in the upload.
    pub(crate) unchanged: u64,
    /// Rows of the file with a key that another row has too, and that go.
    pub(crate) surplus: u64,
}

impl Met {
    fn new(staged: &Staged) -> Self {
        let matched = staged.files.iter().map(|file| Bits::new(file.rows)).collect();
        Self { matched, ..Self::default() }
    }
}

/// How far a walk goes.
enum Depth {
    /// Only keys are compared.
    Keys,
    /// Values too; it ends at the first row that has others.
    Compare,
    /// To the end, into a new file.
    Write(Box<FileWriter>),
}

impl Setting<'_> {
    /// The upload's rows whose keys the file has.
    pub(crate) fn keys_of(&self, file: &DataFile) -> Result<Met, LakeError> {
        let mut met = Met::new(self.staged);
        self.walk(file, &mut Depth::Keys, &mut met, None)?;
        Ok(met)
    }

    /// The file with the upload's rows in it, where any of them has other values than are there.
    /// Rows with keys that are `taken`, being in another file too, are left out.
    pub(crate) fn renewed(
        &self,
        file: &DataFile,
        taken: Option<&[Bits]>,
    ) -> Result<(Met, Option<FileWriter>), LakeError> {
        if taken.is_none() {
            let mut met = Met::new(self.staged);
            if self.walk(file, &mut Depth::Compare, &mut met, None)? {
                return Ok((met, None));
            }
        }
        let mut met = Met::new(self.staged);
        let writer = FileWriter::create(self.plan, &self.source.schema)?;
        let mut depth = Depth::Write(Box::new(writer));
        self.walk(file, &mut depth, &mut met, taken)?;
        match depth {
            Depth::Write(writer) => Ok((met, Some(*writer))),
            _ => Ok((met, None)),
        }
    }

    /// Walks over the file and the upload. Answers `false` where it ended early, on a changed row.
    fn walk(
        &self,
        file: &DataFile,
        depth: &mut Depth,
        met: &mut Met,
        taken: Option<&[Bits]>,
    ) -> Result<bool, LakeError> {
        let names = || self.keys.names.iter().map(String::as_str);
        let near: Vec<(usize, &StagedFile)> = self
            .staged
            .files
            .iter()
            .enumerate()
            .filter(|(_, staged)| may_meet(&file.columns, &staged.columns, names()))
            .collect();
        let mut columns = self.keys.names.clone();
        columns.extend(self.leaving.map(|(name, _)| name.to_owned()));
        let columns = matches!(depth, Depth::Keys).then_some(columns.as_slice());
        let reach: Vec<Columns> = match depth {
            Depth::Write(_) => Vec::new(),
            _ => near.iter().map(|(_, staged)| self.key_columns(staged)).collect(),
        };
        let stretch = self
            .key_time
            .and_then(|name| Some((name, file.columns.get(name).and_then(Stretch::of)?)));
        let part = Part { columns, stretch };
        let upload = UploadRows::open(self.keys, self.source, self.plan, near.into_iter(), part)?;
        let mut batches =
            self.source.read(&file.path, file.bytes, &Wanted { columns, reach: &reach })?;
        let mut walk = Walk { upload, last: None, met, taken };
        let failed = || LakeError::rows(self.plan.dataset(), "sorted");
        while let Some(batch) = batches.next()? {
            let batch = self.without_leaving(batch).map_err(failed())?;
            let keys = self.keys.of(&batch).map_err(failed())?;
            let pairs = walk.pairs(&keys)?;
            match depth {
                Depth::Keys => {}
                Depth::Compare => {
                    let compared = pairs.compare(&batch).map_err(failed())?;
                    let same = compared.iter().filter(|same| **same).count();
                    if same < compared.len() || !pairs.surplus.is_empty() {
                        return Ok(false);
                    }
                    walk.met.unchanged += same as u64;
                }
                Depth::Write(writer) => {
                    let (out, changed) = pairs.renew(&batch).map_err(failed())?;
                    walk.met.changed += changed;
                    walk.met.unchanged += pairs.rows.len() as u64 - changed;
                    walk.met.surplus += pairs.surplus.len() as u64;
                    writer.write(&out)?;
                }
            }
            if walk.upload.key().is_none() && !matches!(depth, Depth::Write(_)) {
                break;
            }
        }
        Ok(true)
    }

    fn key_columns(&self, staged: &StagedFile) -> Columns {
        let own = self.keys.names.iter();
        own.filter_map(|name| Some((name.clone(), staged.columns.get(name)?.clone()))).collect()
    }

    fn without_leaving(&self, batch: RecordBatch) -> Result<RecordBatch, ArrowError> {
        let Some((name, stretch)) = self.leaving else { return Ok(batch) };
        let Some(time) = batch.column_by_name(name) else { return Ok(batch) };
        let stays: Vec<bool> = times(time).into_iter().map(|time| !stretch.holds(time)).collect();
        filter_record_batch(&batch, &BooleanArray::from(stays))
    }
}

struct Walk<'a> {
    upload: UploadRows<'a>,
    /// The row of the upload that was met last.
    last: Option<Found>,
    met: &'a mut Met,
    taken: Option<&'a [Bits]>,
}

impl Walk<'_> {
    /// Walks over one batch of the file and pairs its rows with the upload's.
    fn pairs(&mut self, keys: &Rows) -> Result<Pairs, LakeError> {
        let mut pairs = Pairs::default();
        let rows = keys.num_rows();
        let mut at = 0;
        while at < rows {
            self.upload.advance_to(keys.row(at))?;
            let Some(head) = self.upload.key() else { break };
            if keys.row(at) < head {
                at = first_not_less(keys, at, rows, head);
                continue;
            }
            if let Some(found) = self.upload.found() {
                let known = self.last == Some(found);
                let is_taken =
                    self.taken.is_some_and(|taken| taken[found.file].is_set(found.place));
                if known || is_taken {
                    pairs.surplus.push(at);
                    self.met.matched[found.file].set(found.place);
                } else {
                    self.met.matched[found.file].set(found.place);
                    pairs.add(at, &self.upload);
                }
                self.last = Some(found);
            }
            at += 1;
        }
        Ok(pairs)
    }
}

/// The first row from `from` on whose key is not less; looked for near by first.
fn first_not_less(keys: &Rows, from: usize, end: usize, key: arrow::row::Row<'_>) -> usize {
    let (mut low, mut step) = (from, 1);
    while low + step < end && keys.row(low + step) < key {
        low += step;
        step *= 2;
    }
    let mut high = (low + step).min(end);
    low += 1;
    while low < high {
        let middle = low.midpoint(high);
        if keys.row(middle) < key {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    low.min(end)
}

/// Rows of one batch of the file, with the upload's rows of the same keys.
#[derive(Default)]
struct Pairs {
    /// Rows of the batch that have a partner.
    rows: Vec<u32>,
    /// The partners, as places in `batches`.
    partners: Vec<(usize, usize)>,
    /// Rows of the batch that go.
    surplus: Vec<usize>,
    batches: Vec<RecordBatch>,
    names: Vec<(usize, u64)>,
}

impl Pairs {
    fn add(&mut self, row: usize, upload: &UploadRows<'_>) {
        let Some((name, batch, at)) = upload.values() else { return };
        let index = match self.names.iter().rposition(|known| *known == name) {
            Some(index) => index,
            None => {
                self.names.push(name);
                self.batches.push(batch.clone());
                self.names.len() - 1
            }
        };
        self.rows.push(row as u32);
        self.partners.push((index, at));
    }

    /// For each pair, whether all values are the same.
    fn compare(&self, batch: &RecordBatch) -> Result<Vec<bool>, ArrowError> {
        if self.rows.is_empty() {
            return Ok(Vec::new());
        }
        let rows = UInt32Array::from(self.rows.clone());
        let mut same: Option<BooleanArray> = None;
        for place in 0..batch.num_columns() {
            let stored = take(batch.column(place), &rows, None)?;
            let columns: Vec<&dyn Array> =
                self.batches.iter().map(|batch| batch.column(place).as_ref()).collect();
            let new: ArrayRef = interleave(&columns, &self.partners)?;
            let equal = not_distinct(&stored, &new)?;
            same = Some(match same {
                None => equal,
                Some(same) => and(&same, &equal)?,
            });
        }
        Ok(same.map(|same| same.values().iter().collect()).unwrap_or_default())
    }

    /// The batch with the upload's values where they differ, and how many rows do.
    fn renew(&self, batch: &RecordBatch) -> Result<(RecordBatch, u64), ArrowError> {
        let same = self.compare(batch)?;
        let changed = same.iter().filter(|same| !**same).count();
        if changed == 0 && self.surplus.is_empty() {
            return Ok((batch.clone(), 0));
        }
        let mut picks: Vec<(usize, usize)> = (0..batch.num_rows()).map(|row| (0, row)).collect();
        for ((row, partner), same) in self.rows.iter().zip(&self.partners).zip(&same) {
            if !same {
                picks[*row as usize] = (partner.0 + 1, partner.1);
            }
        }
        if !self.surplus.is_empty() {
            let mut going = self.surplus.iter().copied().peekable();
            let mut row = 0;
            picks.retain(|_| {
                let goes = going.next_if_eq(&row).is_some();
                row += 1;
                !goes
            });
        }
        let batches: Vec<&RecordBatch> = std::iter::once(batch).chain(&self.batches).collect();
        Ok((interleave_record_batch(&batches, &picks)?, changed as u64))
    }
}

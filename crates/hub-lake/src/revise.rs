//! What an upload makes of the files that are there: which it may not touch, which it renews, which go.
//!
//! Files are chosen by their statistics, and only those that hold affected rows are written again, each
//! in one walk over two sorted sides. The work is done for one state of the dataset; when another writer
//! was first, what still holds is kept and only the rest is done anew. Nothing here makes data visible.

mod bits;
mod merge;
mod outcome;
mod period;
mod ranges;
pub(crate) mod reach;
pub(crate) mod reader;
pub(crate) mod upload;
pub(crate) mod writer;

use std::{
    collections::{BinaryHeap, HashMap, HashSet, VecDeque},
    sync::Arc,
};

use hub_model::{DatasetId, UploadMode, VersionNumber};
use object_store::path::Path;
use parking_lot::Mutex;

use crate::{
    DataFile, LakeError, Staged,
    log::TableState,
    revise::{
        bits::Bits,
        merge::Setting,
        outcome::{Outcome, look_at, rest},
        reach::{Stretch, may_meet},
        reader::Source,
        upload::Keys,
    },
    stage::{Plan, StagedFile},
};

/// How often an upload is merged anew from its beginning before its sender is told of the conflict.
const RESTARTS: u32 = 8;

/// How many of the rows whose keys are stored already are named.
const EXAMPLES: usize = 100;

/// Rows of an upload whose keys the dataset holds already.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StoredKeys {
    /// How many rows.
    pub count: u64,
    /// The first of them, by their numbers in the uploaded file.
    pub rows: Vec<u64>,
}

/// An upload on its way to a version.
#[derive(Debug)]
pub(crate) struct Revision {
    mode: UploadMode,
    staged: Staged,
    /// Files made here: renewed ones, and the upload's own without the rows that went into those.
    made: Staged,
    /// Staged rows whose keys are stored already, for each staged file.
    matched: Vec<Bits>,
    /// What becomes of the dataset's files, as far as it was found out.
    outcomes: HashMap<Path, Outcome>,
    /// Staged files with fewer rows, by their place: how many had been matched, and the file.
    rests: HashMap<usize, (u64, Option<StagedFile>)>,
    /// The version that was looked at.
    version: Option<VersionNumber>,
    restarts: u32,
}

/// What a revision does to one state.
#[derive(Debug)]
pub(crate) struct Change<'a> {
    pub(crate) removes: Vec<&'a DataFile>,
    pub(crate) adds: Vec<&'a StagedFile>,
    pub(crate) added: u64,
    pub(crate) changed: u64,
    pub(crate) unchanged: u64,
    pub(crate) removed: u64,
}

impl Revision {
    pub(crate) fn new(staged: Staged, mode: UploadMode) -> Result<Self, LakeError> {
        let plan = &staged.plan;
        let refuse = |reason: &str| LakeError::incompatible(plan.dataset(), reason);
        if mode == UploadMode::Upsert && plan.key == 0 {
            return Err(refuse("its contract has no primary key, by which rows could be renewed"));
        }
        if mode == UploadMode::ReplacePeriod && plan.observed.is_none() {
            return Err(refuse(
                "its contract has no column with the role time, to tell the period by",
            ));
        }
        let matched = staged.files.iter().map(|file| Bits::new(file.rows)).collect();
        let made = Staged::new(Arc::clone(plan));
        Ok(Self {
            mode,
            staged,
            made,
            matched,
            outcomes: HashMap::new(),
            rests: HashMap::new(),
            version: None,
            restarts: 0,
        })
    }

    pub(crate) fn dataset(&self) -> &DatasetId {
        self.staged.dataset()
    }

    pub(crate) fn check_schema(&self, state: &TableState) -> Result<(), LakeError> {
        self.staged.check_schema(&state.snapshot.schema)
    }

    /// Does what is still to be done for this state. It may take long.
    pub(crate) async fn follow(mut self, state: &Arc<TableState>) -> Result<Self, LakeError> {
        if !self.turn_to(state)? {
            return Ok(self);
        }
        let state = Arc::clone(state);
        let stopped = LakeError::Stopped { dataset: self.staged.dataset().clone() };
        let work = tokio::task::spawn_blocking(move || self.work(&state).map(|()| self));
        work.await.unwrap_or(Err(stopped))
    }

    fn plan(&self) -> &Arc<Plan> {
        &self.staged.plan
    }

    fn name(&self, place: usize) -> &str {
        self.staged.plan.schema.field(place).name()
    }

    /// The period that the upload covers, where that is what it replaces.
    fn period(&self) -> Option<(&str, Stretch)> {
        if self.mode != UploadMode::ReplacePeriod {
            return None;
        }
        let name = self.name(self.staged.plan.observed?);
        let stretches =
            self.staged.files.iter().filter_map(|file| Stretch::of(file.columns.get(name)?));
        Some((name, stretches.reduce(Stretch::with)?))
    }

    fn key_names(&self) -> impl Iterator<Item = &str> + Clone {
        let plan = &self.staged.plan;
        plan.sort[..plan.key].iter().map(|place| self.name(*place))
    }

    /// Whether a file may hold rows that the upload speaks of.
    fn concerns(&self, file: &DataFile) -> bool {
        if self.mode == UploadMode::Replace || file.rows == 0 {
            return false;
        }
        let period = self.period();
        if let Some((name, stretch)) = period
            && stretch.may_hold_some(file.columns.get(name))
        {
            return true;
        }
        // Where time is part of the key, rows outside of the period have other keys.
        self.staged.plan.key > 0
            && !(period.is_some() && self.staged.plan.time.is_some())
            && self
                .staged
                .files
                .iter()
                .any(|staged| may_meet(&file.columns, &staged.columns, self.key_names()))
    }

    /// Turns to another state of the dataset: what does not hold any more is forgotten. Answers whether
    /// there is something to do.
    fn turn_to(&mut self, state: &TableState) -> Result<bool, LakeError> {
        let active: HashSet<&Path> = state.snapshot.files.iter().map(|file| &file.path).collect();
        let gone = self.outcomes.keys().any(|path| !active.contains(path));
        let new = state
            .snapshot
            .files
            .iter()
            .any(|file| !self.outcomes.contains_key(&file.path) && self.concerns(file));
        let is_later = self.version.is_some_and(|version| version != state.snapshot.version);
        if self.mode == UploadMode::ReplacePeriod && is_later && (gone || new) {
            // Its sender has not seen the rows that it would remove.
            return Err(self.staged.plan.table.conflict());
        }
        self.version = Some(state.snapshot.version);
        if gone {
            self.restarts += 1;
            if self.restarts > RESTARTS {
                return Err(self.staged.plan.table.conflict());
            }
            self.outcomes.clear();
            self.matched.iter_mut().for_each(Bits::clear);
        }
        Ok(gone || new)
    }

    fn work(&mut self, state: &TableState) -> Result<(), LakeError> {
        let plan = Arc::clone(self.plan());
        let source = Source {
            dataset: plan.dataset().clone(),
            store: Arc::clone(&plan.table.store),
            runtime: plan.runtime.clone(),
            schema: Arc::clone(&state.snapshot.schema),
        };
        let keys = Keys::new(&plan)?;
        let files: VecDeque<&DataFile> = state
            .snapshot
            .files
            .iter()
            .filter(|file| !self.outcomes.contains_key(&file.path) && self.concerns(file))
            .collect();
        let key_time = plan.time.filter(|_| plan.key > 0);
        let key_time = key_time.map(|place| plan.schema.field(place).name().as_str());
        let leaving = self.period().map(|(name, stretch)| (name.to_owned(), stretch));
        let setting = Setting {
            plan: &plan,
            staged: &self.staged,
            source: &source,
            keys: &keys,
            key_time,
            leaving: leaving.as_ref().map(|(name, stretch)| (name.as_str(), *stretch)),
        };
        let threads = plan.options.threads.clamp(1, files.len().max(1));
        let files = Mutex::new(files);
        let matched = Mutex::new(std::mem::take(&mut self.matched));
        let found = Mutex::new((&mut self.outcomes, &mut self.made));
        let mode = self.mode;
        let worker = || -> Result<(), LakeError> {
            loop {
                let Some(file) = files.lock().pop_front() else { return Ok(()) };
                match look_at(mode, &setting, file, &matched) {
                    Ok(outcome) => {
                        let (outcomes, made) = &mut *found.lock();
                        made.files.extend(outcome.replacement.clone());
                        outcomes.insert(file.path.clone(), outcome);
                    }
                    Err(error) => {
                        files.lock().clear();
                        return Err(error);
                    }
                }
            }
        };
        let stopped = || LakeError::Stopped { dataset: plan.dataset().clone() };
        let done = std::thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(worker)).collect();
            let mine = worker();
            let joined = others.into_iter().map(|other| other.join().unwrap_or(Err(stopped())));
            joined.fold(mine, Result::and)
        });
        self.matched = matched.into_inner();
        done?;
        if self.mode == UploadMode::Upsert {
            self.write_rests(&source)
        } else {
            self.refuse_stored_keys()
        }
    }

    fn refuse_stored_keys(&self) -> Result<(), LakeError> {
        let count = self.matched.iter().map(Bits::count).sum();
        if count == 0 {
            return Ok(());
        }
        let mut first = BinaryHeap::new();
        for (file, matched) in self.staged.files.iter().zip(&self.matched) {
            let Some(numbers) = &file.row_numbers else { continue };
            numbers.read(matched.iter(), |number| {
                first.push(number);
                if first.len() > EXAMPLES {
                    first.pop();
                }
            })?;
        }
        let keys = StoredKeys { count, rows: first.into_sorted_vec() };
        Err(LakeError::KeysStored { dataset: self.plan().dataset().clone(), keys })
    }

    /// Writes those of the staged files anew some of whose rows went into renewed files.
    fn write_rests(&mut self, source: &Source) -> Result<(), LakeError> {
        for (place, (file, matched)) in self.staged.files.iter().zip(&self.matched).enumerate() {
            let count = matched.count();
            if self.rests.get(&place).is_some_and(|(known, _)| *known == count) {
                continue;
            }
            let rest = if count == 0 || count == file.rows {
                None
            } else {
                Some(rest(&self.staged.plan, source, file, matched)?)
            };
            self.made.files.extend(rest.clone());
            self.rests.insert(place, (count, rest));
        }
        Ok(())
    }

    /// What the revision does to the state that it followed last.
    pub(crate) fn change<'a>(&'a self, state: &'a TableState) -> Change<'a> {
        let mut change = Change {
            removes: Vec::new(),
            adds: Vec::new(),
            added: 0,
            changed: 0,
            unchanged: 0,
            removed: 0,
        };
        for file in state.snapshot.files.iter() {
            if self.mode == UploadMode::Replace {
                change.removes.push(file);
                change.removed += file.rows;
            } else if let Some(outcome) = self.outcomes.get(&file.path) {
                change.changed += outcome.changed;
                change.unchanged += outcome.unchanged;
                change.removed += outcome.rows_removed;
                if outcome.removed {
                    change.removes.push(file);
                    change.adds.extend(&outcome.replacement);
                }
            }
        }
        for (place, (file, matched)) in self.staged.files.iter().zip(&self.matched).enumerate() {
            let matched = matched.count();
            change.added += file.rows - matched;
            match self.rests.get(&place) {
                Some((_, Some(rest))) if matched > 0 => change.adds.push(rest),
                _ if matched == 0 => change.adds.push(file),
                _ => {}
            }
        }
        change
    }

    /// The version is there: what is part of it stays, and the rest goes.
    pub(crate) async fn keep_only(self, names: &HashSet<String>) {
        self.staged.keep_only(names).await;
        self.made.keep_only(names).await;
    }

    /// Whether the version may be there is open: everything stays, for vacuum to sort out.
    pub(crate) fn keep(self) {
        self.staged.keep();
        self.made.keep();
    }
}

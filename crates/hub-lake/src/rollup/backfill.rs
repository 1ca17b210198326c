//! Companions for files that were written before there were any, or when the store did not take them.
//!
//! The files stay as they are. Their entries are added to the log again, with the tag that names the new
//! companions; no row changes, and no version.

use std::{collections::HashMap, sync::Arc};

use deltalake_core::{
    kernel::{Action, Add, Transaction},
    protocol::DeltaOperation,
};
use hub_model::DatasetId;
use object_store::path::Path;

use super::{FileRollups, ROLLUPS_TAG, Roller, RollupSpec, put, tag};
use crate::{
    CompactOptions, DataFile, Lake, LakeError,
    commit::{Backoff, signed},
    log::{Attempt, NewEntry, REWRITE_APP, Table, TableState, entry_of},
    revise::reader::{Source, Wanted},
    stage::Plan,
};

/// The companions that were made, by their data files.
type Made = HashMap<Path, Arc<FileRollups>>;

impl Lake {
    /// Makes rollups for the newest state's files that have none, as many files as their rows stay within
    /// `at_most_rows`, and answers how many files these were.
    pub async fn roll_up(
        &self,
        dataset: &DatasetId,
        options: &CompactOptions,
    ) -> Result<u64, LakeError> {
        let table = self.table(dataset)?;
        let state = table.latest().await?;
        let Some(spec) = RollupSpec::of(&state.contract) else { return Ok(0) };
        let files = lacking(&state, options);
        if files.is_empty() {
            return Ok(0);
        }
        let (lake, contract, stage) = (self.clone(), state.contract.clone(), options.stage.clone());
        let (id, schema) = (dataset.clone(), Arc::clone(&state.snapshot.schema));
        let stopped = LakeError::Stopped { dataset: dataset.clone() };
        let work = tokio::task::spawn_blocking(move || {
            let stager = lake.stager_with(&id, &contract, stage, false)?;
            let plan = stager.plan();
            let source = Source {
                dataset: id,
                store: lake.object_store(),
                runtime: plan.runtime.clone(),
                schema,
            };
            let mut made = Made::new();
            for file in files {
                if let Some(rollups) = of_file(plan, &spec, &source, &file)? {
                    made.insert(file.path, rollups);
                }
            }
            Ok(made)
        });
        let made = work.await.unwrap_or(Err(stopped))?;
        name(&table, &made, options).await
    }
}

fn lacking(state: &TableState, options: &CompactOptions) -> Vec<DataFile> {
    let mut rows = 0;
    let files = state.snapshot.files.iter();
    let lacking = files
        .filter(|file| file.rollups.is_none() && file.rows >= options.stage.rollup_rows.max(1));
    lacking
        .take_while(|file| {
            // One file is always done, whatever its size.
            let begun = rows > 0;
            rows += file.rows;
            !begun || rows <= options.at_most_rows
        })
        .cloned()
        .collect()
}

fn of_file(
    plan: &Plan,
    spec: &Arc<RollupSpec>,
    source: &Source,
    file: &DataFile,
) -> Result<Option<Arc<FileRollups>>, LakeError> {
    let Some(mut roller) = Roller::new(spec, &source.schema) else { return Ok(None) };
    let mut batches = source.read(&file.path, file.bytes, &Wanted { columns: None, reach: &[] })?;
    while let Some(batch) = batches.next()? {
        roller.push(&batch).map_err(LakeError::rows(plan.dataset(), "summed up"))?;
    }
    put(plan, spec, roller, file.path.filename().unwrap_or_default())
}

/// Adds the files' entries again, of those that are still part of the newest state.
async fn name(table: &Table, made: &Made, options: &CompactOptions) -> Result<u64, LakeError> {
    let _writing = table.writing.lock().await;
    let mut backoff = Backoff::new(table);
    loop {
        let state = table.latest().await?;
        let named: Vec<Add> = state
            .delta
            .log_data()
            .iter()
            .filter_map(|view| {
                let path = table.folder.clone().join(view.path().as_ref());
                let rollups = made.get(&path)?;
                let mut add = entry_of(&view);
                let tags = add.tags.get_or_insert_default();
                if tags.contains_key(ROLLUPS_TAG) {
                    return None;
                }
                tags.insert(ROLLUPS_TAG.to_owned(), tag(rollups));
                add.data_change = false;
                Some(add)
            })
            .collect();
        if named.is_empty() {
            return Ok(0);
        }
        let count = named.len() as u64;
        let entry = NewEntry {
            actions: named.into_iter().map(Action::Add).collect(),
            operation: DeltaOperation::Optimize {
                predicate: None,
                target_size: signed(options.small_rows),
            },
            metadata: HashMap::new(),
            transactions: vec![Transaction::new(REWRITE_APP, state.rewrites + 1)],
        };
        match table.add_entry(state.log_version() + 1, entry).await? {
            Attempt::Added => return Ok(count),
            Attempt::Taken => backoff.wait().await?,
        }
    }
}

//! Two versions of one dataset against each other: rows added, changed and removed, by primary key.
//!
//! Files that both versions have hold equal rows and are not read. The others come sorted by the key, and
//! both sides are walked together; rows that are the same on both drop out, as they do where files were
//! only joined.

mod merge;

use std::{collections::HashSet, sync::Arc};

use datafusion::{
    common::{Result, internal_datafusion_err},
    datasource::provider_as_source,
    execution::SessionState,
    logical_expr::LogicalPlanBuilder,
    physical_plan::{
        ExecutionPlan,
        streaming::{PartitionStream, StreamingTableExec},
    },
};
use hub_lake::Snapshot;
use hub_model::{Contract, Field};
use merge::Difference;

use crate::{
    classify::classify,
    engine::{Inner, QueryEngine, ReadableTable},
    error::QueryError,
    filter::column,
    session::task_context,
    stream::{Planned, QueryStream},
    table::{Prepared, SnapshotTable},
};

/// Two versions to be told apart.
#[derive(Debug, Clone)]
pub struct DiffRequest {
    /// The contract that names the columns of both.
    pub contract: Arc<Contract>,
    /// The version that counts as the old one.
    pub old: Snapshot,
    /// The version that counts as the new one.
    pub new: Snapshot,
    /// The most rows of the answer; all where nothing is said.
    pub limit: Option<usize>,
}

/// The column that says what became of a row.
const CHANGE: &str = "change";
/// What a sort sets aside for merging what it put on disk. Only files that overlap in great number are
/// sorted at all.
const SORT_RESERVE: usize = 1 << 20;
/// What a side is called inside its plan.
const ROWS: &str = "rows";

impl QueryEngine {
    /// The rows that differ, in the order of the key. The answer's columns are `change`, which is `added`,
    /// `changed` or `removed`, those of the key, and for each other column its values in both versions,
    /// as `<name>_old` and `<name>_new`.
    pub async fn diff(&self, request: DiffRequest) -> std::result::Result<QueryStream, QueryError> {
        let contract = Arc::clone(&request.contract);
        if contract.primary_key.is_empty() {
            return Err(QueryError::request(
                "the dataset's contract has no primary key, so rows of two versions can't be told \
                 to be the same; compare them by SQL",
            ));
        }
        let (old, new) = only_different(&request);
        let errors = self.inner.limits_context();
        let inner = Arc::clone(&self.inner);
        self.inner
            .start(errors.clone(), move |environment, _| async move {
                let planning = async {
                    let mut state = inner.sessions.for_rows().clone();
                    let options = state.config_mut().options_mut();
                    options.execution.sort_spill_reservation_bytes = SORT_RESERVE;
                    let old = in_order(&inner, &state, &contract, &old).await?;
                    let new = in_order(&inner, &state, &contract, &new).await?;
                    let plan = compare(&contract, old, new, request.limit)?;
                    let context = task_context(&state, environment);
                    Ok(Planned::new(plan, context))
                };
                planning.await.map_err(|error| classify(&error, &errors))
            })
            .await
    }
}

/// Both versions without the files that they share.
fn only_different(request: &DiffRequest) -> (ReadableTable, ReadableTable) {
    let paths = |snapshot: &Snapshot| -> HashSet<_> {
        snapshot.files.iter().map(|file| file.path.clone()).collect()
    };
    let (old, new) = (paths(&request.old), paths(&request.new));
    let without = |snapshot: &Snapshot, shared: &HashSet<_>| ReadableTable {
        contract: Arc::clone(&request.contract),
        snapshot: Snapshot {
            files: snapshot
                .files
                .iter()
                .filter(|file| !shared.contains(&file.path))
                .cloned()
                .collect(),
            ..snapshot.clone()
        },
    };
    (without(&request.old, &new), without(&request.new, &old))
}

/// The columns that name a row, in the order of the files, so that their order serves.
fn key(contract: &Contract) -> Vec<&Field> {
    let sorted = contract.sort_columns().into_iter().map(|column| column.field);
    sorted.filter(|field| contract.primary_key.contains(&field.name)).collect()
}

/// One side's rows as one stream in the order of the key.
async fn in_order(
    inner: &Inner,
    state: &SessionState,
    contract: &Contract,
    table: &ReadableTable,
) -> Result<Arc<dyn ExecutionPlan>> {
    let prepared = Arc::new(Prepared::new(table)?);
    let source = SnapshotTable::plain(prepared, Arc::clone(&inner.scans));
    let rows = LogicalPlanBuilder::scan(ROWS, provider_as_source(Arc::new(source)), None)?;
    let order = key(contract).into_iter().map(|field| column(field).sort(true, false));
    let plan = rows.sort(order.collect::<Vec<_>>())?.build()?;
    state.create_physical_plan(&plan).await
}

fn compare(
    contract: &Contract,
    old: Arc<dyn ExecutionPlan>,
    new: Arc<dyn ExecutionPlan>,
    limit: Option<usize>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let mut taken: HashSet<String> =
        contract.fields.iter().map(|field| field.name.clone()).collect();
    let mut label = |name: String| {
        let mut name = name;
        while !taken.insert(name.clone()) {
            name.push('_');
        }
        name
    };
    let columns = new.schema();
    let place = |field: &Field| {
        let place = columns.index_of(&field.name);
        place.map_err(|_| internal_datafusion_err!("a column of the contract is not scanned"))
    };
    let change = label(CHANGE.to_owned());
    let key = key(contract).into_iter().map(place).collect::<Result<Vec<_>>>()?;
    let mut rest = Vec::new();
    for field in contract.fields.iter().filter(|f| !contract.primary_key.contains(&f.name)) {
        let labels = ["old", "new"].map(|side| label(format!("{}_{side}", field.name)));
        rest.push((place(field)?, labels));
    }
    let difference: Arc<dyn PartitionStream> =
        Arc::new(Difference::new(old, new, change, key, rest));
    let schema = Arc::clone(difference.schema());
    let plan = StreamingTableExec::try_new(schema, vec![difference], None, [], false, limit)?;
    Ok(Arc::new(plan))
}

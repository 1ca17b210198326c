//! Two versions of one dataset against each other: rows added, changed and removed, by primary key.
//!
//! Files that both versions have hold equal rows and are not read. The others are joined by the key, and
//! rows that are the same on both sides drop out, as they do where files were only joined.

use std::{collections::HashSet, sync::Arc};

use datafusion::{
    common::{Column, NullEquality},
    datasource::provider_as_source,
    functions::core::expr_fn::coalesce,
    logical_expr::{Expr, JoinType, LogicalPlanBuilder, Operator, binary_expr, lit, when},
};
use hub_lake::Snapshot;
use hub_model::{Contract, Field};

use crate::{
    classify::classify,
    engine::{QueryEngine, ReadableTable},
    error::QueryError,
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
/// What each sort sets aside for merging what it put on disk; several sorts share a query's memory.
const SORT_RESERVE: usize = 1 << 20;
const OLD: &str = "__old";
const NEW: &str = "__new";

impl QueryEngine {
    /// The rows that differ, in the order of the key. The answer's columns are `change`, which is `added`,
    /// `changed` or `removed`, those of the key, and for each other column its values in both versions,
    /// as `<name>_old` and `<name>_new`.
    pub async fn diff(&self, request: DiffRequest) -> Result<QueryStream, QueryError> {
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
                    let side = |table: ReadableTable, name: &str| {
                        let prepared = Arc::new(Prepared::new(&table)?);
                        let source = SnapshotTable::plain(prepared, Arc::clone(&inner.scans));
                        let source = provider_as_source(Arc::new(source));
                        LogicalPlanBuilder::scan(name, source, None)
                    };
                    let plan = compare(&contract, side(old, OLD)?, side(new, NEW)?)?;
                    let plan = plan.limit(0, request.limit)?.build()?;
                    let mut state = inner.sessions.for_rows().clone();
                    let options = state.config_mut().options_mut();
                    // A join of sorted sides can go to disk, and one by hashes can't. The planner makes it
                    // for several partitions only.
                    options.optimizer.prefer_hash_join = false;
                    options.execution.target_partitions = 2;
                    options.execution.sort_spill_reservation_bytes = SORT_RESERVE;
                    let plan = state.create_physical_plan(&plan).await?;
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

fn compare(
    contract: &Contract,
    old: LogicalPlanBuilder,
    new: LogicalPlanBuilder,
) -> datafusion::common::Result<LogicalPlanBuilder> {
    // In the order of the files, so that their order serves the join.
    let key: Vec<&Field> = contract
        .sort_columns()
        .into_iter()
        .map(|column| column.field)
        .filter(|field| contract.primary_key.contains(&field.name))
        .collect();
    let rest =
        || contract.fields.iter().filter(|field| !contract.primary_key.contains(&field.name));
    let of = |side: &str, field: &Field| Expr::Column(Column::new(Some(side), &field.name));
    let columns = |side: &str| -> Vec<Column> {
        key.iter().map(|field| Column::new(Some(side), &field.name)).collect()
    };
    let joined = old.join_detailed(
        new.build()?,
        JoinType::Full,
        (columns(OLD), columns(NEW)),
        None,
        NullEquality::NullEqualsNothing,
    )?;
    let Some(first) = key.first() else { return Ok(joined) };
    let added = of(OLD, first).is_null();
    let removed = of(NEW, first).is_null();
    let differs = rest().fold(added.clone().or(removed.clone()), |differs, field| {
        let values = (of(OLD, field), of(NEW, field));
        differs.or(binary_expr(values.0, Operator::IsDistinctFrom, values.1))
    });
    let change =
        when(added, lit("added")).when(removed, lit("removed")).otherwise(lit("changed"))?;
    let mut taken: HashSet<String> =
        contract.fields.iter().map(|field| field.name.clone()).collect();
    let mut label = |name: String| {
        let mut name = name;
        while !taken.insert(name.clone()) {
            name.push('_');
        }
        name
    };
    let mut shown = vec![change.alias(label(CHANGE.to_owned()))];
    shown.extend(
        key.iter().map(|field| coalesce(vec![of(NEW, field), of(OLD, field)]).alias(&field.name)),
    );
    for field in rest() {
        shown.push(of(OLD, field).alias(label(format!("{}_old", field.name))));
        shown.push(of(NEW, field).alias(label(format!("{}_new", field.name))));
    }
    let order = key
        .iter()
        .map(|field| Expr::Column(Column::new_unqualified(&field.name)).sort(true, false))
        .collect::<Vec<_>>();
    joined.filter(differs)?.project(shown)?.sort(order)
}

//! A statement over the tables of its request: those that it may see, its parameters, and its plan.

use std::{collections::HashMap, sync::Arc};

use datafusion::{
    catalog::TableProvider,
    common::{DataFusionError, ParamValues, metadata::ScalarAndMetadata},
    execution::{SessionState, SessionStateBuilder, context::SQLOptions, runtime_env::RuntimeEnv},
    logical_expr::LogicalPlan,
    physical_plan::ExecutionPlan,
    scalar::ScalarValue,
};
use hub_lake::Snapshot;
use hub_model::{Contract, DatasetId, Field};

use super::{Inner, QueryRequest};
use crate::{
    alias, align, catalog,
    classify::{asking, is_broken_plan},
    error::{Position, QueryError},
    explain, latest,
    parse::{self, TableName},
    quality,
    rollup::UseRollups,
    session::task_context,
    stream::{Planned, Said},
    suggest::nearest,
    table::{Exposed, provider},
    units,
};

impl Inner {
    pub(crate) async fn plan_sql(
        &self,
        request: QueryRequest,
        parameters: ParamValues,
        environment: Arc<RuntimeEnv>,
    ) -> datafusion::common::Result<Planned> {
        let snapshots: Vec<Snapshot> =
            request.tables.iter().map(|table| table.snapshot.clone()).collect();
        let (state, plan, said) = self.plan_logically(request, parameters).await?;
        let plan = latest::only_newest(plan, self).await?;
        let plan = loop {
            let planned = physical(&state, &plan).await?;
            if self.scans.proofs.hold(&planned, &snapshots, &self.scans.store).await? {
                break planned;
            }
        };
        Ok(Planned {
            plan: explain::without_keys(plan),
            context: task_context(&state, environment),
            said,
        })
    }

    /// The session of a statement, its plan before any rule, and what is said of its answer.
    pub(super) async fn plan_logically(
        &self,
        request: QueryRequest,
        parameters: ParamValues,
    ) -> datafusion::common::Result<(SessionState, LogicalPlan, Said)> {
        let (names, aligned) = (&request.query.names, &request.query.aligned);
        let contracts: Vec<&Contract> =
            request.tables.iter().map(|table| table.contract.as_ref()).collect();
        let rollups = request.rollups && self.uses_rollups();
        let mut providers: Vec<(DatasetId, String, Arc<dyn TableProvider>)> = Vec::new();
        let mut left_out = Vec::new();
        for table in &request.tables {
            let dataset = &table.snapshot.dataset;
            let name = dataset.to_string();
            for judged in [true, false] {
                let wanted = if judged { &names.judged } else { &names.complete };
                if !wanted.contains(&name) {
                    continue;
                }
                let exposed = alias::exposed(&table.contract, &contracts, names, judged);
                let provider = provider(table, exposed, &self.tables, &self.scans, rollups).await?;
                let shown = if judged {
                    let used = |field: &Field| quality::uses(names, field);
                    left_out.extend(quality::left_out(&table.snapshot, &table.contract, used));
                    dataset.name().to_owned()
                } else {
                    parse::complete_name(dataset.name())
                };
                providers.push((dataset.clone(), shown, provider));
            }
            if names.aligned.contains(&name) {
                let exposed = Exposed::judged(&table.contract);
                let provider = provider(table, exposed, &self.tables, &self.scans, rollups).await?;
                providers.push((dataset.clone(), align::inner_name(dataset.name()), provider));
                for call in aligned.iter().filter(|call| call.dataset == *dataset) {
                    let measured = align::measured(call, &table.contract).map_err(external)?;
                    let said = quality::left_out(&table.snapshot, &table.contract, |f| {
                        measured.contains(&f)
                    });
                    left_out.extend(
                        said.into_iter()
                            .filter(|said| !left_out.contains(said))
                            .collect::<Vec<_>>(),
                    );
                }
            }
        }
        let catalogs = catalog::of_tables(providers)?;
        if names.information_schema {
            catalog::add_information_schema(&catalogs, &request.listed)?;
        }
        let state = self.sessions.for_sql(catalogs);
        let owned = |(from, to): (&str, &str)| (from.to_owned(), to.to_owned());
        let mut labels: Vec<(String, String)> =
            alias::shown_by_wildcard(&contracts, names).into_iter().map(owned).collect();
        let headings = request.query.headings;
        let mut statement = request.query.statement;
        let contract = |dataset: &DatasetId| {
            let table = request.tables.iter().find(|table| table.snapshot.dataset == *dataset);
            table.map(|table| {
                let has_rollups = table.snapshot.files.iter().any(|file| file.rollups.is_some());
                (table.contract.as_ref(), rollups && has_rollups)
            })
        };
        let named = request.tables.iter();
        let named = named.map(|table| (&table.snapshot.dataset, table.contract.as_ref()));
        alias::write_out(&mut statement, named, &contracts, names).map_err(external)?;
        align::write_out(&mut statement, aligned, names, &contracts, contract).map_err(external)?;
        let statement = explain::plannable(statement);
        let plan = state.statement_to_plan(statement).await?;
        SQLOptions::new()
            .with_allow_ddl(false)
            .with_allow_dml(false)
            .with_allow_statements(false)
            .verify_plan(&plan)?;
        let planned: Vec<&str> = plan.schema().fields().iter().map(|f| f.name().as_str()).collect();
        labels.extend(headings.shown(&planned).into_iter().map(owned));
        let plan = units::own_units_written(plan.with_param_values(parameters)?)?;
        let units = Some(units::of_answer(&plan)?);
        let said = Said { labels, units, metadata: quality::metadata(left_out) };
        Ok((state, plan, said))
    }
}

/// The plan that runs. Where the engine finds that what its rules made of rollups does not hold together, the
/// rows are read in their place.
async fn physical(
    state: &SessionState,
    plan: &LogicalPlan,
) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
    match state.create_physical_plan(plan).await {
        Err(error) if is_broken_plan(&error) => {
            let Some(rules) = UseRollups::left_out_of(state.optimizers()) else {
                return Err(error);
            };
            // The error has the plan in it, and so what people ask about.
            tracing::warn!("a plan did not hold together and is made once more without rollups");
            let builder = SessionStateBuilder::new_from_existing(state.clone());
            builder.with_optimizer_rules(rules).build().create_physical_plan(plan).await
        }
        planned => planned,
    }
}

fn external(error: QueryError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// The values of a statement's parameters.
pub(super) fn parameters(values: &[serde_json::Value]) -> Result<ParamValues, QueryError> {
    let values = values.iter().zip(1..).map(|(value, number)| {
        let value = match value {
            serde_json::Value::Null => ScalarValue::Null,
            serde_json::Value::Bool(value) => ScalarValue::Boolean(Some(*value)),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(whole) => ScalarValue::Int64(Some(whole)),
                None => ScalarValue::Float64(number.as_f64()),
            },
            serde_json::Value::String(text) => ScalarValue::Utf8View(Some(text.clone())),
            serde_json::Value::Array(_) | serde_json::Value::Object(_) => {
                return Err(QueryError::request(format!(
                    "parameter ${number} is a list or an object; give texts, numbers, true, false or null, \
                     and for a list one parameter each: IN ($1, $2)"
                )));
            }
        };
        Ok(ScalarAndMetadata::from(value))
    });
    Ok(ParamValues::List(values.collect::<Result<_, _>>()?))
}

/// Refuses tables that the request does not hold, naming near ones of those that may be listed. A table
/// that exists and may not be seen is spoken of like one that does not exist.
pub(super) fn check_tables(request: &QueryRequest) -> Result<(), QueryError> {
    let readable: HashMap<String, ()> =
        request.tables.iter().map(|table| (table.snapshot.dataset.to_string(), ())).collect();
    for table in request.query.tables() {
        let name = shown(table);
        if readable.contains_key(&name) && table.agency.is_some() {
            continue;
        }
        let listed: Vec<String> = request.listed.iter().map(|(id, _)| id.to_string()).collect();
        let mut suggestions = nearest(&name, listed.iter().map(String::as_str));
        if table.agency.is_none() {
            let same = request.listed.iter().filter(|(id, _)| id.name() == table.dataset);
            suggestions.splice(0..0, same.map(|(id, _)| id.to_string()));
            suggestions.dedup();
            suggestions.truncate(3);
        }
        let message = match table.agency {
            Some(_) => format!("there is no dataset {name:?}"),
            None => format!("{name:?} is not a dataset; write agency.dataset"),
        };
        return Err(QueryError::InvalidSql {
            message: asking(&message, &suggestions),
            // A text in the place of a name has none.
            position: (table.line > 0)
                .then_some(Position { line: table.line, column: table.column }),
            suggestions,
        });
    }
    Ok(())
}

fn shown(table: &TableName) -> String {
    match &table.agency {
        Some(agency) => format!("{agency}.{}", table.dataset),
        None => table.dataset.clone(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use datafusion::{
        common::config::ConfigOptions, logical_expr::LogicalPlanBuilder, optimizer::Optimizer,
        physical_optimizer::PhysicalOptimizerRule,
    };

    use super::*;
    use crate::classify;

    /// Finds the first so many plans not to hold together, as the engine's own check words it.
    #[derive(Debug)]
    struct Breaks(AtomicUsize);

    impl PhysicalOptimizerRule for Breaks {
        fn optimize(
            &self,
            plan: Arc<dyn ExecutionPlan>,
            _: &ConfigOptions,
        ) -> datafusion::common::Result<Arc<dyn ExecutionPlan>> {
            let left = self.0.load(Ordering::Relaxed);
            self.0.store(left.saturating_sub(1), Ordering::Relaxed);
            if left == 0 {
                return Ok(plan);
            }
            let message =
                "Plan: [\"SortExec\", \"  part-01.parquet\"] does not satisfy order requirements";
            Err(DataFusionError::Plan(message.to_owned()))
        }

        fn name(&self) -> &str {
            "breaks"
        }

        fn schema_check(&self) -> bool {
            true
        }
    }

    #[tokio::test]
    async fn a_plan_that_does_not_hold_together_is_made_once_more_without_rollups() {
        let plan = LogicalPlanBuilder::empty(true).build().unwrap();
        let state = |rollups: bool, broken: usize| {
            let rules = Optimizer::new().rules;
            let rules = if rollups { UseRollups::among(rules) } else { rules };
            SessionStateBuilder::new_with_default_features()
                .with_optimizer_rules(rules)
                .with_physical_optimizer_rule(Arc::new(Breaks(AtomicUsize::new(broken))))
                .build()
        };
        assert!(physical(&state(true, 1), &plan).await.is_ok());
        for (rollups, broken) in [(true, 2), (false, 1)] {
            let error = physical(&state(rollups, broken), &plan).await.unwrap_err();
            // It is the hub's own fault, and nothing of the plan is shown.
            let said = classify::classify(&error, &classify::Context::default());
            assert_eq!(said.kind(), hub_model::ErrorKind::Internal, "{said:?}");
            assert_eq!(said.ja(), None);
            assert!(!said.to_string().contains("part-01"), "{said}");
        }
    }
}

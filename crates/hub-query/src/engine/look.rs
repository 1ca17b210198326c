//! What can be told of a statement by planning it alone: what it will cost, and where its columns come from.

use std::sync::Arc;

use datafusion::common::ParamValues;
use hub_lake::Snapshot;

use super::{
    Inner, QueryEngine, QueryRequest,
    plan::{check_tables, parameters},
};
use crate::{
    classify::classify, cost::Cost, error::QueryError, explain, latest, limits::Running,
    lineage::Lineage,
};

impl QueryEngine {
    /// What a statement will cost, by its plan. It runs nothing of it, and may look for the newest times of
    /// files that it would then read.
    pub async fn cost(&self, request: QueryRequest) -> Result<Cost, QueryError> {
        let snapshots: Vec<Snapshot> =
            request.tables.iter().map(|table| table.snapshot.clone()).collect();
        self.look_at(request, async move |inner, _, request, parameters| {
            let (state, plan, _) = inner.plan_logically(request, parameters).await?;
            let plan = latest::only_newest(plan, &inner).await?;
            let plan = explain::without_keys(state.create_physical_plan(&plan).await?);
            let memory = inner.sessions.memory_per_query() as u64;
            Ok(Cost::of(&plan, &snapshots, memory))
        })
        .await
    }

    /// Where each column of a statement's answer comes from. It runs nothing of it.
    pub async fn lineage(&self, request: QueryRequest) -> Result<Lineage, QueryError> {
        self.look_at(request, async move |inner, _, request, parameters| {
            let tables = request.tables.clone();
            let (_, plan, said) = inner.plan_logically(request, parameters).await?;
            let contracts: Vec<_> = tables
                .iter()
                .map(|table| (table.snapshot.dataset.clone(), table.contract.as_ref()))
                .collect();
            let mut lineage = Lineage::of(&plan, &contracts)?;
            for column in &mut lineage.columns {
                let labels = &said.labels;
                if let Some((_, shown)) = labels.iter().find(|(label, _)| *label == column.name) {
                    column.name.clone_from(shown);
                }
            }
            Ok(lineage)
        })
        .await
    }

    /// Plans a statement as running it does, and answers what `look` tells of it. Planning takes a place as
    /// running does, since it may take as long as a small query.
    async fn look_at<T: Send + 'static>(
        &self,
        request: QueryRequest,
        look: impl AsyncFnOnce(
            Arc<Inner>,
            Arc<Running>,
            QueryRequest,
            ParamValues,
        ) -> datafusion::common::Result<T>
        + Send
        + 'static,
    ) -> Result<T, QueryError> {
        check_tables(&request)?;
        let parameters = parameters(&request.parameters)?;
        let context = self.inner.context(&request);
        let inner = Arc::clone(&self.inner);
        let permit = self.inner.admission.enter().await?;
        let running = Arc::new(Running::new(&self.inner.counters, permit));
        let planning = self.inner.runtime.handle()?.spawn_blocking(move || {
            tokio::runtime::Handle::current().block_on(look(inner, running, request, parameters))
        });
        let told = planning.await.map_err(|error| QueryError::internal(error.to_string()))?;
        told.map_err(|error| classify(&error, &context))
    }
}

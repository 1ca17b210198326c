//! The worker that runs queries in the background, one after another or some at once.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use chrono::{DateTime, Utc};
use futures::StreamExt;
use hub_model::{ErrorKind, Principal, QueryId};
use hub_query::{AnswerHeader, EncodeOptions, OutputFormat, ScanProgress};
use hub_registry::{QueryProblem, QueryRecord, QueryResult};
use sha2::{Digest, Sha256};
use tokio::{sync::Semaphore, time::sleep};
use tokio_util::sync::CancellationToken;

use super::{Running, progress, request, stored};
use crate::{Answer, App, AppError, app::Inner, spool::hex};

/// How long a node is not heard of before it is taken for dead.
const LEASE: Duration = Duration::from_secs(30);
/// How often a node says that it is at work.
const BEAT: Duration = Duration::from_secs(3);
/// How often a node looks for queries that were asked at others or that others lost, and for expired ones.
const LOOK: Duration = Duration::from_secs(5);
/// How long a query waits before it asks again for a place among those that run.
const PLACE_PAUSE: Duration = Duration::from_millis(200);
/// How many expired queries are removed at a time.
const EXPIRED: usize = 100;

impl App {
    /// Runs queries in the background, and looks after those of nodes that died, until the application stops.
    pub fn start_queries(&self) {
        let app = self.clone();
        self.inner.tasks.spawn(async move {
            if !app.inner.config.shared_registry
                && let Err(error) = app.inner.registry.end_leases().await
            {
                tracing::warn!(%error, "queries of an earlier process wait until their leases end");
            }
            let at_once = app.inner.config.query_jobs.at_once;
            if at_once > 0 {
                app.inner.tasks.spawn(app.clone().run_queries(at_once));
            }
            app.look_after_queries().await;
        });
    }

    /// Runs so many queries at once.
    async fn run_queries(self, at_once: usize) {
        let Inner { registry, jobs, stopping, tasks, .. } = self.inner.as_ref();
        let places = Arc::new(Semaphore::new(at_once));
        loop {
            let place = Arc::clone(&places).acquire_owned();
            let place = tokio::select! {
                biased;
                () = stopping.cancelled() => return,
                place = place => place,
            };
            let Ok(place) = place else { return };
            match registry.claim_query(&jobs.node, self.lease_until()).await {
                Ok(Some(query)) => {
                    let worker = self.clone();
                    tasks.spawn(async move {
                        worker.carry_out_query(query).await;
                        drop(place);
                    });
                }
                found => {
                    if let Err(error) = found {
                        tracing::warn!(%error, "no query could be taken up");
                    }
                    drop(place);
                    tokio::select! {
                        () = stopping.cancelled() => return,
                        () = jobs.asked.notified() => {}
                        () = sleep(LOOK) => {}
                    }
                }
            }
        }
    }

    /// Removes queries whose time is over, and sees to those whose node died: also on a node that runs none
    /// itself, or whose places are all taken, so that none is said to run where nobody is at it.
    async fn look_after_queries(&self) {
        loop {
            if let Err(error) = self.see_to_queries().await {
                tracing::warn!(%error, "queries that expired or were abandoned are seen to later");
            }
            tokio::select! {
                () = self.inner.stopping.cancelled() => return,
                () = sleep(LOOK) => {}
            }
        }
    }

    async fn see_to_queries(&self) -> Result<(), AppError> {
        self.remove_expired_queries().await?;
        let abandoned = QueryProblem {
            kind: format!("{:?}", ErrorKind::Unavailable),
            detail: "the hub stopped twice while it ran the query; ask it again, in smaller parts \
                     where it may have been too much"
                .to_owned(),
        };
        let registry = &self.inner.registry;
        registry.fail_abandoned_queries(&abandoned, self.kept_until()).await?;
        if registry.free_abandoned_queries().await? > 0 {
            self.inner.jobs.asked.notify_one();
        }
        Ok(())
    }

    async fn remove_expired_queries(&self) -> Result<(), AppError> {
        for query in self.inner.registry.expired_queries(EXPIRED).await? {
            // The record goes last: what is left of a query that was removed half is removed again.
            self.inner.lake.forget_query_results(&query.id).await?;
            self.inner.registry.remove_query(&query.id).await?;
        }
        Ok(())
    }

    /// Runs a query that this node holds to its end, or to where it is stopped or taken back.
    async fn carry_out_query(&self, query: QueryRecord) {
        let running =
            Running { progress: ScanProgress::default(), cancel: CancellationToken::new() };
        self.inner.jobs.running.lock().insert(query.id, running.clone());
        let outcome = tokio::select! {
            biased;
            () = self.inner.stopping.cancelled() => Outcome::Stopped,
            () = running.cancel.cancelled() => Outcome::Lost,
            () = self.hold_lease(&query.id, &running.progress) => Outcome::Lost,
            result = self.produce(&query, &running.progress) => Outcome::Ended(result),
        };
        self.inner.jobs.running.lock().remove(&query.id);
        if let Err(error) = self.settle(&query, &running.progress, outcome).await {
            // The lease runs out, and the query is taken up again.
            tracing::warn!(%error, query = %query.id, "the end of a query was not recorded");
        }
    }

    /// Says again and again that this node is at work; returns where the query is its no longer.
    async fn hold_lease(&self, id: &QueryId, watched: &ScanProgress) {
        loop {
            sleep(BEAT).await;
            let (node, until) = (&self.inner.jobs.node, self.lease_until());
            match self.inner.registry.keep_query(id, node, until, &progress(watched)).await {
                Ok(true) => {}
                Ok(false) => return,
                // The lease outlives a few beats that don't come through.
                Err(error) => tracing::warn!(%error, query = %id, "a lease was not prolonged"),
            }
        }
    }

    /// Runs the statement as its owner would, and keeps what comes of it.
    async fn produce(
        &self,
        query: &QueryRecord,
        watched: &ScanProgress,
    ) -> Result<QueryResult, AppError> {
        let principal = self.owner_of(query).await?;
        let answer = self.begin_query(&principal, query, watched).await?;
        let rows = answer.stream.row_counter();
        let header = AnswerHeader {
            sources: answer.sources.clone(),
            query_id: query.id.to_string(),
            ..AnswerHeader::default()
        };
        let options = EncodeOptions::default();
        let pieces = hub_query::encode(answer.stream, OutputFormat::Parquet, header, options);
        let mut pieces = std::pin::pin!(pieces);
        let mut writer = self.inner.lake.write_query_result(&query.id, query.attempts);
        let mut sha256 = Sha256::new();
        while let Some(piece) = pieces.next().await {
            let written = match piece {
                Ok(piece) => {
                    sha256.update(&piece);
                    writer.write(piece).await.map_err(AppError::from)
                }
                Err(error) => Err(error.into()),
            };
            if let Err(error) = written {
                writer.abort().await;
                return Err(error);
            }
        }
        let bytes = writer.finish().await?;
        Ok(QueryResult {
            rows: rows.load(Ordering::Relaxed),
            bytes,
            sha256: hex(&sha256.finalize()),
            sources: answer.sources,
        })
    }

    /// The first batch of a query, once there is a place among those that run.
    async fn begin_query(
        &self,
        principal: &Principal,
        query: &QueryRecord,
        watched: &ScanProgress,
    ) -> Result<Answer, AppError> {
        let time_limit = self.inner.config.query_jobs.time_limit;
        loop {
            let prepared = self.prepare_kept(principal, request(stored(query)?)).await?;
            match prepared.run_watched(time_limit, watched.clone()).await {
                Err(error) if error.kind() == ErrorKind::Busy => sleep(PLACE_PAUSE).await,
                outcome => return outcome,
            }
        }
    }

    /// Who asked, if the token still opens anything.
    async fn owner_of(&self, query: &QueryRecord) -> Result<Principal, AppError> {
        let token = self.inner.registry.token(&query.token).await?;
        let now = self.inner.clock.now();
        let valid = token.filter(|token| {
            token.revoked_at.is_none() && token.expires_at.is_none_or(|expires| expires > now)
        });
        let token = valid.ok_or(AppError::Unauthenticated(
            "the token that asked this was revoked or has expired before it was run",
        ))?;
        Ok(Principal::Token {
            id: token.id,
            name: token.name,
            role: token.role,
            agency: token.agency,
        })
    }

    async fn settle(
        &self,
        query: &QueryRecord,
        watched: &ScanProgress,
        outcome: Outcome,
    ) -> Result<(), AppError> {
        let (registry, node) = (&self.inner.registry, &self.inner.jobs.node);
        let is_recorded = match outcome {
            Outcome::Stopped => {
                registry.give_query_back(&query.id, node).await?;
                return Ok(());
            }
            Outcome::Lost => false,
            Outcome::Ended(result) => {
                let metrics = &self.inner.metrics;
                metrics.count_query(result.as_ref().err().map(AppError::kind));
                let result = result.map_err(|error| told(&error, query));
                let progress = progress(watched);
                registry
                    .finish_query(&query.id, node, &progress, result.as_ref(), self.kept_until())
                    .await?
            }
        };
        // Where another node is at it by now, it writes under a name of its own.
        if !is_recorded && !registry.has_query(&query.id).await? {
            self.inner.lake.forget_query_results(&query.id).await?;
        }
        Ok(())
    }

    fn lease_until(&self) -> DateTime<Utc> {
        self.inner.clock.now() + LEASE
    }

    fn kept_until(&self) -> DateTime<Utc> {
        self.inner.clock.now() + self.inner.config.query_jobs.keep
    }
}

/// How this node's work on a query ended.
enum Outcome {
    /// The application stops.
    Stopped,
    /// It was taken back, or another node has it.
    Lost,
    /// By itself.
    Ended(Result<QueryResult, AppError>),
}

/// An error as its owner is to read it; what is not for callers goes into the log.
fn told(error: &AppError, query: &QueryRecord) -> QueryProblem {
    let kind = error.kind();
    let detail = match kind {
        ErrorKind::Internal => {
            tracing::error!(error = error as &dyn std::error::Error, query = %query.id, "a query failed");
            "the hub could not do this, and it is not your doing; quote the query's id when you ask for help"
                .to_owned()
        }
        ErrorKind::Unavailable => {
            tracing::warn!(error = error as &dyn std::error::Error, query = %query.id, "a query failed");
            "a store behind the hub does not answer; ask the query again".to_owned()
        }
        _ => error.to_string(),
    };
    QueryProblem { kind: format!("{kind:?}"), detail }
}

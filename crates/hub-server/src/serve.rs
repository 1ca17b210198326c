//! A running hub: composed from its configuration, listening, and stopped in order.

mod listen;
mod prompt;

use std::{
    io::Write,
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    time::Duration,
};

use hub_app::{App, AppConfig, AppError, Decoding, Parts, PermalinkLimits, QueryJobLimits};
use hub_intake::worker::WorkerConfig;
use hub_lake::{Lake, LakeConfig};
use hub_query::{EngineConfig, QueryEngine, SqlBounds};
use hub_registry::{Clock, Registry};
use tokio_util::sync::CancellationToken;

use crate::{
    config::{Config, UploadsConfig},
    router::router,
    state::ServerState,
};

/// Why a hub does not start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The data folder cannot be used.
    #[error("{path} can't be used")]
    Folder {
        /// The file or folder.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// Another process has the folder, or the registry's file.
    #[error(
        "another hub is running on {path}: stop it, or give this one a data folder of its own (--data-dir)"
    )]
    InUse {
        /// What it has.
        path: String,
    },
    /// The address cannot be listened on.
    #[error("can't listen on {address}; choose another address with --listen")]
    Listen {
        /// The address.
        address: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The registry cannot be opened.
    #[error("the registry can't be opened")]
    Registry(#[from] hub_registry::RegistryError),
    /// The lake cannot be opened.
    #[error(transparent)]
    Lake(#[from] hub_lake::LakeError),
    /// The query engine cannot be made.
    #[error("the query engine can't be started")]
    Query(#[from] hub_query::QueryError),
    /// What was left half done cannot be ended.
    #[error("what an earlier process left half done can't be ended")]
    Recover(#[from] AppError),
}

impl ServeError {
    fn folder(path: &Path, source: std::io::Error) -> Self {
        Self::Folder { path: path.display().to_string(), source }
    }
}

/// A hub that listens.
#[derive(Debug)]
pub struct RunningHub {
    /// The address it listens on.
    pub address: SocketAddr,
    /// The first admin token, where this start made it.
    pub admin_token: Option<String>,
    /// Held as long as the hub runs.
    _locks: Vec<std::fs::File>,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

impl RunningHub {
    /// Waits for the hub to end by itself, which it does only when stopped.
    pub async fn wait(&mut self) {
        // A panic of the task is logged by its own handler; there is nothing left to wait for.
        let _ = (&mut self.task).await;
    }

    /// Accepts nothing new, lets open requests end within the configured time, and closes.
    pub async fn stop(mut self) {
        self.stop.cancel();
        self.wait().await;
    }
}

/// Composes a hub, recovers what a dead process left, and listens.
pub async fn start(config: &Config) -> Result<RunningHub, ServeError> {
    let data_dir = &config.server.data_dir;
    std::fs::create_dir_all(data_dir).map_err(|error| ServeError::folder(data_dir, error))?;
    let owned = config.owned_by_one_process();
    let locks = owned.iter().map(|(what, file)| lock(what, file)).collect::<Result<_, _>>()?;
    let app = compose(config).await?;
    let listener = tokio::net::TcpListener::bind(&config.server.listen)
        .await
        .map_err(|source| ServeError::Listen { address: config.server.listen.clone(), source })?;
    let address = listener
        .local_addr()
        .map_err(|source| ServeError::Listen { address: config.server.listen.clone(), source })?;
    let admin_token = first_admin_token(&app, &data_dir.join("admin-token")).await?;
    let path = data_dir.join("listen-address");
    std::fs::write(&path, address.to_string()).map_err(|error| ServeError::folder(&path, error))?;
    let router = router(ServerState::new(app.clone(), &config.server), &config.server.cors_origins);
    let stop = CancellationToken::new();
    let limits = listen::Limits {
        connections: config.server.max_connections,
        header_timeout: Duration::from_millis(config.server.header_timeout_ms),
        stop_timeout: Duration::from_millis(config.server.stop_timeout_ms),
    };
    let task = tokio::spawn(listen::listen(listener, router, app, limits, stop.clone()));
    tracing::info!(%address, data_dir = %data_dir.display(), "the hub is ready");
    Ok(RunningHub { address, admin_token, _locks: locks, stop, task })
}

/// Keeps other hubs off what is one process's own; the system lets go of it when the process ends, however
/// that comes about.
fn lock(what: &Path, file: &Path) -> Result<std::fs::File, ServeError> {
    let opened = std::fs::File::create(file).map_err(|error| ServeError::folder(file, error))?;
    match opened.try_lock() {
        Ok(()) => Ok(opened),
        Err(std::fs::TryLockError::WouldBlock) => {
            Err(ServeError::InUse { path: what.display().to_string() })
        }
        Err(std::fs::TryLockError::Error(error)) => Err(ServeError::folder(file, error)),
    }
}

/// Makes the first admin's token, where the hub has none. It is in the file before it is good, so that
/// a start that fails in between leaves no hub whose only key is lost.
async fn first_admin_token(app: &App, path: &Path) -> Result<Option<String>, ServeError> {
    let Some(drawn) = app.draw_first_admin_token().await? else { return Ok(None) };
    let secret = drawn.reveal().to_owned();
    write_secret(path, &secret).map_err(|error| ServeError::folder(path, error))?;
    if app.accept_first_admin_token(drawn).await?.is_some() {
        return Ok(Some(secret));
    }
    tracing::info!(
        "another process of this hub made the first admin token and keeps it in its data folder"
    );
    if std::fs::read_to_string(path).is_ok_and(|kept| kept.trim_end() == secret) {
        std::fs::remove_file(path).map_err(|error| ServeError::folder(path, error))?;
    }
    Ok(None)
}

async fn compose(config: &Config) -> Result<App, ServeError> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let or_cores = |threads: usize| if threads == 0 { cores } else { threads };
    let scratch = config.server.data_dir.join("scratch");
    let spill = config.server.data_dir.join("spill");
    empty(&spill).map_err(|error| ServeError::folder(&spill, error))?;
    let clock = Clock::system();
    let registry = Registry::connect(&config.registry_url(), clock.clone()).await?;
    let lake = Lake::open(&LakeConfig {
        url: config.lake_url(),
        options: config.lake.options.clone().into_iter().collect(),
    })?;
    let engine_config = EngineConfig {
        memory_bytes: config.queries.memory_bytes,
        memory_bytes_per_query: config.queries.memory_bytes_each,
        spill_bytes_per_query: config.queries.spill_bytes_each,
        spill_folder: Some(spill),
        max_running: config.queries.at_once,
        max_waiting: config.queries.waiting,
        max_wait: Duration::from_millis(config.queries.wait_ms),
        time_limit: Duration::from_millis(config.queries.timeout_ms),
        max_output_rows: limit(config.queries.max_rows),
        max_output_bytes: limit(config.queries.max_answer_bytes),
        threads: or_cores(config.queries.threads),
        rollups: config.queries.rollups,
        page_cache_bytes: config.queries.page_cache_bytes,
        target_partitions: or_cores(config.queries.threads),
        ..EngineConfig::default()
    };
    let engine = QueryEngine::new(engine_config, lake.object_store())?;
    let app_config = AppConfig {
        scratch_folder: scratch,
        partial_folder: config.server.data_dir.join("partial"),
        max_upload_bytes: config.uploads.max_bytes,
        uploads_at_once: config.uploads.at_once,
        upload_memory_bytes: config.uploads.memory_bytes,
        upload_threads: or_cores(config.uploads.threads),
        body_pause_ms: config.uploads.pause_ms,
        keep_rejected_s: config.uploads.keep_rejected_days.saturating_mul(86_400),
        report_cap: config.uploads.report_cap,
        decoding: decoding(&config.uploads),
        sql_bounds: SqlBounds { max_bytes: config.queries.max_sql_bytes, ..SqlBounds::default() },
        kept_answer_bytes: config.queries.kept_answer_bytes,
        kept_answer_bytes_each: config.queries.kept_answer_bytes_each,
        compact_after_files: config.upkeep.compact_after_files,
        vacuum_every_s: config.upkeep.vacuum_every_s,
        vacuum_grace_s: config.upkeep.vacuum_grace_s,
        query_jobs: QueryJobLimits {
            at_once: config.queries.background_at_once,
            time_limit: Duration::from_millis(config.queries.background_timeout_ms),
            keep: Duration::from_secs(config.queries.background_keep_s),
            per_token: config.queries.background_per_token,
        },
        permalinks: PermalinkLimits {
            anonymous_per_hour: config.permalinks.anonymous_per_hour,
            token_per_hour: config.permalinks.token_per_hour,
        },
        shared_registry: config.shares_registry(),
    };
    let (app, upkeep) = App::new(Parts { registry, lake, engine, clock }, app_config);
    app.check_decoding().await?;
    let recovery = app.recover().await?;
    if recovery != hub_app::Recovery::default() {
        tracing::info!(?recovery, "ended uploads that an earlier process left under way");
    }
    app.start_upkeep(upkeep);
    app.start_queries();
    Ok(app)
}

/// The worker is this very program, also after the file it was started from was replaced by another.
fn decoding(config: &UploadsConfig) -> Decoding {
    if !config.worker {
        tracing::warn!("files are decoded in the hub's own process, as uploads.worker says");
        return Decoding::InProcess;
    }
    let program = if cfg!(target_os = "linux") {
        Ok(PathBuf::from("/proc/self/exe"))
    } else {
        std::env::current_exe()
    };
    let program = program.unwrap_or_else(|_| PathBuf::from("mochiyori"));
    Decoding::Worker(WorkerConfig {
        program,
        args: vec!["intake-worker".into()],
        memory_bytes: config.worker_memory_bytes,
        cpu_time: Duration::from_secs(config.worker_cpu_s),
        wait_time: Duration::from_secs(config.worker_wait_s),
    })
}

/// Makes a folder anew, without what a dead process left in it.
fn empty(folder: &Path) -> std::io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => std::fs::create_dir_all(folder),
    }
}

/// A limit as the configuration writes it, where 0 stands for none.
fn limit(value: u64) -> Option<u64> {
    (value > 0).then_some(value)
}

/// Writes a secret so that only the hub's own user can read it.
fn write_secret(path: &Path, secret: &str) -> std::io::Result<()> {
    // An older file may have wider rights, which opening it would keep.
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    writeln!(file, "{secret}")
}

//! The listening socket: connections are bounded in number, their heads in time, and closed in order.

use std::{sync::Arc, time::Duration};

use axum::Router;
use hub_app::App;
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto::Builder, graceful::GracefulShutdown},
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, sync::Semaphore};
use tokio_util::sync::CancellationToken;

use super::prompt::Prompt;

/// Bounds of the listening socket.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Connections open at once; more wait in the kernel's queue.
    pub(super) connections: usize,
    /// How long a request's head may take.
    pub(super) header_timeout: Duration,
    /// How long open requests may take to end at the stop.
    pub(super) stop_timeout: Duration,
}

/// Serves until `stop`, then finishes what is open or cuts it off after the time allowed.
pub(super) async fn listen(
    listener: TcpListener,
    router: Router,
    app: App,
    limits: Limits,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(limits.connections));
    let open = GracefulShutdown::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &places) => accepted,
        };
        let Some((stream, place)) = accepted else { continue };
        let mut builder = Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(limits.header_timeout);
        builder.http2().timer(TokioTimer::new()).keep_alive_interval(Duration::from_secs(30));
        let service = TowerToHyperService::new(router.clone());
        let stream = TokioIo::new(Prompt::new(stream, limits.header_timeout));
        let connection = builder.serve_connection(stream, service).into_owned();
        let connection = open.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(error, "a connection ended early");
            }
            drop(place);
        });
    }
    drop(listener);
    tracing::info!("stopping: no new requests are taken");
    let finished = async {
        open.shutdown().await;
        app.stop().await;
    };
    if tokio::time::timeout(limits.stop_timeout, finished).await.is_err() {
        tracing::warn!("requests were still open when the time to stop ran out");
    }
}

async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> Option<(tokio::net::TcpStream, tokio::sync::OwnedSemaphorePermit)> {
    let place = Arc::clone(places).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => {
            // Small answers should not wait for more to send.
            let _ = stream.set_nodelay(true);
            Some((stream, place))
        }
        Err(error) => {
            // Such as too many open files: others may close meanwhile.
            tracing::warn!(%error, "a connection could not be accepted");
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        }
    }
}

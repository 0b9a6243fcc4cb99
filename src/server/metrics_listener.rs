//! A listener for the metrics alone, which a scraper reaches and callers do not.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::App;
use tokio::task::JoinHandle;

use crate::http::{ConnectionLimits, Connections, HttpListener, HttpWorkers, mount_open_metrics, track_request};
use crate::settings::MetricsPlace;
use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::handle::ServerHandle;
use super::health::health;
use super::listener;
use super::metrics::PATH;

/// The limits of its connections, of which a scraper needs one.
const LIMITS: ConnectionLimits = ConnectionLimits {
    total: 64,
    per_peer: 32,
    stall_timeout: Duration::from_secs(10),
    stream_stall_timeout: Duration::from_secs(10),
    keep_alive: Duration::from_secs(120),
};

/// Time for the last responses at the end.
const END_TIMEOUT: Duration = Duration::from_secs(1);

/// A listener that serves the metrics and the health checks.
pub(super) struct MetricsListener {
    address: SocketAddr,
    http: HttpWorkers,
    watch: JoinHandle<()>,
}

impl MetricsListener {
    /// Listens, if the metrics are to have a listener of their own.
    ///
    /// # Errors
    /// If the address is not available.
    pub(super) async fn open(running: &ServerHandle) -> Result<Option<Self>> {
        let MetricsPlace::Listener { host, port } = &running.shared.metrics_mount.place else { return Ok(None) };
        let cannot = |error: std::io::Error| {
            let what = format_args!("cannot listen on {host}:{port} for the metrics ({error})");
            StartError::new(what, "choose another address with --metrics HOST:PORT").with_source(error)
        };
        let socket = listener::listen(host, *port).map_err(cannot)?;
        let address = socket.local_addr().map_err(cannot)?;
        let connections = Connections::new(LIMITS, Arc::default(), Arc::default());
        let listen = HttpListener {
            socket,
            connections: Arc::clone(&connections),
            tls: None,
            workers: 1,
            max_open: connections.max_open(),
            allow_half_closed: false,
        };
        let app = running.clone();
        let app = move || {
            let metrics = app.shared.metrics.clone();
            App::new()
                .configure(mount_open_metrics(PATH, metrics))
                .configure(health(app.clone()))
                .wrap_fn(track_request)
        };
        let http = listen.serve(app).await.map_err(cannot)?;
        Ok(Some(Self { address, http, watch: actix::spawn(connections.watch()) }))
    }

    /// Returns where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Ends it. It serves up to the end of the server, so that a scraper sees the drain.
    pub(super) async fn end(self) {
        self.http.close();
        let _ = self.http.end(END_TIMEOUT).await;
        self.watch.abort();
    }
}

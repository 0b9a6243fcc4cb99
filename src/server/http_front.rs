//! The front of a server over HTTP: its socket, the threads that serve it, and its end.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use actix_web::App;
use tokio::task::JoinHandle;

use crate::http::{ConnectionLimits, Connections, HttpListener, HttpWorkers, fast_path, track_request};
use crate::settings::Settings;
use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::handle::ServerHandle;
use super::{listener, tls};

/// Minimum time before a client that stalls, in whatever it does, is disconnected.
const MIN_STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// A socket that listens, of which nobody accepts connections yet.
pub(super) struct BoundSocket {
    socket: TcpListener,
    address: SocketAddr,
    tls: Option<tls::Tls>,
}

/// What serves HTTP.
pub(super) struct HttpFront {
    address: SocketAddr,
    workers: HttpWorkers,
    /// The tasks that close stalled connections and reload the certificate.
    helpers: Vec<JoinHandle<()>>,
}

impl BoundSocket {
    /// Binds the address.
    ///
    /// # Errors
    /// If the address is not available, or the certificate cannot be used.
    pub(super) fn bind(settings: &Settings, port: u16) -> Result<Self> {
        let tls = tls::open(settings)?;
        let cannot = |error| cannot_listen(settings, port, error);
        let socket = listener::listen(&settings.host, port).map_err(cannot)?;
        let address = socket.local_addr().map_err(cannot)?;
        Ok(Self { socket, address, tls })
    }

    /// Returns where the socket listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves HTTP.
    ///
    /// # Errors
    /// If the threads cannot be started, or the certificate cannot be used.
    pub(super) async fn serve(self, running: &ServerHandle, settings: &Settings) -> Result<HttpFront> {
        let Self { socket, address, tls } = self;
        let limits = ConnectionLimits {
            total: settings.max_connections,
            per_peer: settings.max_connections_per_peer,
            stall_timeout: settings.body_timeout.max(MIN_STALL_TIMEOUT),
            stream_stall_timeout: settings.websocket_stall,
            keep_alive: settings.keep_alive,
        };
        let config = &running.shared.endpoint_config;
        let connections =
            Connections::new(limits, Arc::clone(&config.counters.connections), Arc::clone(&config.proxies));
        let mut helpers = Vec::new();
        let tls = match tls {
            None => None,
            #[cfg(feature = "tls")]
            Some(tls) => {
                let config = Arc::new(tls.config()?);
                helpers.push(actix::spawn(tls.watch()));
                Some(config)
            }
            #[cfg(not(feature = "tls"))]
            Some(never) => match never {},
        };
        let listen = HttpListener {
            socket,
            connections: Arc::clone(&connections),
            tls,
            workers: settings.workers,
            max_open: connections.max_open(),
            allow_half_closed: settings.allow_half_closed,
        };
        let app = running.clone();
        let app = move || {
            App::new()
                .configure(app.routes())
                .wrap(app.shared.middleware.around(fast_path(app.shared.endpoints()), &app.shared.endpoints))
                .wrap_fn(track_request)
        };
        let workers = listen.serve(app).await.map_err(|error| cannot_listen(settings, address.port(), error))?;
        helpers.push(actix::spawn(connections.watch()));
        Ok(HttpFront { address, workers, helpers })
    }
}

impl HttpFront {
    /// Returns where it listens.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses new connections.
    pub(super) fn close(&self) {
        self.workers.close();
    }

    /// Waits until all open requests were answered, for at most this time. Returns whether all
    /// threads have ended.
    pub(super) async fn end(self, limit: Duration) -> bool {
        let ended = self.workers.end(limit).await;
        for helper in self.helpers {
            helper.abort();
        }
        ended
    }
}

fn cannot_listen(settings: &Settings, port: u16, error: std::io::Error) -> StartError {
    let what = format_args!("cannot listen on {}:{port} ({error})", settings.host);
    let (host, port) = (settings.source("host"), settings.source("port"));
    let fix = match error.kind() {
        ErrorKind::AddrInUse => {
            format!("stop what listens there, or choose another port (this one comes from: {port})")
        }
        ErrorKind::PermissionDenied => {
            format!("choose a port from 1024 on, or 0 for a free one (this one comes from: {port})")
        }
        _ => format!("choose an address of this machine, or 0.0.0.0 for all of them (this one comes from: {host})"),
    };
    StartError::new(what, fix).with_source(error)
}

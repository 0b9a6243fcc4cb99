//! A server with a socket of its own: its start, its signals, and its end.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use actix_web::App;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::http::{ConnectionLimits, Connections, HttpListener, HttpWorkers, fast_path, track_request};
use crate::settings::Settings;
use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::assemble::assemble;
use super::curl_example::curl_example;
use super::handle::ServerHandle;
use super::metrics_listener::MetricsListener;
use super::signals::{INTERRUPT, StopSignals};
use super::{LogReader, Server, listener, log, nats, tls, url};

/// Time for the last responses to reach their clients, if a thread is blocked and cannot be waited
/// for.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Time that connections have to end, from the request for a stop on: that of the calls, and time
/// for clients to read their responses.
fn connection_timeout(shutdown_timeout: Duration) -> Duration {
    shutdown_timeout + Duration::from_secs(10)
}

/// Minimum time before a client that stalls, in whatever it does, is disconnected.
const MIN_STALL_TIMEOUT: Duration = Duration::from_secs(10);

/// Serves HTTP until a signal arrives, then drains.
///
/// # Errors
/// If the server cannot start, and if a second signal ended it at once: the calls in progress are
/// lost.
pub(super) async fn serve(server: Server, settings: Settings) -> Result<()> {
    log::init(&settings, LogReader::Operator, server.service_name())?;
    let mut signals = StopSignals::new()?;
    let listening = ListeningServer::open(server, &settings).await?;
    let started = tokio::select! {
        started = listening.running.start() => Some(started),
        signal = signals.next() => {
            log_warn!(signal, "stopping before the services are up");
            None
        }
    };
    match started {
        Some(Err(error)) => {
            // The first error is the one to fix.
            let _ = listening.stop().await;
            return Err(error);
        }
        Some(Ok(())) => {
            listening.log_addresses(&settings);
            let signal = signals.next().await;
            if signal != INTERRUPT && !settings.shutdown_delay.is_zero() {
                listening.delay_shutdown(settings.shutdown_delay, &mut signals).await;
            }
            log_info!(signal, shutdown_timeout = ?settings.shutdown_timeout, "stopping: answering the admitted calls");
        }
        None => {}
    }
    tokio::select! {
        stopped = listening.stop() => stopped?,
        signal = signals.next_immediate() => {
            log_warn!(signal, "stopping at once");
            let what = format_args!("stopped at once by a second signal ({signal})");
            return Err(StartError::new(what, "calls in progress may have no response"));
        }
    }
    log_info!("stopped");
    Ok(())
}

/// A server that listens and serves HTTP.
pub(crate) struct ListeningServer {
    pub(crate) running: ServerHandle,
    pub(crate) address: SocketAddr,
    http: HttpWorkers,
    /// The listener of the metrics, if they have one of their own.
    metrics: Option<MetricsListener>,
    /// The tasks that close stalled connections and reload the certificate.
    helpers: Vec<JoinHandle<()>>,
}

impl ListeningServer {
    /// Listens, and starts the services. Returns once they are up.
    ///
    /// # Errors
    /// Those of [`open`](Self::open), and if a service cannot start.
    #[cfg(feature = "testing")]
    pub(crate) async fn start(server: Server, settings: &Settings) -> Result<Self> {
        let listening = Self::open(server, settings).await?;
        match listening.running.start().await {
            Ok(()) => Ok(listening),
            Err(error) => {
                let _ = listening.stop().await;
                Err(error)
            }
        }
    }

    /// Binds the address and serves HTTP. Calls wait in their mailboxes until their service is up.
    ///
    /// # Errors
    /// If the address is not available, and those of [`assemble`].
    async fn open(server: Server, settings: &Settings) -> Result<Self> {
        let cannot = |error: std::io::Error| {
            let what = format_args!("cannot listen on {}:{} ({error})", settings.host, settings.port);
            let (host, port) = (settings.source("host"), settings.source("port"));
            let fix = match error.kind() {
                ErrorKind::AddrInUse => {
                    format!("stop what listens there, or choose another port (this one comes from: {port})")
                }
                ErrorKind::PermissionDenied => {
                    format!("choose a port from 1024 on, or 0 for a free one (this one comes from: {port})")
                }
                _ => format!(
                    "choose an address of this machine, or 0.0.0.0 for all of them (this one comes from: {host})"
                ),
            };
            StartError::new(what, fix).with_source(error)
        };
        let tls = tls::open(settings)?;
        let socket = listener::listen(&settings.host, settings.port).map_err(cannot)?;
        let address = socket.local_addr().map_err(cannot)?;
        let nats = nats::connect(settings, server.service_name()).await?;
        let running = assemble(server, settings, &Arc::new(OnceLock::from(address)), nats)?;
        running.check_console_path().await?;
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
        let metrics = MetricsListener::open(&running).await?;
        let http = listen.serve(app).await.map_err(cannot)?;
        helpers.push(actix::spawn(connections.watch()));
        Ok(Self { running, address, http, metrics, helpers })
    }

    /// Logs the URLs of the endpoint and of the console, and a command that calls a method. All but
    /// the first have the public URL, if there is one.
    fn log_addresses(&self, settings: &Settings) {
        let mut base = url(settings.scheme(), self.address, "");
        log_info!(url = format!("{base}{}", settings.endpoint), "listening");
        if let (Some(public), Some(url)) = (&settings.public_url, settings.public_endpoint()) {
            log_info!(url, "public address");
            base.clone_from(public);
        }
        let endpoint = format!("{base}{}", settings.endpoint);
        if let Some(line) = curl_example(&self.running.shared.dispatch.router, &endpoint) {
            log_info!("try it: {line}");
        }
        if let Some(metrics) = &self.metrics {
            log_info!("metrics: http://{}{}", metrics.address(), super::metrics::PATH);
        }
        if let Some(path) = self.running.console_path() {
            log_info!("console: {base}{path}");
        }
    }

    /// Reports the server as not ready and serves on for `delay`, so that load balancers send their
    /// calls elsewhere before the stop begins.
    async fn delay_shutdown(&self, delay: Duration, signals: &mut StopSignals) {
        log_info!(?delay, "about to stop: reporting not ready, still serving calls");
        self.running.set_not_ready();
        self.running.leave_nats().await;
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            signal = signals.next_immediate() => log_info!(signal, "the shutdown delay is cut short"),
        }
    }

    /// Stops the services and the HTTP server: refuses new connections and answers open requests.
    ///
    /// # Errors
    /// If a method, or a handler of the program's own, blocks its thread and does not end.
    pub(crate) async fn stop(self) -> Result<()> {
        let until = Instant::now() + connection_timeout(self.running.shared.shutdown_timeout);
        self.http.close();
        let stopped = self.running.stop().await;
        // Connections whose thread is blocked never end, so waiting longer for them gains nothing.
        let limit = if stopped.is_ok() { until.saturating_duration_since(Instant::now()) } else { FLUSH_TIMEOUT };
        let ended = self.http.end(limit).await;
        if let Some(metrics) = self.metrics {
            metrics.end().await;
        }
        for helper in self.helpers {
            helper.abort();
        }
        stopped?;
        if !ended {
            let what = "a thread that serves HTTP did not end and was left running";
            return Err(StartError::new(what, "find out which handler of your own routes does not return"));
        }
        Ok(())
    }
}

//! A server with a socket of its own: its start, its signals, and its end.

#[cfg(feature = "testing")]
use std::net::SocketAddr;
use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::Instant;

use crate::settings::Settings;
use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::assemble::assemble;
use super::curl_example::curl_example;
use super::handle::ServerHandle;
use super::http_front::{BoundSocket, HttpFront};
use super::metrics_listener::MetricsListener;
use super::signals::{INTERRUPT, StopSignals};
use super::{LogReader, Server, log, nats, url};

/// Time for the last responses to reach their clients, if a thread is blocked and cannot be waited
/// for.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Time that connections have to end, from the request for a stop on: that of the calls, and time
/// for clients to read their responses.
fn connection_timeout(shutdown_timeout: Duration) -> Duration {
    shutdown_timeout + Duration::from_secs(10)
}

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

/// A server that takes calls: over HTTP, over NATS, or both.
pub(crate) struct ListeningServer {
    pub(crate) running: ServerHandle,
    /// What serves HTTP, unless the port is off.
    http: Option<HttpFront>,
    /// The listener of the metrics, if they have one of their own.
    metrics: Option<MetricsListener>,
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

    /// Returns where the server listens, if it does.
    #[cfg(feature = "testing")]
    pub(crate) fn address(&self) -> Option<SocketAddr> {
        self.http.as_ref().map(HttpFront::address)
    }

    /// Binds the address and serves HTTP. Calls wait in their mailboxes until their service is up.
    ///
    /// # Errors
    /// If the address is not available, and those of [`assemble`].
    async fn open(server: Server, settings: &Settings) -> Result<Self> {
        if settings.port.is_none() && settings.nats.is_none() {
            let what = format_args!("nobody could call this server: it has no port ({})", settings.source("port"));
            return Err(StartError::new(what, "give it a port, or the address of a NATS server with --nats"));
        }
        let socket = settings.port.map(|port| BoundSocket::bind(settings, port)).transpose()?;
        let address = socket.as_ref().map_or_else(OnceLock::new, |socket| OnceLock::from(socket.address()));
        let nats = nats::connect(settings, server.service_name()).await?;
        let running = assemble(server, settings, &Arc::new(address), nats)?;
        running.check_console_path().await?;
        let metrics = MetricsListener::open(&running).await?;
        let http = match socket {
            Some(socket) => Some(socket.serve(&running, settings).await?),
            None => None,
        };
        Ok(Self { running, http, metrics })
    }

    /// Logs the URLs of the endpoint and of the console, and a command that calls a method. All but
    /// the first have the public URL, if there is one.
    fn log_addresses(&self, settings: &Settings) {
        if let Some(metrics) = &self.metrics {
            log_info!("metrics: http://{}{}", metrics.address(), super::metrics::PATH);
        }
        let Some(http) = &self.http else { return };
        let mut base = url(settings.scheme(), http.address(), "");
        log_info!(url = format!("{base}{}", settings.endpoint), "listening");
        if let (Some(public), Some(url)) = (&settings.public_url, settings.public_endpoint()) {
            log_info!(url, "public address");
            base.clone_from(public);
        }
        let endpoint = format!("{base}{}", settings.endpoint);
        if let Some(line) = curl_example(&self.running.shared.dispatch.router, &endpoint) {
            log_info!("try it: {line}");
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
        if let Some(http) = &self.http {
            http.close();
        }
        let stopped = self.running.stop().await;
        // Connections whose thread is blocked never end, so waiting longer for them gains nothing.
        let limit = if stopped.is_ok() { until.saturating_duration_since(Instant::now()) } else { FLUSH_TIMEOUT };
        let ended = match self.http {
            Some(http) => http.end(limit).await,
            None => true,
        };
        if let Some(metrics) = self.metrics {
            metrics.end().await;
        }
        stopped?;
        if !ended {
            let what = "a thread that serves HTTP did not end and was left running";
            return Err(StartError::new(what, "find out which handler of your own routes does not return"));
        }
        Ok(())
    }
}

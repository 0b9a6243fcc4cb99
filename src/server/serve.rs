//! A server that listens: its start, its signals, and its end.

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
use super::signals::{INTERRUPT, StopSignals};
use super::{LogReader, Server, listener, log, tls, url};

/// How long the last answers may take to their clients when a thread cannot be waited for.
const FLUSH: Duration = Duration::from_secs(2);

/// How long open connections have after a stop that waits for calls for so long.
fn shutdown_timeout(drain: Duration) -> Duration {
    drain + Duration::from_secs(10)
}

/// The least time for which a client is waited for that stalls, in whatever it does.
const PATIENCE: Duration = Duration::from_secs(10);

/// Serves HTTP until a signal comes, then drains. A second signal ends it at once, and that is an error: what was under way is
/// lost.
pub(super) async fn serve(server: Server, settings: Settings) -> Result<()> {
    log::init(&settings, LogReader::Operator);
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
            // The first error is the one to mend.
            let _ = listening.stop().await;
            return Err(error);
        }
        Some(Ok(())) => {
            listening.introduce(&settings);
            let signal = signals.next().await;
            if signal != INTERRUPT && !settings.shutdown_delay.is_zero() {
                listening.leave(settings.shutdown_delay, &mut signals).await;
            }
            log_info!(signal, drain = ?settings.shutdown_timeout, "stopping: answering the calls that were let in");
        }
        None => {}
    }
    tokio::select! {
        stopped = listening.stop() => stopped?,
        signal = signals.next_in_earnest() => {
            log_warn!(signal, "stopping at once");
            let what = format_args!("stopped at once by a second signal ({signal})");
            return Err(StartError::new(what, "calls that were under way may have no answer"));
        }
    }
    log_info!("stopped");
    Ok(())
}

/// A server that listens and answers.
pub(crate) struct ListeningServer {
    pub(crate) running: ServerHandle,
    pub(crate) address: SocketAddr,
    http: HttpWorkers,
    /// What closes stalled connections, and what watches the certificate.
    helpers: Vec<JoinHandle<()>>,
}

impl ListeningServer {
    /// Binds and listens, starts the services, and returns once they are up.
    ///
    /// # Errors
    /// Those of [`open`](Self::open) and of the services' own starts.
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

    /// Binds and listens: from then on calls wait in their mailboxes until their service is up.
    ///
    /// # Errors
    /// If the address cannot be had, and those of [`assemble`].
    async fn open(server: Server, settings: &Settings) -> Result<Self> {
        let cannot = |error: std::io::Error| {
            let what = format_args!("cannot listen on {}:{} ({error})", settings.host, settings.port);
            let (host, port) = (settings.source("host"), settings.source("port"));
            let fix = match error.kind() {
                ErrorKind::AddrInUse => format!("stop what listens there, or choose another port (this one: {port})"),
                ErrorKind::PermissionDenied => {
                    format!("choose a port from 1024 on, or 0 for a free one (this one: {port})")
                }
                _ => format!("choose an address of this machine, or 0.0.0.0 for all of them (this one: {host})"),
            };
            StartError::new(what, fix).with_source(error)
        };
        let tls = tls::open(settings)?;
        let socket = listener::listen(&settings.host, settings.port).map_err(cannot)?;
        let address = socket.local_addr().map_err(cannot)?;
        let running = assemble(server, settings, &Arc::new(OnceLock::from(address)))?;
        running.check_console_path().await?;
        let connections = Connections::new(ConnectionLimits {
            total: settings.max_connections,
            per_peer: settings.max_connections_per_peer,
            stall_timeout: settings.body_timeout.max(PATIENCE),
            keep_alive: settings.keep_alive,
        });
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
            App::new().configure(app.routes()).wrap_fn(fast_path(app.shared.endpoints())).wrap_fn(track_request)
        };
        let http = listen.serve(app).await.map_err(cannot)?;
        helpers.push(actix::spawn(connections.watch()));
        Ok(Self { running, address, http, helpers })
    }

    /// Tells the log where it listens, and what to try.
    fn introduce(&self, settings: &Settings) {
        let url = url(settings.scheme(), self.address, &settings.endpoint);
        log_info!(url, "listening");
        if let Some(line) = curl_example(&self.running.shared.dispatch.router, &url) {
            log_info!("try it: {line}");
        }
        if let Some(path) = self.running.console_path() {
            log_info!("look at it: {}", self::url(settings.scheme(), self.address, path));
        }
    }

    /// Lets balancers learn that the server is about to stop: it is not ready, and answers as before.
    async fn leave(&self, delay: Duration, signals: &mut StopSignals) {
        log_info!(?delay, "about to stop: not ready, and answering as before");
        self.running.leave();
        tokio::select! {
            () = tokio::time::sleep(delay) => {}
            signal = signals.next_in_earnest() => log_info!(signal, "the delay is cut short"),
        }
    }

    /// Stops the services and the HTTP server: new connections are refused from now on, open requests get their answers.
    ///
    /// # Errors
    /// If a method, or a handler of the program's own, holds its thread and does not end.
    pub(crate) async fn stop(self) -> Result<()> {
        let until = Instant::now() + shutdown_timeout(self.running.shared.drain);
        self.http.close();
        let stopped = self.running.stop().await;
        // The connections of a thread that is held never end.
        let limit = if stopped.is_ok() { until.saturating_duration_since(Instant::now()) } else { FLUSH };
        let ended = self.http.end(limit).await;
        for helper in self.helpers {
            helper.abort();
        }
        stopped?;
        if !ended {
            let what = "a thread that serves HTTP did not end and was left running";
            return Err(StartError::new(what, "see which handler of a route of your own does not return"));
        }
        Ok(())
    }
}

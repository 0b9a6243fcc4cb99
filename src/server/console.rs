//! Whether a server has the console, and what happens if the program uses its path.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::console::StatsFeed;
use crate::dispatch::Dispatch;
use crate::http::{Console, ConsolePageData, EndpointConfig};
use crate::measure::ServerCounters;
use crate::settings::Settings;
use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::erased_service::{ErasedService, stats_of};
use super::handle::ServerHandle;
use super::title::title;

/// The console of a server, which gives way if the program has something of its own at the path.
#[derive(Debug)]
pub(super) struct ConsoleMount {
    console: Console,
    /// Whether a setting switched the console on; by default it is on only over loopback.
    is_explicit: bool,
    /// Whether the console gave way to a route or file of the program.
    is_hidden: AtomicBool,
    feed: StatsFeed,
}

/// Returns the live data of the console, or `None` if the console is off. `address` is where the
/// server itself listens, if it does.
pub(super) fn console_feed(
    settings: &Settings,
    address: Option<SocketAddr>,
    services: &[Arc<ErasedService>],
    counters: &ServerCounters,
) -> Option<StatsFeed> {
    let is_local = address.is_some_and(|address| address.ip().to_canonical().is_loopback());
    settings.console.unwrap_or(is_local).then(|| StatsFeed::new(stats_of(services), counters.clone()))
}

impl ConsoleMount {
    /// Creates the console, whose live data is `feed`.
    pub(super) fn new(
        settings: &Settings,
        feed: StatsFeed,
        services: &[Arc<ErasedService>],
        endpoint_config: &Arc<EndpointConfig>,
        dispatch: &Arc<Dispatch>,
    ) -> Result<Self> {
        let facts = ConsolePageData {
            title: &title(settings, services),
            endpoint: &settings.endpoint,
            public_endpoint: &settings.public_endpoint().unwrap_or_default(),
            dialect: &settings.dialect.to_string(),
            token_header: &settings.token_header,
            checks_tokens: dispatch.auth.is_some(),
            version: env!("CARGO_PKG_VERSION"),
        };
        let console = Console::new(&facts, Arc::clone(endpoint_config), Arc::clone(dispatch))?;
        Ok(Self { console, is_explicit: settings.console.is_some(), is_hidden: AtomicBool::new(false), feed })
    }

    /// Returns the console, unless it gave way.
    pub(super) fn console(&self) -> Option<&Console> {
        (!self.is_hidden.load(Ordering::Relaxed)).then_some(&self.console)
    }
}

impl ServerHandle {
    /// Checks that the path of the console is free. If it is not, a console that is on by default
    /// gives way to the program's route, endpoint or file, with a warning.
    ///
    /// # Errors
    /// If the path is taken and a setting switched the console on.
    pub(super) async fn check_console_path(&self) -> Result<()> {
        let Some(mount) = &self.shared.console else { return Ok(()) };
        let files_hidden = self.shared.static_files.iter().any(|files| files.has(Console::PATH));
        if !files_hidden && Console::is_reached(self.routes()).await {
            return Ok(());
        }
        let path = Console::PATH;
        if mount.is_explicit {
            let what = format_args!("the console cannot be at `{path}`: the program has a route or a file there");
            return Err(StartError::new(what, "move it to another path, or use --console off"));
        }
        mount.is_hidden.store(true, Ordering::Relaxed);
        mount.feed.close();
        log_warn!("the console is off: the program has a route or a file of its own at `{path}`");
        Ok(())
    }

    /// Returns the path of the console, if the server has one.
    pub(super) fn console_path(&self) -> Option<&'static str> {
        self.shared.console.as_ref()?.console().map(|_| Console::PATH)
    }
}

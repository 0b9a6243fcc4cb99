//! Whether a server has the console, and who gives way if somebody else wants its path.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::console::StatsFeed;
use crate::dispatch::Dispatch;
use crate::http::{Console, ConsolePageData, EndpointConfig};
use crate::settings::Settings;
use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::handle::ServerHandle;
use super::hosted_service::HostedService;

/// The console, as long as nothing else is at its path.
#[derive(Debug)]
pub(super) struct ConsoleMount {
    console: Console,
    /// Somebody said that it is to be on.
    asked: bool,
    gives_way: AtomicBool,
}

impl ConsoleMount {
    /// `None` if the console is off. `address` is where the server itself listens, if it does.
    pub(super) fn new(
        settings: &Settings,
        address: Option<SocketAddr>,
        services: &[Arc<dyn Hosted>],
        endpoint_config: &Arc<EndpointConfig>,
        dispatch: &Arc<Dispatch>,
    ) -> Result<Option<Self>> {
        let is_local = address.is_some_and(|address| address.ip().to_canonical().is_loopback());
        if !settings.console.unwrap_or(is_local) {
            return Ok(None);
        }
        let facts = ConsolePageData {
            service: services.first().map_or("callbox", |service| service.name()),
            endpoint: &settings.endpoint,
            dialect: &settings.dialect.to_string(),
            token_header: &settings.token_header,
            checks_tokens: dispatch.auth.is_some(),
            version: env!("CARGO_PKG_VERSION"),
        };
        let services = services.to_vec();
        let feed = StatsFeed::new(move || services.iter().map(|service| service.stats()).collect());
        let console = Console::new(&facts, Arc::clone(endpoint_config), Arc::clone(dispatch), feed)?;
        Ok(Some(Self { console, asked: settings.console.is_some(), gives_way: AtomicBool::new(false) }))
    }

    /// The console, unless it gives way.
    pub(super) fn console(&self) -> Option<&Console> {
        (!self.gives_way.load(Ordering::Relaxed)).then_some(&self.console)
    }
}

impl ServerHandle {
    /// Sees to it that nothing hides the console, or is hidden by it, without anybody being told. One that is on by default gives
    /// way to the program's own routes, endpoints and files.
    ///
    /// # Errors
    /// If somebody asked for the console.
    pub(super) async fn check_console_path(&self) -> Result<()> {
        let Some(mount) = &self.shared.console else { return Ok(()) };
        let files_hidden = self.shared.static_files.iter().any(|files| files.has(Console::PATH));
        if !files_hidden && Console::is_reached(self.routes()).await {
            return Ok(());
        }
        let path = Console::PATH;
        if mount.asked {
            let what = format_args!("the program has something of its own at `{path}`, where the console is to be");
            return Err(StartError::new(what, "move it elsewhere, or say --console off"));
        }
        mount.gives_way.store(true, Ordering::Relaxed);
        log_warn!("there is no console: the program has something of its own at `{path}`");
        Ok(())
    }

    /// Where the console is, if there is one.
    pub(super) fn console_path(&self) -> Option<&'static str> {
        self.shared.console.as_ref()?.console().map(|_| Console::PATH)
    }
}

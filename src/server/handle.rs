//! A server whose services run.

use std::any::TypeId;
use std::fmt;
use std::time::Duration;

use actix_web::web::ServiceConfig;
use futures::future::{join, join_all};
use tokio::sync::watch;

use crate::builtin::Discover;
use crate::dispatch::Dispatch;
use crate::engine::{ServiceRef, ServiceStats};
use crate::http::{
    BodyHandler, Endpoint, EndpointConfig, StaticFiles, StopSignal, Templates, endpoint, mount, mount_document,
    mount_trailing_slash,
};
use crate::jsonrpc::Dialect;
use crate::service::Service;
use crate::start_error::{Result, StartError};
use crate::sync::{Arc, AtomicBool, Ordering};

use super::Configure;
use super::console::ConsoleMount;
use super::health::health;
use super::hosted_service::HostedService;

/// BodyHandler of running services, to be mounted in an `App` of your own. From [`Server::launch`](crate::Server::launch). Cheap to clone.
#[derive(Clone)]
pub struct ServerHandle {
    pub(super) shared: Arc<ServerState>,
}

pub(super) struct ServerState {
    pub(super) services: Vec<Arc<dyn HostedService>>,
    pub(super) endpoints: Vec<(String, Dialect)>,
    /// Where the OpenRPC document is, if anywhere.
    pub(super) document: Option<(String, Discover)>,
    pub(super) endpoint_config: Arc<EndpointConfig>,
    pub(super) dispatch: Arc<Dispatch>,
    pub(super) console: Option<ConsoleMount>,
    pub(super) templates: Option<Templates>,
    pub(super) static_files: Vec<StaticFiles>,
    pub(super) configure: Vec<Configure>,
    pub(super) drain: Duration,
    /// A stop was asked for, and will begin.
    pub(super) leaving: AtomicBool,
    /// Ends the reading of bodies, and what routes of the program's own do until then.
    pub(super) stopping: watch::Sender<bool>,
    /// Ends the waiting for answers.
    pub(super) cut: watch::Sender<bool>,
}

/// How long after the drain limit a service's own end is waited for before the remaining calls are answered.
const GRACE: Duration = Duration::from_millis(250);

impl ServerHandle {
    /// Starts the services; returns once all are up.
    ///
    /// # Errors
    /// If one of them cannot start, and if something else is where an endpoint or the OpenRPC document is.
    pub(super) async fn start(&self) -> Result<()> {
        self.check_paths().await?;
        for service in &self.shared.services {
            service.launch().await.map_err(|reason| {
                StartError::new(format_args!("the service {} could not start", service.name()), reason)
            })?;
        }
        Ok(())
    }

    /// Everything of the server as routes: its endpoints, custom scopes, templates and static files.
    ///
    /// For [`App::configure`](actix_web::App::configure), once for each worker.
    pub fn routes(&self) -> impl FnOnce(&mut ServiceConfig) + use<> {
        let shared = Arc::clone(&self.shared);
        move |config| {
            config.app_data(StopSignal::new(shared.stopping.subscribe()));
            for service in &shared.services {
                service.offer(config);
            }
            if let Some(templates) = &shared.templates {
                config.app_data(templates.clone());
            }
            for endpoint in shared.endpoints() {
                config.configure(mount(endpoint));
            }
            if let Some((path, discover)) = &shared.document {
                let (endpoint_config, dispatch) = (Arc::clone(&shared.endpoint_config), Arc::clone(&shared.dispatch));
                config.configure(mount_document(path, endpoint_config, dispatch, discover.clone()));
            }
            shared.add_own_routes(config);
            // After the user's own routes, which may want these paths.
            config.configure(health(ServerHandle { shared: Arc::clone(&shared) }));
            if let Some(console) = shared.console.as_ref().and_then(ConsoleMount::console) {
                console.configure(config);
            }
            for (path, dialect) in shared.endpoints.iter().filter(|(path, _)| !path.ends_with('/')) {
                if !shared.static_files.iter().any(|files| files.has(&format!("{path}/"))) {
                    config.configure(mount_trailing_slash(path, *dialect));
                }
            }
            // Last, as one of them may be at the root, where it would shadow all else.
            for files in &shared.static_files {
                files.configure(config);
            }
        }
    }

    /// A handle on a service, for calls without HTTP. `None` if the server has no such service.
    pub fn service<S: Service>(&self) -> Option<ServiceRef<S>> {
        let references = self.shared.services.iter().map(|service| service.reference());
        let (_, reference) = references.into_iter().find(|(state, _)| *state == TypeId::of::<S>())?;
        reference.downcast::<ServiceRef<S>>().ok().map(|reference| *reference)
    }

    /// How full each mailbox is, and what has become of its calls: the same as `rpc.mailboxes` tells.
    pub fn stats(&self) -> Vec<ServiceStats> {
        self.shared.services.iter().map(|service| service.stats()).collect()
    }

    /// The names of all methods, by the types of their messages.
    #[cfg(feature = "testing")]
    pub(crate) fn methods(&self) -> std::collections::HashMap<TypeId, &'static str> {
        self.shared.services.iter().flat_map(|service| service.methods()).collect()
    }

    /// Answers a body as an endpoint does, without HTTP.
    #[cfg(feature = "testing")]
    pub(crate) async fn answer(&self, body: &[u8], dialect: Dialect, token: Option<&str>) -> Option<Vec<u8>> {
        let meta = crate::dispatch::RequestMeta { token, peer: None, timeout: None, dialect };
        self.shared.dispatch.handle(body, meta).await.body
    }

    /// Whether every service lets calls in, and no stop was asked for.
    pub fn is_ready(&self) -> bool {
        !self.shared.leaving.load(Ordering::Acquire) && self.shared.services.iter().all(|service| service.is_up())
    }

    /// From now on it is not ready, although it goes on as before.
    pub(super) fn leave(&self) {
        self.shared.leaving.store(true, Ordering::Release);
    }

    /// Stops the services: no more calls are let in, those that are there are run, then each service's `on_stop` hook.
    ///
    /// Takes at most the drain limit and a few seconds; what has not ended by then is answered -32603, and what has not
    /// begun -32003.
    ///
    /// # Errors
    /// If a method does not end: a sync one, or one on the worker pool, cannot be ended from outside. It is left running, on its
    /// thread, until the process ends.
    pub async fn stop(&self) -> Result<()> {
        let shared = &self.shared;
        shared.stopping.send_replace(true);
        let stops = join_all(shared.services.iter().map(|service| service.stop(shared.drain)));
        let stopped = async {
            let left = stops.await.concat();
            shared.cut.send_replace(true);
            left
        };
        let cut = async {
            let over = tokio::time::sleep(shared.drain + GRACE);
            let mut earlier = shared.cut.subscribe();
            tokio::select! {
                () = over => { shared.cut.send_replace(true); }
                _ = earlier.wait_for(|cut| *cut) => {}
            }
        };
        let (left, ()) = join(stopped, cut).await;
        if left.is_empty() {
            return Ok(());
        }
        let what = format!("a method did not end and was left running ({})", left.join(", "));
        Err(StartError::new(what, "give it more time with --shutdown-timeout, or see why it does not return"))
    }
}

impl ServerState {
    /// The paths for calls. Made anew, as each worker has its own.
    pub(super) fn endpoints(&self) -> Vec<Arc<Endpoint<impl BodyHandler + use<>>>> {
        let of = |(path, dialect): &(String, Dialect)| {
            endpoint(path, *dialect, Arc::clone(&self.endpoint_config), Arc::clone(&self.dispatch))
        };
        self.endpoints.iter().map(of).collect()
    }

    /// Adds the routes that the program gave.
    pub(super) fn add_own_routes(&self, config: &mut ServiceConfig) {
        for configure in &self.configure {
            configure(config);
        }
    }
}

impl fmt::Debug for ServerHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: Vec<_> = self.shared.services.iter().map(|service| service.name()).collect();
        f.debug_struct("ServerHandle").field("services", &services).finish_non_exhaustive()
    }
}

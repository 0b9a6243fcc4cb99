//! The handle of a server whose services run.

use std::any::TypeId;
use std::fmt;
use std::time::Duration;

use actix_web::web::{self, ServiceConfig};
use futures::StreamExt;
use futures::future::{join, join_all};
use futures::stream::FuturesUnordered;
use tokio::sync::watch;
use tokio::time::Instant;

use crate::builtin::Discover;
use crate::dispatch::Dispatch;
use crate::engine::{ServiceRef, ServiceStats};
use crate::http::{
    BodyHandler, Endpoint, EndpointConfig, Middleware, StaticFiles, StopSignal, Templates, endpoint, mount,
    mount_document, mount_metrics, mount_trailing_slash,
};
use crate::jsonrpc::Dialect;
use crate::log::NeverWaits;
use crate::measure::ConnectionStats;
use crate::metrics::ServerMetrics;
use crate::service::{AppConfig, Service, Surroundings};
use crate::settings::MetricsPlace;
use crate::start_error::{Result, StartError};
use crate::sync::{Arc, AtomicBool, Mutex, Ordering};

use super::Configure;
use super::console::ConsoleMount;
use super::erased_service::ErasedService;
use super::health::health;
use super::metrics::MetricsMount;
use super::nats::NatsMount;
use super::traces::flush_spans;

/// Handle of running services, returned by [`Server::launch`](crate::Server::launch). Cheap to
/// clone.
///
/// Its [`routes`](Self::routes) go into an `App` of your own; [`service`](Self::service) calls a
/// service without HTTP.
#[derive(Clone)]
pub struct ServerHandle {
    pub(super) shared: Arc<ServerState>,
}

/// The parts of a server, shared by its handles and workers.
pub(super) struct ServerState {
    pub(super) services: Vec<Arc<ErasedService>>,
    pub(super) app: AppConfig,
    pub(super) surroundings: Arc<Surroundings>,
    pub(super) bind_address: (String, u16),
    pub(super) endpoints: Vec<(String, Dialect)>,
    /// Path and content of the OpenRPC document, if the server has one.
    pub(super) document: Option<(String, Discover)>,
    pub(super) endpoint_config: Arc<EndpointConfig>,
    pub(super) dispatch: Arc<Dispatch>,
    pub(super) console: Option<ConsoleMount>,
    pub(super) metrics: ServerMetrics,
    /// Keeps the threads that serve from waiting for the log.
    pub(super) log: Mutex<Option<NeverWaits>>,
    /// Its connection to NATS, if it has one.
    pub(super) nats: Option<NatsMount>,
    pub(super) metrics_mount: MetricsMount,
    pub(super) templates: Option<Templates>,
    pub(super) static_files: Vec<StaticFiles>,
    pub(super) configure: Vec<Configure>,
    pub(super) middleware: Middleware,
    pub(super) shutdown_timeout: Duration,
    /// Whether a stop was requested, so that the server reports not ready. Set when the delay
    /// before the stop begins.
    pub(super) leaving: AtomicBool,
    /// Becomes true when a stop begins. Ends the reading of bodies, and gives the program's own
    /// routes their stop signal.
    pub(super) stopping: watch::Sender<bool>,
    /// Becomes true when the remaining calls are to be answered without waiting for their methods.
    pub(super) cut: watch::Sender<bool>,
}

/// Time that a service has to end by itself after the shutdown timeout, before its remaining calls
/// are answered.
const GRACE: Duration = Duration::from_millis(250);

impl ServerHandle {
    /// Starts the services, all at the same time. Returns once all are up.
    ///
    /// # Errors
    /// If a service cannot start, and if something else is at the path of an endpoint or of the
    /// OpenRPC document. Then the other services are stopped again.
    pub(super) async fn start(&self) -> Result<()> {
        self.check_paths().await?;
        let launch = |service: &Arc<ErasedService>| {
            let (name, up) = (service.name(), service.launch());
            async move {
                up.await.map_err(|reason| StartError::new(format_args!("the service {name} could not start"), reason))
            }
        };
        // The first error counts: a service that fails makes those fail that wait for it.
        let mut starts: FuturesUnordered<_> = self.shared.services.iter().map(launch).collect();
        while let Some(started) = starts.next().await {
            if let Err(error) = started {
                let _ = self.stop().await;
                return Err(error);
            }
        }
        if let Some(nats) = &self.shared.nats
            && let Err(error) = self.begin_nats(nats).await
        {
            let _ = self.stop().await;
            return Err(error);
        }
        Ok(())
    }

    async fn begin_nats(&self, nats: &NatsMount) -> Result<()> {
        let ServerState { services, dispatch, endpoint_config, .. } = &*self.shared;
        nats.begin(services, dispatch, endpoint_config).await
    }

    /// Sends further calls over NATS to other instances.
    pub(super) async fn leave_nats(&self) {
        if let Some(nats) = &self.shared.nats {
            nats.leave().await;
        }
    }

    /// Returns everything that the server serves as routes: endpoints, custom routes, templates and
    /// static files.
    ///
    /// For [`App::configure`](actix_web::App::configure), once for each worker; see the example of
    /// [`Server::launch`](crate::Server::launch).
    pub fn routes(&self) -> impl FnOnce(&mut ServiceConfig) + use<> {
        let shared = Arc::clone(&self.shared);
        move |config| {
            config.app_data(StopSignal::new(shared.stopping.subscribe()));
            config.app_data(web::Data::new(shared.metrics.of_program()));
            if let Some(services) = shared.surroundings.services() {
                config.app_data(Arc::clone(services));
            }
            for service in &shared.services {
                service.register(config);
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
            // actix takes the first route that matches, so the order decides who wins a path.
            // Health checks, metrics and the console come after the program's own routes, which may
            // use their paths.
            config.configure(health(ServerHandle { shared: Arc::clone(&shared) }));
            if let MetricsPlace::Path(path) = &shared.metrics_mount.place {
                let (endpoint_config, dispatch) = (Arc::clone(&shared.endpoint_config), Arc::clone(&shared.dispatch));
                config.configure(mount_metrics(path, shared.metrics.clone(), endpoint_config, dispatch));
            }
            if let Some(console) = shared.console.as_ref().and_then(ConsoleMount::console) {
                console.configure(config);
            }
            for (path, dialect) in shared.endpoints.iter().filter(|(path, _)| !path.ends_with('/')) {
                if !shared.static_files.iter().any(|files| files.has(&format!("{path}/"))) {
                    config.configure(mount_trailing_slash(path, *dialect));
                }
            }
            // Static files come last: a directory at the root would hide everything after it.
            for files in &shared.static_files {
                files.configure(config);
            }
        }
    }

    /// Returns the address to listen on that the settings name, for an `HttpServer` of your own:
    /// `.bind(callbox.bind_address())`.
    pub fn bind_address(&self) -> (String, u16) {
        self.shared.bind_address.clone()
    }

    /// Returns a reference to a service, for calls without HTTP. `None` if the server has no such
    /// service.
    pub fn service<S: Service>(&self) -> Option<ServiceRef<S>> {
        let references = self.shared.services.iter().map(|service| service.reference());
        let (_, reference) = references.into_iter().find(|(state, _)| *state == TypeId::of::<S>())?;
        reference.downcast::<ServiceRef<S>>().ok().map(|reference| *reference)
    }

    /// Returns the statistics of each service: how full its mailboxes are, and how their calls
    /// ended. The method `rpc.mailboxes` returns the same numbers.
    pub fn stats(&self) -> Vec<ServiceStats> {
        self.shared.services.iter().map(|service| service.stats()).collect()
    }

    /// Returns the statistics of the connections, also of all WebSockets and event streams.
    ///
    /// ```
    /// use callbox::{Server, service, testing};
    ///
    /// #[derive(Default)]
    /// struct Sensor;
    ///
    /// #[service(name = "plant.sensor")]
    /// impl Sensor {
    ///     #[public_method]
    ///     fn read(&self) -> f64 {
    ///         21.5
    ///     }
    /// }
    ///
    /// let server = testing::start(Server::new(Sensor::default));
    /// assert_eq!(server.connections().websockets, 0);
    /// ```
    pub fn connections(&self) -> ConnectionStats {
        self.shared.endpoint_config.counters.connections.stats()
    }

    /// Returns the names of all methods, by the types of their messages. A message that several
    /// services handle has several.
    #[cfg(feature = "testing")]
    pub(crate) fn methods(&self) -> std::collections::HashMap<TypeId, Vec<&'static str>> {
        let mut methods = std::collections::HashMap::<_, Vec<_>>::new();
        for (message, name) in self.shared.services.iter().flat_map(|service| service.methods()) {
            methods.entry(message).or_default().push(name);
        }
        methods
    }

    /// Answers a request body as an endpoint does, without HTTP. `None` if no response is due.
    #[cfg(feature = "testing")]
    pub(crate) async fn answer(&self, body: &[u8], dialect: Dialect, token: Option<&str>) -> Option<Vec<u8>> {
        let request = crate::service::LazyRequest::new(&crate::service::Unknown);
        let meta = crate::dispatch::RequestMeta {
            token,
            peer: None,
            timeout: None,
            chain: None,
            dialect,
            sampling: crate::trace::Sampling::Off,
            request: &request,
            log: None,
            carrier: crate::measure::Carrier::Http,
            session: None,
        };
        self.shared.dispatch.handle(body, meta).await.body
    }

    /// Whether every service accepts calls and says in its `#[ready]` that it is ready, and no stop
    /// was requested.
    pub async fn is_ready(&self) -> bool {
        !self.is_leaving() && self.readiness().await.iter().all(|(_, ready)| *ready)
    }

    /// Whether a stop was requested.
    pub(super) fn is_leaving(&self) -> bool {
        self.shared.leaving.load(Ordering::Acquire)
    }

    /// Returns for each service whether it is ready, and whether there is a connection to NATS, if
    /// the server is to have one.
    pub(super) async fn readiness(&self) -> Vec<(&'static str, bool)> {
        let service = async |service: &Arc<ErasedService>| (service.name(), service.is_ready().await);
        let mut readiness = join_all(self.shared.services.iter().map(service)).await;
        readiness.extend(self.shared.nats.as_ref().map(|nats| ("nats", nats.is_connected())));
        readiness
    }

    /// Reports the server as not ready from now on, although it still serves calls.
    pub(super) fn set_not_ready(&self) {
        self.shared.leaving.store(true, Ordering::Release);
    }

    /// Stops the services: admits no further calls, runs those that are queued, then runs each
    /// service's `on_stop` hook.
    ///
    /// Takes at most the [shutdown timeout](crate::Server::shutdown_timeout) and a few seconds.
    /// Calls that have not ended by then are answered -32603, and those that have not started
    /// -32003.
    ///
    /// # Errors
    /// If a method does not end: a sync method, or one on the worker pool, cannot be ended from
    /// outside. It keeps its thread until the process ends.
    pub async fn stop(&self) -> Result<()> {
        let stopped = self.stop_services().await;
        // From now on lines are written where they are logged: the process may end soon.
        drop(self.shared.log.lock().take());
        stopped
    }

    async fn stop_services(&self) -> Result<()> {
        let shared = &self.shared;
        self.leave_nats().await;
        shared.stopping.send_replace(true);
        let stops = join_all(shared.services.iter().map(|service| service.stop(shared.shutdown_timeout)));
        let stopped = async {
            let unfinished = stops.await.concat();
            shared.cut.send_replace(true);
            unfinished
        };
        // A service that holds its thread never reports its end. So the remaining calls are
        // answered at the latest when this time is over, whatever the services do.
        let cut = async {
            let over = tokio::time::sleep(shared.shutdown_timeout + GRACE);
            let mut earlier = shared.cut.subscribe();
            tokio::select! {
                () = over => { shared.cut.send_replace(true); }
                _ = earlier.wait_for(|cut| *cut) => {}
            }
        };
        let until = Instant::now() + shared.shutdown_timeout;
        let (unfinished, ()) = join(stopped, cut).await;
        if let Some(nats) = &shared.nats {
            nats.end().await;
        }
        flush_spans(until.saturating_duration_since(Instant::now())).await;
        if unfinished.is_empty() {
            return Ok(());
        }
        let what = format!("a method did not end and was left running ({})", unfinished.join(", "));
        Err(StartError::new(what, "give it more time with --shutdown-timeout, or find out why it does not return"))
    }
}

impl ServerState {
    /// Makes the endpoints. Each worker has its own.
    pub(super) fn endpoints(&self) -> Vec<Arc<Endpoint<impl BodyHandler + use<>>>> {
        let of = |(path, dialect): &(String, Dialect)| {
            endpoint(path, *dialect, Arc::clone(&self.endpoint_config), Arc::clone(&self.dispatch))
        };
        self.endpoints.iter().map(of).collect()
    }

    /// Adds the routes of [`Server::configure`](crate::Server::configure).
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

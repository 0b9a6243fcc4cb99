//! Assembles a server from its builder and the resolved settings.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;

use actix_web::http::header::HeaderName;
use tokio::sync::watch;

use crate::builtin::{
    BuiltinRoute, ConnectionStatsMethod, Discover, MailboxStatsMethod, ServerInfo, Specs, SpecsFacts, Unsubscribe,
    WatchMailboxes,
};
use crate::console::StatsFeed;
use crate::dispatch::Dispatch;
use crate::engine::Pool;
use crate::http::{
    BodyLimits, Cors, EndpointConfig, RequestGuard, StaticFiles, Templates, TrustedProxies, WebSocketLimits,
};
use crate::jsonrpc::Limits;
use crate::log::NeverWaits;
use crate::measure::ServerCounters;
use crate::metrics::ServerMetrics;
use crate::route::Route;
use crate::router::{Router, TokenCheck};
use crate::service::{Access, Surroundings};
use crate::settings::Settings;
use crate::start_error::{Result, StartError};
use crate::sync::{Arc, AtomicBool, Mutex};
use crate::trace;

use super::console::{ConsoleMount, console_feed};
use super::directory::directory;
use super::erased_service::{ErasedService, ServicePlan, stats_of};
use super::handle::{ServerHandle, ServerState};
use super::health::PATHS;
use super::metrics::MetricsMount;
use super::nats::NatsMount;
use super::title::title;
use super::token_checker::TokenChecker;
use super::{Server, assets};

/// Checks everything that can be checked, makes all parts of the server, and starts the auth actor.
/// The services do not run yet.
///
/// `address` is where the server listens; it is empty if the server has no socket of its own.
/// `nats` is its connection to NATS, if it has one.
///
/// # Errors
/// For every mistake that would keep the server from doing its work, and if there is no actix
/// runtime.
pub(super) fn assemble(
    server: Server,
    settings: &Settings,
    address: &Arc<OnceLock<SocketAddr>>,
    nats: Option<NatsMount>,
) -> Result<ServerHandle> {
    if actix::System::try_current().is_none() {
        let fix = "call it within #[actix_web::main], or use start() from a plain fn main()";
        return Err(StartError::new("there is no actix runtime on this thread", fix));
    }
    trace::ask_subscriber();
    for variable in &settings.ignored_variables {
        log_warn!(
            "{variable}, which Kubernetes sets beside a Service called `callbox`; the variable is ignored: give a port by its \
             number, or set enableServiceLinks: false in the pod"
        );
    }
    for warning in &settings.app_warnings {
        log_warn!("{warning}");
    }
    let app = server.app_value();
    let Server { plans, clients, token_checker: checker, with_args, more_endpoints, configure, static_files, .. } =
        server;
    let (helpers, middleware, metrics) = (server.helpers, server.middleware, server.metrics);
    let checker = TokenChecker::choose(checker, settings, with_args)?;
    let tokens = checker.as_ref().map_or(TokenCheck::None, |checker| checker.check);
    let pool = Pool::new(settings.compute_threads).map_err(|error| {
        StartError::new(format_args!("cannot start the worker pool ({error})"), "lower --compute-threads")
    })?;
    let surroundings = Arc::new(Surroundings::default());
    let prepare = |plan: ServicePlan| plan.prepare(pool.clone(), settings.placement, &surroundings);
    let services: Vec<_> = plans.into_iter().map(prepare).collect();
    let counters = ServerCounters::default();
    let feed = console_feed(settings, address.get().copied(), &services, &counters);
    let (router, discover) = make_router(&services, settings, tokens, address, (&counters, feed.clone()))?;
    surroundings.set(directory(&services, clients, &router, settings, metrics.clone(), nats.as_ref())?, app.clone());
    let token_header = HeaderName::from_bytes(settings.token_header.as_bytes()).map_err(|_| {
        let what = format_args!("`{}` cannot be the name of a header", settings.token_header);
        StartError::new(what, "use letters, digits and dashes in --token-header")
    })?;

    // What all endpoints have in common.
    let (stopping, stops) = watch::channel(false);
    let (cut, cuts) = watch::channel(false);
    let cors = Cors {
        origins: &settings.allowed_origins,
        headers: &settings.cors_headers,
        any_over_loopback: any_origin_over_loopback(settings, &router, address.get().copied())?,
    };
    let endpoint_config = EndpointConfig {
        guard: RequestGuard::new(&settings.allowed_hosts, &cors, &token_header)?.counting(&counters.refused),
        token_header,
        proxies: Arc::new(TrustedProxies::new(&settings.trusted_proxies)?),
        body: BodyLimits { bytes: settings.body_limit, time: settings.body_timeout },
        websocket: WebSocketLimits {
            calls: settings.websocket_calls,
            subscriptions: settings.websocket_subscriptions,
            ping_interval: settings.websocket_ping,
            ping_timeout: settings.websocket_timeout,
        },
        status: settings.error_status,
        counters: counters.clone(),
        logging: super::log::request_logging(settings),
        stopping: stops,
    };

    // What the server has at its paths.
    let mut endpoints = vec![(settings.endpoint.clone(), settings.dialect)];
    endpoints.extend(more_endpoints);
    check_endpoints(&endpoints)?;
    let document = settings.openrpc.clone().map(|path| (path, discover));
    let resolve = |directory: &PathBuf| assets::resolve_directory(directory, settings.assets.as_deref());
    let templates = settings.templates.as_ref().map(resolve);
    let templates =
        templates.map(|directory| Templates::load(&directory, settings.watch_templates, helpers)).transpose()?;
    let files = static_files.iter().map(|(url, directory)| StaticFiles::new(url, &resolve(directory)));
    let mut static_files = files.collect::<Result<Vec<_>>>()?;
    StaticFiles::longest_url_first(&mut static_files);

    let dispatch = Dispatch {
        router: Arc::new(router),
        // The auth actor starts after everything that can fail: a server with a mistake runs
        // nothing.
        auth: checker.map(|checker| checker.start(settings.token_failures).counting(Arc::clone(&counters.tokens))),
        refused: Arc::clone(&counters.refused),
        limits: Limits { members: settings.batch_limit, depth: settings.depth_limit, id: settings.id_limit },
        response_limit: settings.response_limit,
        cut: cuts,
    };
    let (endpoint_config, dispatch) = (Arc::new(endpoint_config), Arc::new(dispatch));
    let console = feed.map(|feed| ConsoleMount::new(settings, feed, &services, &endpoint_config, &dispatch));
    let shared = ServerState {
        metrics: ServerMetrics::new(stats_of(&services), counters, metrics),
        log: Mutex::new(Some(NeverWaits::begin())),
        nats,
        metrics_mount: MetricsMount::new(settings, address.get().copied()),
        services,
        app,
        surroundings,
        bind_address: (settings.host.clone(), settings.port.unwrap_or_default()),
        endpoints,
        document,
        endpoint_config,
        dispatch,
        console: console.transpose()?,
        templates,
        static_files,
        configure,
        middleware,
        shutdown_timeout: settings.shutdown_timeout,
        leaving: AtomicBool::new(false),
        stopping,
        cut,
    };
    Ok(ServerHandle { shared: Arc::new(shared) })
}

/// Makes the router with the methods of all services and those that are built in.
fn make_router(
    services: &[Arc<ErasedService>],
    settings: &Settings,
    tokens: TokenCheck,
    address: &Arc<OnceLock<SocketAddr>>,
    (counters, feed): (&ServerCounters, Option<StatsFeed>),
) -> Result<(Router, Discover)> {
    let mut router = Router::new(settings.method_limit);
    for service in services {
        for route in service.routes() {
            router.add(route, tokens)?;
        }
    }
    let name = services.first().map_or("callbox", |service| service.name());
    let (public, threads) = (settings.public_endpoint(), settings.compute_threads);
    let endpoint = (settings.endpoint.clone(), public.clone());
    let facts = SpecsFacts::new(name, settings.scheme(), endpoint, threads, router.routes(), settings.hide_private);
    router.add_builtin(BuiltinRoute::route(Specs::new(facts, Arc::clone(address))))?;
    // The document leaves out the methods named `rpc.…`: they do not belong to the services.
    let about = services.iter().map(|service| service.about()).collect();
    let server = ServerInfo { title: title(settings, services), url: public };
    let discover = Discover::new(server, about, router.routes());
    router.add_builtin(BuiltinRoute::route(discover.clone()))?;
    if tokens != TokenCheck::None {
        router.add_builtin(BuiltinRoute::route(MailboxStatsMethod::new(stats_of(services))))?;
        router.add_builtin(BuiltinRoute::route(ConnectionStatsMethod(Arc::clone(&counters.connections))))?;
    }
    if let Some(feed) = feed {
        router.add_builtin(WatchMailboxes::route(feed, tokens != TokenCheck::None))?;
    }
    for unsubscribe in Unsubscribe::routes(router.routes()) {
        router.add_builtin(unsubscribe)?;
    }
    Ok((router, discover))
}

/// Whether pages of any origin may call over loopback, if the allowed origins include `*`.
///
/// Access to loopback is itself a credential: it means to run on this machine. So any page may call
/// only if every method needs a token, or if the server listens on another address anyway.
///
/// # Errors
/// If any web page could call public methods of a server that listens on loopback.
fn any_origin_over_loopback(settings: &Settings, router: &Router, address: Option<SocketAddr>) -> Result<bool> {
    let is_public = |route: &&Arc<dyn Route>| route.options().access == Access::Public && !route.is_builtin();
    let Some(public) = router.routes().find(is_public) else { return Ok(true) };
    let is_loopback = address.map(|address| address.ip().to_canonical().is_loopback());
    if is_loopback == Some(true) && settings.allowed_origins.iter().any(|origin| origin == "*") {
        let what = format!(
            "any web page could call `{}`, as the server listens on loopback and `*` is among its allowed origins",
            public.name()
        );
        let fix = format!(
            "list those that may, as in --allowed-origins https://app.example.org, or make every method private (now: {})",
            settings.source("allowed_origins")
        );
        return Err(StartError::new(what, fix));
    }
    Ok(is_loopback == Some(false))
}

/// Checks the paths of the endpoints against each other and against the health checks.
fn check_endpoints(endpoints: &[(String, crate::Dialect)]) -> Result<()> {
    for (index, (path, _)) in endpoints.iter().enumerate() {
        if !path.starts_with('/') || path.contains(['{', '}', '?', '#']) {
            let fix = "write it like /api: a slash first, and no { } ? #";
            return Err(StartError::new(format_args!("`{path}` cannot be the path of an endpoint"), fix));
        }
        if PATHS.contains(&path.as_str()) {
            let what = format_args!("an endpoint is at `{path}`, and so is a health check");
            return Err(StartError::new(what, "move the endpoint, the first one with --endpoint PATH"));
        }
        if endpoints[..index].iter().any(|(other, _)| other == path) {
            let fix = "give each endpoint a path of its own";
            return Err(StartError::new(format_args!("two endpoints are at `{path}`"), fix));
        }
    }
    Ok(())
}

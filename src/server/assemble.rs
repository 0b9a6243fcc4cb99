//! From the builder and the resolved settings to the parts of a server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::OnceLock;

use actix_web::http::header::HeaderName;
use tokio::sync::watch;

use crate::builtin::{BuiltinRoute, Discover, MailboxStatsMethod, Specs, SpecsFacts};
use crate::dispatch::Dispatch;
use crate::engine::Pool;
use crate::http::{BodyLimits, Cors, EndpointConfig, RequestGuard, StaticFiles, Templates};
use crate::jsonrpc::Limits;
use crate::route::Route;
use crate::router::{Router, TokenCheck};
use crate::service::Access;
use crate::settings::Settings;
use crate::start_error::{Result, StartError};
use crate::sync::{Arc, AtomicBool};

use super::console::ConsoleMount;
use super::handle::{ServerHandle, ServerState};
use super::health::PATHS;
use super::hosted_service::HostedService;
use super::token_checker::TokenChecker;
use super::{Server, assets};

/// Checks everything that can be checked, and starts the auth actor; the services do not run yet. `listens` gets the address
/// once there is one.
///
/// # Errors
/// For every mistake that would keep the server from doing its work, and if there is no actix runtime.
pub(super) fn assemble(
    server: Server,
    settings: &Settings,
    listens: &Arc<OnceLock<SocketAddr>>,
) -> Result<ServerHandle> {
    if actix::System::try_current().is_none() {
        let fix = "call it within #[actix_web::main], or use start() from a plain fn main()";
        return Err(StartError::new("there is no actix runtime on this thread", fix));
    }
    for variable in &settings.ignored_variables {
        log_warn!(
            "{variable}, as Kubernetes sets it beside a Service called `callbox`, and is taken as not set: give a port by its \
             number, or set enableServiceLinks: false in the pod"
        );
    }
    let Server { plans, token_checker: checker, with_args, more_endpoints, configure, static_files, .. } = server;
    let checker = TokenChecker::choose(checker, settings, with_args)?;
    let tokens = checker.as_ref().map_or(TokenCheck::None, |checker| checker.check);
    let pool = Pool::new(settings.compute_threads).map_err(|error| {
        StartError::new(format_args!("cannot start the worker pool ({error})"), "lower --compute-threads")
    })?;
    let services: Vec<_> = plans.into_iter().map(|plan| plan.prepare(pool.clone(), settings.placement)).collect();
    let (router, discover) = route(&services, settings, tokens, listens)?;
    let token_header = HeaderName::from_bytes(settings.token_header.as_bytes()).map_err(|_| {
        let what = format_args!("`{}` cannot be the name of a header", settings.token_header);
        StartError::new(what, "use letters, digits and dashes in --token-header")
    })?;
    let (stopping, stops) = watch::channel(false);
    let (cut, cuts) = watch::channel(false);
    let cors = Cors {
        origins: &settings.allowed_origins,
        headers: &settings.cors_headers,
        any_over_loopback: any_origin_over_loopback(settings, &router, listens.get().copied())?,
    };
    let endpoint_config = EndpointConfig {
        guard: RequestGuard::new(&settings.allowed_hosts, &cors, &token_header)?,
        token_header,
        body: BodyLimits { bytes: settings.body_limit, time: settings.body_timeout },
        status: settings.error_status,
        stopping: stops,
    };
    let mut endpoints = vec![(settings.endpoint.clone(), settings.dialect)];
    endpoints.extend(more_endpoints);
    check_endpoints(&endpoints)?;
    let document = settings.openrpc.clone().map(|path| (path, discover));
    let find = |directory: &PathBuf| assets::find(directory, settings.assets.as_deref());
    let templates = settings.templates.as_ref().map(find);
    let templates = templates.map(|directory| Templates::load(&directory, settings.watch_templates)).transpose()?;
    let files = static_files.iter().map(|(url, directory)| StaticFiles::new(url, &find(directory)));
    let mut static_files = files.collect::<Result<Vec<_>>>()?;
    StaticFiles::below_first(&mut static_files);
    let dispatch = Dispatch {
        router: Arc::new(router),
        // After all that can go wrong: nothing may run when a mistake is found.
        auth: checker.map(|checker| checker.start(settings.token_failures)),
        limits: Limits { members: settings.batch_limit, depth: settings.depth_limit, id: settings.id_limit },
        response_limit: settings.response_limit,
        cut: cuts,
    };
    let (endpoint_config, dispatch) = (Arc::new(endpoint_config), Arc::new(dispatch));
    let console = Mount::new(settings, listens.get().copied(), &services, &endpoint_config, &dispatch)?;
    let shared = Shared {
        services,
        endpoints,
        document,
        endpoint_config,
        dispatch,
        console,
        templates,
        static_files,
        configure,
        drain: settings.shutdown_timeout,
        leaving: AtomicBool::new(false),
        stopping,
        cut,
    };
    Ok(ServerHandle { shared: Arc::new(shared) })
}

fn route(
    services: &[Arc<dyn HostedService>],
    settings: &Settings,
    tokens: TokenCheck,
    listens: &Arc<OnceLock<SocketAddr>>,
) -> Result<(Router, Discover)> {
    let mut router = Router::new(settings.method_limit);
    for service in services {
        for route in service.routes() {
            router.add(route, tokens)?;
        }
    }
    let name = services.first().map_or("callbox", |service| service.name());
    let (endpoint, threads) = (settings.endpoint.clone(), settings.compute_threads);
    let facts = SpecsFacts::new(name, settings.scheme(), endpoint, threads, router.routes(), settings.hide_private);
    router.add_builtin(BuiltinRoute::route(Specs::new(facts, Arc::clone(listens))))?;
    // Of those whose names begin with `rpc.` the document does not tell: they are not the services'.
    let about = services.iter().map(|service| service.about()).collect();
    let discover = Discover::new(about, router.routes());
    router.add_builtin(BuiltinRoute::route(discover.clone()))?;
    if tokens != TokenCheck::None {
        let services = services.to_vec();
        let stats = move || services.iter().map(|service| service.stats()).collect();
        router.add_builtin(BuiltinRoute::route(MailboxStatsMethod::new(stats)))?;
    }
    Ok((router, discover))
}

/// Whether pages of any origin, if these may call, may do so over loopback. Being there is itself a
/// credential, so they may if each call needs another; and if `address` is not one of loopback,
/// whoever comes that way.
///
/// # Errors
/// If any page might call public methods of a server on loopback.
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

fn check_endpoints(endpoints: &[(String, crate::Dialect)]) -> Result<()> {
    for (index, (path, _)) in endpoints.iter().enumerate() {
        if !path.starts_with('/') || path.contains(['{', '}', '?', '#']) {
            let fix = "write it like /api: a slash first, and none of { } ? #";
            return Err(StartError::new(format_args!("`{path}` cannot be the path of an endpoint"), fix));
        }
        if PATHS.contains(&path.as_str()) {
            let what = format_args!("an endpoint is at `{path}`, and so is what tells of the server's health");
            return Err(StartError::new(what, "move the endpoint, the first one with --endpoint PATH"));
        }
        if endpoints[..index].iter().any(|(other, _)| other == path) {
            let fix = "give each endpoint a path of its own";
            return Err(StartError::new(format_args!("two endpoints are at `{path}`"), fix));
        }
    }
    Ok(())
}

//! From the builder and the resolved settings to a server that runs, and its end.

use std::io::{ErrorKind, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::http::header::HeaderName;
use actix_web::{App, HttpServer};
use futures::future::join;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tracing_subscriber::EnvFilter;

use crate::actor::Pool;
use crate::dispatch::Dispatch;
use crate::http::{BodyLimits, ConnectionLimits, Connections, Front, Guard, StaticFiles, StatusMode, Templates, track};
use crate::router::{Router, TokenCheck};
use crate::settings::{HttpStatus, Settings};
use crate::specs::{Facts, Specs};
use crate::start_error::{Result, StartError};
use crate::sync::Arc;

use super::hosted::Hosted;
use super::running::{Running, Shared};
use super::try_it::curl_line;
use super::{Server, url};

/// How long a connection may stay without a request.
const KEEP_ALIVE: Duration = Duration::from_secs(5);

/// Running services, and what the HTTP server around them needs.
pub(crate) struct Launched {
    pub(crate) running: Running,
    listens: Arc<OnceLock<SocketAddr>>,
}

/// Checks everything that can be checked, then starts the services.
pub(crate) async fn launch(server: Server, settings: &Settings) -> Result<Launched> {
    if actix::System::try_current().is_none() {
        let fix = "call it within #[actix_web::main], or use start() from a plain fn main()";
        return Err(StartError::new("there is no actix runtime on this thread", fix));
    }
    let listens = Arc::new(OnceLock::new());
    let (running, start_auth) = prepare(server, settings, &listens)?;
    let running = start_auth(running);
    for service in &running.services {
        service.launch().await.map_err(|reason| {
            let what = format_args!("the service {} could not start", service.name());
            StartError::new(what, reason)
        })?;
    }
    Ok(Launched { running: Running { shared: Arc::new(running) }, listens })
}

type Finish = Box<dyn FnOnce(Shared) -> Shared>;

fn prepare(server: Server, settings: &Settings, listens: &Arc<OnceLock<SocketAddr>>) -> Result<(Shared, Finish)> {
    let Server { plans, tokens, start_auth, more_endpoints, configure, static_files, .. } = server;
    let pool = Pool::new(settings.compute_threads).map_err(|error| {
        StartError::new(format_args!("cannot start the worker pool ({error})"), "lower --compute-threads")
    })?;
    let services: Vec<_> =
        plans.into_iter().map(|plan| plan.prepare(pool.for_another_service(), settings.placement)).collect();
    let router = Arc::new(route(&services, settings, tokens, listens)?);
    let token_header = HeaderName::from_bytes(settings.token_header.as_bytes()).map_err(|_| {
        let what = format_args!("`{}` cannot be the name of a header", settings.token_header);
        StartError::new(what, "use letters, digits and dashes in --token-header")
    })?;
    let (stopping, stops) = watch::channel(false);
    let (cut, cuts) = watch::channel(false);
    let front = Front {
        guard: Guard::new(&settings.allowed_hosts, &settings.origins, &token_header)?,
        token_header,
        body: BodyLimits { bytes: settings.body_limit, time: settings.body_timeout },
        status: match settings.http_status {
            HttpStatus::Ok => StatusMode::Plain,
            HttpStatus::Mapped => StatusMode::Mapped,
        },
        stopping: stops,
    };
    let mut endpoints = vec![(settings.endpoint.clone(), settings.dialect)];
    endpoints.extend(more_endpoints);
    check_endpoints(&endpoints)?;
    let templates = settings.templates.as_deref().map(|dir| Templates::load(dir, settings.watch_templates));
    let files = static_files.iter().map(|(url, dir): &(String, _)| StaticFiles::new(url, Path::new(dir)));
    let dispatch = Dispatch {
        router,
        auth: None,
        batch_limit: settings.batch_limit,
        response_limit: settings.response_limit,
        cut: cuts,
    };
    let shared = Shared {
        services,
        endpoints,
        front: Arc::new(front),
        dispatch: Arc::new(dispatch),
        templates: templates.transpose()?,
        static_files: files.collect::<Result<_>>()?,
        configure,
        drain: settings.drain,
        stopping,
        cut,
    };
    // The auth actor is started last: nothing may run when a mistake is found.
    let finish = move |mut shared: Shared| {
        if let (Some(start), Some(dispatch)) = (start_auth, Arc::get_mut(&mut shared.dispatch)) {
            dispatch.auth = Some(start());
        }
        shared
    };
    Ok((shared, Box::new(finish)))
}

fn route(
    services: &[Arc<dyn Hosted>],
    settings: &Settings,
    tokens: TokenCheck,
    listens: &Arc<OnceLock<SocketAddr>>,
) -> Result<Router> {
    let mut router = Router::default();
    for service in services {
        for route in service.routes() {
            router.add(route, tokens)?;
        }
    }
    let name = services.first().map_or("callbox", |service| service.name());
    let (endpoint, threads) = (settings.endpoint.clone(), settings.compute_threads);
    let facts = Facts::new(name, endpoint, threads, router.routes(), settings.hide_private);
    router.add_builtin(Arc::new(Specs::new(facts, Arc::clone(listens))))?;
    Ok(router)
}

fn check_endpoints(endpoints: &[(String, crate::Dialect)]) -> Result<()> {
    for (index, (path, _)) in endpoints.iter().enumerate() {
        if !path.starts_with('/') || path.contains(['{', '}', '?', '#']) {
            let fix = "write it like /api: a slash first, and none of { } ? #";
            return Err(StartError::new(format_args!("`{path}` cannot be the path of an endpoint"), fix));
        }
        if endpoints[..index].iter().any(|(other, _)| other == path) {
            let fix = "give each endpoint a path of its own";
            return Err(StartError::new(format_args!("two endpoints are at `{path}`"), fix));
        }
    }
    Ok(())
}

/// Serves HTTP until a signal comes, then drains.
pub(crate) async fn serve(server: Server, settings: Settings) -> Result<()> {
    init_log(&settings.log);
    let Listening { running, http, address, reaper } = listen(server, &settings).await?;
    let handle = http.handle();
    let path = &settings.endpoint;
    tracing::info!(url = url(address, path), "listening");
    if let Some(line) = curl_line(&running.shared.dispatch.router, &url(address, path)) {
        tracing::info!("try it: {line}");
    }
    let mut http = std::pin::pin!(http);
    let signal = tokio::select! {
        ended = &mut http => return ended.map_err(|error| StartError::new("the HTTP server ended", error)),
        signal = stop_signal() => signal?,
    };
    tracing::info!(signal, drain = ?settings.drain, "stopping: answering the calls that were let in");
    let stop = stop(&running, &handle);
    let second = stop_signal();
    tokio::select! {
        (ended, ()) = join(http, stop) => {
            reaper.abort();
            if let Err(error) = ended {
                tracing::error!(%error, "the HTTP server ended badly");
            }
        }
        signal = second => {
            tracing::warn!(signal = signal?, "stopping at once");
            let _ = handle.stop(false);
        }
    }
    tracing::info!("stopped");
    Ok(())
}

/// Stops the services and the HTTP server: new connections are refused from now on, open requests get their answers.
pub(crate) async fn stop(running: &Running, handle: &ServerHandle) {
    join(handle.stop(true), running.stop()).await;
}

/// A server that listens; it answers once `http` is polled.
pub(crate) struct Listening {
    pub(crate) running: Running,
    pub(crate) http: actix_web::dev::Server,
    pub(crate) address: SocketAddr,
    /// Closes stalled connections. To be aborted at the end.
    pub(crate) reaper: JoinHandle<()>,
}

/// Binds, starts the services, and makes the HTTP server.
pub(crate) async fn listen(server: Server, settings: &Settings) -> Result<Listening> {
    let socket = std::net::TcpListener::bind((settings.host.as_str(), settings.port))
        .and_then(|socket| socket.set_nonblocking(true).map(|()| socket));
    let cannot = |error: std::io::Error| {
        let what = format_args!("cannot listen on {}:{} ({error})", settings.host, settings.port);
        let (host, port) = (settings.origin("host"), settings.origin("port"));
        let fix = match error.kind() {
            ErrorKind::AddrInUse => format!("stop what listens there, or choose another port (this one: {port})"),
            ErrorKind::PermissionDenied => {
                format!("choose a port from 1024 on, or 0 for a free one (this one: {port})")
            }
            _ => format!("choose an address of this machine, or 0.0.0.0 for all of them (this one: {host})"),
        };
        StartError::new(what, fix).with_source(error)
    };
    let socket = socket.map_err(cannot)?;
    let address = socket.local_addr().map_err(cannot)?;
    let Launched { running, listens } = launch(server, settings).await?;
    let _ = listens.set(address);
    let connections = Connections::new(ConnectionLimits {
        total: settings.max_connections,
        per_peer: settings.max_connections,
        patience: settings.body_timeout.max(KEEP_ALIVE + Duration::from_secs(5)),
    });
    let app = running.clone();
    let http = HttpServer::new(move || App::new().configure(app.routes()).wrap_fn(track))
        .workers(settings.workers)
        .keep_alive(KEEP_ALIVE)
        .client_request_timeout(Duration::from_secs(5))
        .client_disconnect_timeout(Duration::from_secs(1))
        .h1_allow_half_closed(settings.allow_half_closed)
        .shutdown_timeout(settings.drain.as_secs() + 10)
        .disable_signals()
        .max_connections((2 * settings.max_connections).div_ceil(settings.workers))
        .on_connect(connections.on_connect())
        .listen(socket)
        .map_err(cannot)?
        .run();
    let reaper = actix::spawn(Arc::clone(&connections).reap());
    Ok(Listening { running, http, address, reaper })
}

async fn stop_signal() -> Result<&'static str> {
    let listen =
        |kind, name| signal(kind).map_err(|error| StartError::new(format_args!("cannot listen for {name}"), error));
    let (mut term, mut int) = (listen(SignalKind::terminate(), "SIGTERM")?, listen(SignalKind::interrupt(), "SIGINT")?);
    Ok(tokio::select! {
        _ = term.recv() => "SIGTERM",
        _ = int.recv() => "ctrl-c",
    })
}

/// Logs to standard error, unless the program has set up its own logging.
fn init_log(filter: &str) {
    let filter = EnvFilter::try_new(filter).unwrap_or_else(|_| EnvFilter::new("info"));
    // An error says that the program has done it already.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .try_init();
}

/// Prints to standard output; a reader that has left is no mistake.
pub(crate) fn print(text: &str) -> Result<()> {
    let _ = writeln!(std::io::stdout(), "{text}");
    Ok(())
}

//! A server: its builder, its start, and its end.
//!
//! - [`builder`] has the settings, and this module what has no setting: services, routes, files.
//! - [`app_config`](mod@app_config) has the settings of the program itself.
//! - [`start`] has the ways to start it: [`resolve`] finds out which value of each setting counts,
//!   and [`assemble`] makes the parts.
//! - [`handle`] is a server whose services run, and [`serve`] one that also listens.
//!
//! All mistakes are found at the start: each is one line that says what to do.

mod app_config;
mod assemble;
mod assets;
mod builder;
mod console;
mod curl_example;
mod directory;
mod erased_service;
mod handle;
mod health;
mod http_front;
mod listener;
mod log;
mod metrics;
mod metrics_listener;
mod middleware;
mod nats;
mod path_check;
mod readiness;
mod remotes;
mod resolve;
mod schema_example;
mod serve;
mod signals;
mod start;
mod title;
mod tls;
mod token_checker;
mod traces;

use std::any::TypeId;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

use actix_web::web::ServiceConfig;
use callbox_client::__engine::GivenClient;
use callbox_client::ServiceClient;

use crate::http::{Middleware, TemplateHelpers};
use crate::jsonrpc::Dialect;
use crate::metrics::Metrics;
use crate::service::{Service, ServiceFactory};
use crate::settings::BuilderSettings;
use crate::start_error::StartError;
use crate::sync::Arc;

pub use app_config::app_config;
use erased_service::{ServicePlan, plan};
pub use handle::ServerHandle;
pub(crate) use log::LogReader;
#[cfg(feature = "testing")]
pub(crate) use log::init as init_log;
#[cfg(feature = "testing")]
pub(crate) use resolve::Resolution;
#[cfg(feature = "testing")]
pub(crate) use serve::ListeningServer;
use token_checker::TokenChecker;

/// Adds custom routes; called for the `App` of each worker.
type Configure = Arc<dyn Fn(&mut ServiceConfig) + Send + Sync>;

/// A JSON-RPC server for one or more services: its builder, and its start.
///
/// With [`with_args`](Self::with_args) each setting can also come from a flag, an environment
/// variable or a file, which override the builder. The guide has a page on [all
/// settings](crate::guide::settings).
///
/// ```no_run
/// use callbox::{Server, service};
///
/// #[derive(Default)]
/// struct MyService { greeted: u64 }
///
/// #[service(name = "name.your.service")]
/// impl MyService {
///     /// Says hello.
///     #[public_method]
///     fn say_hello(&mut self, name: String) -> String {
///         self.greeted += 1;
///         format!("hello {name}")
///     }
/// }
///
/// fn main() -> callbox::Result<()> {
///     Server::new(MyService::default).bind("127.0.0.1:5000").with_args().start()
/// }
/// ```
#[must_use = "a server does nothing until it is started"]
pub struct Server {
    pub(crate) plans: Vec<ServicePlan>,
    pub(crate) settings: BuilderSettings,
    /// Clients of services elsewhere.
    pub(crate) clients: Vec<(TypeId, GivenClient)>,
    with_args: bool,
    pub(crate) token_checker: Option<TokenChecker>,
    pub(crate) more_endpoints: Vec<(String, Dialect)>,
    pub(crate) configure: Vec<Configure>,
    pub(crate) static_files: Vec<(String, PathBuf)>,
    pub(crate) middleware: Middleware,
    metrics: Metrics,
    pub(crate) helpers: TemplateHelpers,
    /// Where the settings of the program itself come from, if it has any.
    app: Option<app_config::AppPlan>,
    /// The last value given to the builder that cannot be used; an error at the start.
    mistake: Option<StartError>,
}

impl Server {
    /// Makes a server for one service. `factory` makes the service's state: at the start, and again
    /// after a crash.
    ///
    /// The factory may be async, may fail, and may take a
    /// [`ServiceContext`](crate::ServiceContext): see [`ServiceFactory`]. It runs on the service's
    /// own thread and may block it for as long as it takes. Its error at the start is the error of
    /// the start. After a crash it is called again until it succeeds, with growing pauses of at
    /// most 30 s.
    pub fn new<S: Service, Kind>(factory: impl ServiceFactory<S, Kind>) -> Self {
        let server = Self {
            plans: Vec::new(),
            clients: Vec::new(),
            settings: BuilderSettings::default(),
            with_args: false,
            token_checker: None,
            more_endpoints: Vec::new(),
            configure: Vec::new(),
            static_files: Vec::new(),
            middleware: Middleware::default(),
            metrics: Metrics::default(),
            helpers: TemplateHelpers::default(),
            app: None,
            mistake: None,
        };
        server.service(factory)
    }

    /// Shows the metrics of the program beside those of the server. Default: there are none.
    pub fn metrics(mut self, metrics: Metrics) -> Self {
        self.metrics = metrics;
        self
    }

    /// Adds another service, with its own thread and mailboxes. All services start at the same
    /// time, and each may call the others, whatever their order here.
    ///
    /// Two methods with the same name are an error at the start; the `namespace` of a service keeps
    /// them apart.
    pub fn service<S: Service, Kind>(mut self, factory: impl ServiceFactory<S, Kind>) -> Self {
        self.plans.push(plan(factory));
        self
    }

    /// Gives the services a client of a service that is elsewhere: one over a
    /// [transport](crate::client::Transport) of your own, for example, or a
    /// [fake](crate::testing::fake) in a test. It comes before a service of this server.
    ///
    /// ```
    /// use callbox::client::{Client, Transport};
    /// use callbox::{Server, service};
    /// # struct Prices;
    /// # #[service(name = "prices")] impl Prices { #[public_method] fn of(&self) -> u64 { 3 } }
    /// # struct Orders;
    ///
    /// #[service(name = "orders")]
    /// impl Orders {
    ///     #[public_method]
    ///     async fn total(&self, prices: &PricesClient) -> u64 {
    ///         prices.of().await.unwrap_or_default()
    ///     }
    /// }
    ///
    /// fn server(prices: impl Transport) -> Server {
    ///     Server::new(|| Orders).with_client(PricesClient::from(Client::with_transport(prices)))
    /// }
    /// ```
    pub fn with_client<C: ServiceClient + Clone>(mut self, client: C) -> Self {
        self.clients.push((TypeId::of::<C>(), GivenClient::new(client)));
        self
    }

    /// Adds another endpoint, with its own dialect: `.add_endpoint("/api/v0", Dialect::Gemstone)`.
    pub fn add_endpoint(mut self, path: &str, dialect: Dialect) -> Self {
        self.more_endpoints.push((path.to_owned(), dialect));
        self
    }

    /// Adds routes of your own: scopes, pages, and whatever else actix-web has.
    ///
    /// `routes` runs once for each worker, and before that to check which paths it uses. Handlers
    /// can take [`ServiceRef`](crate::ServiceRef) and [`Templates`](crate::Templates) as
    /// extractors.
    pub fn configure(mut self, routes: impl Fn(&mut ServiceConfig) + Send + Sync + 'static) -> Self {
        self.configure.push(Arc::new(routes));
        self
    }

    /// Serves the files of a directory below a URL: `.static_files("/static", "static")`.
    ///
    /// The URL of a directory with an `index.html` serves that file; without its final slash, it
    /// redirects. Files outside of the directory, hidden files, and listings are never served. A
    /// directory whose name begins with a dot needs its own URL:
    /// `.static_files("/.well-known", "static/.well-known")`. A relative path starts in
    /// [`assets`](Self::assets).
    pub fn static_files(mut self, url: &str, directory: impl Into<PathBuf>) -> Self {
        self.static_files.push((url.to_owned(), directory.into()));
        self
    }

    /// Adds a helper for templates, which they use by this name: `{{money cents}}`.
    ///
    /// The macro [`handlebars_helper`](handlebars::handlebars_helper) makes one from a closure. Its
    /// result is escaped like any value. Everything else that implements
    /// [`HelperDef`](handlebars::HelperDef) will do, block helpers among them.
    ///
    /// A name that handlebars itself uses (`if`, `each`, `eq`, …), or another helper, is an error
    /// at the start.
    ///
    /// ```no_run
    /// use callbox::handlebars::handlebars_helper;
    /// use callbox::{Server, service};
    ///
    /// # struct Shop;
    /// # #[service(name = "shop")] impl Shop { #[public_method] fn ping(&self) {} }
    /// handlebars_helper!(money: |cents: u64| format!("{}.{:02} €", cents / 100, cents % 100));
    ///
    /// fn main() -> callbox::Result<()> {
    ///     Server::new(|| Shop).templates("templates").template_helper("money", money).start()
    /// }
    /// ```
    pub fn template_helper(mut self, name: &str, helper: impl handlebars::HelperDef + Send + Sync + 'static) -> Self {
        if let Err(mistake) = self.helpers.add(name, helper) {
            self.mistake = Some(mistake);
        }
        self
    }

    /// Takes settings from flags, the environment and `callbox.toml` as well. A flag overrides the
    /// environment, which overrides the file, which overrides this builder.
    ///
    /// `--help` lists the flags; `--show-settings` prints each value and its source.
    pub fn with_args(mut self) -> Self {
        self.with_args = true;
        self
    }

    /// Returns the name of the program: that of its first service.
    pub(crate) fn service_name(&self) -> &'static str {
        self.plans.first().map_or("callbox", |plan| plan.name)
    }

    /// Changes the settings for a test: a free port, no TLS, and no sources other than the builder.
    #[cfg(feature = "testing")]
    pub(crate) fn for_tests(mut self) -> Self {
        self.settings.host = Some("127.0.0.1".to_owned());
        self.settings.port = Some(Some(0));
        (self.settings.tls_cert, self.settings.tls_key) = (None, None);
        self.with_args = false;
        self
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let services: Vec<_> = self.plans.iter().map(|plan| plan.name).collect();
        f.debug_struct("Server").field("services", &services).field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Returns a URL such as `http://127.0.0.1:5000/api`, with brackets around an IPv6 address.
pub(crate) fn url(scheme: &str, address: SocketAddr, path: &str) -> String {
    format!("{scheme}://{address}{path}")
}

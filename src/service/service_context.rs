//! What a service knows of its surroundings: other services, its settings, and its tasks.

use std::fmt;
use std::future::Future;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use callbox_client::{LocalService, ServiceClient};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::{AppConfig, Directory};

/// The surroundings of a service: other services, the settings of the program, and background
/// tasks. Cheap to clone.
///
/// The factory of a service may take it, and so may its `#[on_start]`. A service that starts tasks
/// later keeps it as a field.
///
/// ```
/// use std::time::Duration;
/// use callbox::{Server, ServiceContext, service, testing};
///
/// #[derive(Default)]
/// struct Prices;
///
/// #[service(name = "prices")]
/// impl Prices {
///     #[public_method]
///     fn of(&self, article: String) -> u64 {
///         article.len() as u64
///     }
/// }
///
/// struct Orders {
///     prices: PricesClient,
///     ticks: u64,
/// }
///
/// impl Orders {
///     async fn open(context: ServiceContext) -> Result<Self, std::io::Error> {
///         let me = OrdersClient::from(context.me());
///         context.spawn(async move {
///             loop {
///                 tokio::time::sleep(Duration::from_secs(60)).await;
///                 let _ = me.notify(me.tick()).await;
///             }
///         });
///         Ok(Self { prices: context.client(), ticks: 0 })
///     }
/// }
///
/// #[service(name = "orders")]
/// impl Orders {
///     #[public_method]
///     async fn total(&self, articles: Vec<String>) -> u64 {
///         let mut total = 0;
///         for article in articles {
///             total += self.prices.of(article).await.unwrap_or_default();
///         }
///         total
///     }
///
///     /// Counts a minute.
///     #[public_method]
///     fn tick(&mut self) {
///         self.ticks += 1;
///     }
/// }
///
/// let server = testing::start(Server::new(Orders::open).service(Prices::default));
/// assert_eq!(server.call(Orders_Total { articles: vec!["tea".into(), "cake".into()] }), Ok(7));
/// ```
#[derive(Clone)]
pub struct ServiceContext {
    me: LocalService,
    surroundings: Arc<Surroundings>,
    tasks: Arc<dyn TaskSpawner>,
    /// Set once the service has a client, whose calls have the id of the request behind them.
    has_clients: Arc<AtomicBool>,
}

/// Where the tasks of a service run. The engine implements it.
pub(crate) trait TaskSpawner: Send + Sync {
    fn spawn(&self, task: BoxFuture<'static, ()>);
}

/// What all services of a server have around them. Set once all of them are known, before the first
/// one starts.
#[derive(Debug, Default)]
pub(crate) struct Surroundings {
    services: OnceLock<Arc<Directory>>,
    app_config: OnceLock<AppConfig>,
}

impl Surroundings {
    pub(crate) fn set(&self, services: Directory, app_config: AppConfig) {
        let first = self.services.set(Arc::new(services)).is_ok() & self.app_config.set(app_config).is_ok();
        debug_assert!(first, "they are set once");
    }

    pub(crate) fn services(&self) -> Option<&Arc<Directory>> {
        self.services.get()
    }
}

/// The payload of the panic of a service that needs another one which is not there. It is an error
/// of the start, with this text.
pub(crate) struct MissingService(pub(crate) String);

impl ServiceContext {
    pub(crate) fn new(
        me: LocalService,
        surroundings: Arc<Surroundings>,
        tasks: Arc<dyn TaskSpawner>,
        has_clients: Arc<AtomicBool>,
    ) -> Self {
        Self { me, surroundings, tasks, has_clients }
    }

    /// Returns a client of another service, in this process or in another.
    ///
    /// Calls may be made at once: a service that is still starting answers them when it is up.
    ///
    /// # Panics
    /// If the server has no such service and does not know where it is. In a factory and in
    /// `#[on_start]` that is an error of the start, which names the service and says what to do.
    pub fn client<C: ServiceClient>(&self) -> C {
        self.has_clients.store(true, Ordering::Relaxed);
        let found = self.surroundings.services().and_then(|services| services.client());
        found.unwrap_or_else(|| std::panic::resume_unwind(Box::new(MissingService(missing::<C>()))))
    }

    /// Returns this service, from which a client of its own is made:
    /// `OrdersClient::from(context.me())`.
    ///
    /// Its calls wait until the service is up. So a factory, and `#[on_start]`, must not wait for
    /// one.
    pub fn me(&self) -> LocalService {
        self.has_clients.store(true, Ordering::Relaxed);
        self.me.clone()
    }

    /// Returns the settings of the program itself, which [`Server::app_config`] has read. `None` if
    /// it has read none, or settings of another type.
    ///
    /// [`Server::app_config`]: crate::Server::app_config
    pub fn app_config<T: Send + Sync + 'static>(&self) -> Option<Arc<T>> {
        self.surroundings.app_config.get().and_then(AppConfig::get)
    }

    /// Returns the value of this type that the server has for its services.
    pub(crate) fn server_value<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.surroundings.services()?.value()
    }

    /// Starts a task of the service, which runs on the service's own thread.
    ///
    /// It is cancelled when the state is replaced after a crash, and when the service stops: after
    /// the last call, before `#[on_stop]`. The new state starts its own tasks. A panic ends the
    /// task alone; it is logged and counted.
    ///
    /// A task does not have the state. It calls the service like everybody else, through
    /// [`me`](Self::me).
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task.boxed());
    }
}

fn missing<C: ServiceClient>() -> String {
    let name = C::NAME;
    format!("it needs the service `{name}`: add it with .service(…), or say where it is with --remote {name}=URL")
}

impl fmt::Debug for ServiceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceContext").field("me", &self.me).finish_non_exhaustive()
    }
}

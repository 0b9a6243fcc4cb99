//! The services of a server with their types erased: first planned by the builder, then with
//! mailboxes and routes.

use std::any::{Any, TypeId};
use std::time::Duration;

use actix_web::web::ServiceConfig;
use callbox_client::LocalService;
use futures::future::BoxFuture;

use crate::engine::{
    AnyCore, Core, HostedService, Placement, Pool, ServiceRef, ServiceStats, Status, ask_ready, launch, list_clients,
    routes, stop, weak,
};
use crate::route::Route;
use crate::service::{Directory, Factory, Service, ServiceFactory, ServiceInfo, Surroundings};
use crate::sync::Arc;

use super::readiness::Readiness;

/// A service that was given to the builder and is not hosted yet.
pub(crate) struct ServicePlan {
    pub(super) name: &'static str,
    factory: Factory,
    host: fn(Pool, Placement, Arc<Surroundings>) -> Box<dyn TypedService>,
}

pub(super) fn plan<S: Service, Kind>(factory: impl ServiceFactory<S, Kind>) -> ServicePlan {
    ServicePlan {
        name: S::NAME,
        factory: Factory::new(factory),
        host: |pool, placement, surroundings| {
            Box::new(HostedService::<S>::new(Core::<S>::new(pool, placement, surroundings)))
        },
    }
}

impl ServicePlan {
    /// Makes the mailboxes and routes of the service. Nothing runs yet.
    pub(super) fn prepare(
        self,
        pool: Pool,
        placement: Placement,
        surroundings: &Arc<Surroundings>,
    ) -> Arc<ErasedService> {
        let typed = (self.host)(pool, placement, Arc::clone(surroundings));
        let readiness = Readiness::default();
        Arc::new(ErasedService { core: typed.core(), typed, factory: self.factory, readiness })
    }
}

/// Returns what reads the statistics of all these services.
pub(super) fn stats_of(services: &[Arc<ErasedService>]) -> impl Fn() -> Vec<ServiceStats> + Send + Sync + use<> {
    let services = services.to_vec();
    move || services.iter().map(|service| service.stats()).collect()
}

/// A service of a server, with its mailboxes and routes.
pub(crate) struct ErasedService {
    core: Arc<AnyCore>,
    typed: Box<dyn TypedService>,
    factory: Factory,
    readiness: Readiness,
}

impl ErasedService {
    pub(super) fn name(&self) -> &'static str {
        self.core.name
    }

    /// Returns the name and the documentation of the service.
    pub(super) fn about(&self) -> ServiceInfo {
        self.typed.about()
    }

    /// Returns a route for each method.
    pub(super) fn routes(&self) -> Vec<Arc<dyn Route>> {
        self.typed.routes()
    }

    /// Adds the service under the types of its clients.
    pub(super) fn list(&self, directory: &mut Directory) {
        self.typed.list(directory);
    }

    /// Starts the service. Returns once it is up, or the reason why it could not start.
    pub(super) fn launch(&self) -> impl Future<Output = Result<(), String>> + use<> {
        launch(Arc::clone(&self.core), self.factory.clone(), self.typed.weak())
    }

    /// Stops the service, and returns the methods that did not end within `limit`.
    pub(super) fn stop(&self, limit: Duration) -> impl Future<Output = Vec<&'static str>> + use<> {
        stop(Arc::clone(&self.core), limit)
    }

    /// Whether the service accepts calls.
    pub(super) fn is_up(&self) -> bool {
        self.core.lifecycle.status() == Status::Up
    }

    /// Whether the service accepts calls and says that it is ready.
    pub(super) async fn is_ready(&self) -> bool {
        if !self.is_up() {
            return false;
        }
        let Some(asked) = self.typed.ask_ready() else { return true };
        let ask = async {
            let Some(reason) = asked.await else { return true };
            log_throttled!(WARN, service = self.name(), reason, "the service is not ready");
            false
        };
        self.readiness.get(ask).await
    }

    pub(super) fn stats(&self) -> ServiceStats {
        ServiceStats::of(&self.core)
    }

    /// Registers the service's `ServiceRef` as app data, so that handlers can extract it.
    pub(super) fn register(&self, config: &mut ServiceConfig) {
        self.typed.register(config);
    }

    /// Returns the names of the methods, by the types of their messages.
    #[cfg(feature = "testing")]
    pub(super) fn methods(&self) -> Vec<(TypeId, &'static str)> {
        self.core.table.names().collect()
    }

    /// Returns the type of the service, and its `ServiceRef`.
    pub(super) fn reference(&self) -> (TypeId, Box<dyn Any + Send>) {
        self.typed.reference()
    }
}

/// What depends on the type of a service. Each function is compiled for each service, so there are
/// few, and they are short.
trait TypedService: Send + Sync {
    fn core(&self) -> Arc<AnyCore>;

    fn about(&self) -> ServiceInfo;

    fn routes(&self) -> Vec<Arc<dyn Route>>;

    fn list(&self, directory: &mut Directory);

    /// Returns the service for its own clients, which do not keep it.
    fn weak(&self) -> LocalService;

    /// Asks why the service is not ready, if it is one that says so.
    fn ask_ready(&self) -> Option<BoxFuture<'static, Option<String>>>;

    fn register(&self, config: &mut ServiceConfig);

    fn reference(&self) -> (TypeId, Box<dyn Any + Send>);
}

impl<S: Service> TypedService for Arc<HostedService<S>> {
    fn core(&self) -> Arc<AnyCore> {
        self.core.clone()
    }

    fn about(&self) -> ServiceInfo {
        ServiceInfo::of::<S>()
    }

    fn routes(&self) -> Vec<Arc<dyn Route>> {
        routes(&self.core)
    }

    fn list(&self, directory: &mut Directory) {
        list_clients(self, directory);
    }

    fn weak(&self) -> LocalService {
        weak(self)
    }

    fn ask_ready(&self) -> Option<BoxFuture<'static, Option<String>>> {
        ask_ready(&self.core)
    }

    fn register(&self, config: &mut ServiceConfig) {
        config.app_data(ServiceRef::new(Arc::clone(self)));
    }

    fn reference(&self) -> (TypeId, Box<dyn Any + Send>) {
        (TypeId::of::<S>(), Box::new(ServiceRef::new(Arc::clone(self))))
    }
}

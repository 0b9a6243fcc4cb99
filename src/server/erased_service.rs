//! The services of a server with their types erased: first planned by the builder, then with
//! mailboxes and routes.

use std::any::{Any, TypeId};
use std::time::Duration;

use actix_web::web::ServiceConfig;
use futures::future::{BoxFuture, LocalBoxFuture};

use crate::engine::{
    Core, HostedService, Placement, Pool, ServiceRef, ServiceStats, Status, ask_ready, launch, list_clients, routes,
    stop,
};
use crate::route::Route;
use crate::service::{Directory, Factory, Service, ServiceFactory, ServiceInfo, Surroundings};
use crate::sync::Arc;

use super::readiness::Readiness;

/// A service that was given to the builder and is not hosted yet.
pub(crate) trait ServicePlan: Send {
    fn name(&self) -> &'static str;

    /// Makes the mailboxes and routes of the service. Nothing runs yet.
    fn prepare(
        self: Box<Self>,
        pool: Pool,
        placement: Placement,
        surroundings: &Arc<Surroundings>,
    ) -> Arc<dyn ErasedService>;
}

/// Returns what reads the statistics of all these services.
pub(super) fn stats_of(services: &[Arc<dyn ErasedService>]) -> impl Fn() -> Vec<ServiceStats> + Send + Sync + use<> {
    let services = services.to_vec();
    move || services.iter().map(|service| service.stats()).collect()
}

/// A service of a server, with its mailboxes and routes.
pub(crate) trait ErasedService: Send + Sync {
    fn name(&self) -> &'static str;

    /// Returns the name and the documentation of the service.
    fn about(&self) -> ServiceInfo;

    /// Returns a route for each method.
    fn routes(&self) -> Vec<Arc<dyn Route>>;

    /// Adds the service under the types of its clients.
    fn list(&self, directory: &mut Directory);

    /// Starts the service. Returns once it is up, or the reason why it could not start.
    fn launch(&self) -> LocalBoxFuture<'static, Result<(), String>>;

    /// Stops the service, and returns the methods that did not end within `limit`.
    fn stop(&self, limit: Duration) -> LocalBoxFuture<'static, Vec<&'static str>>;

    /// Whether the service accepts calls.
    fn is_up(&self) -> bool;

    /// Whether the service accepts calls and says that it is ready.
    fn is_ready(&self) -> BoxFuture<'_, bool>;

    fn stats(&self) -> ServiceStats;

    /// Registers the service's `ServiceRef` as app data, so that handlers can extract it.
    fn register(&self, config: &mut ServiceConfig);

    /// Returns the names of the methods, by the types of their messages.
    #[cfg(feature = "testing")]
    fn methods(&self) -> Vec<(TypeId, &'static str)>;

    /// Returns the type of the service, and its `ServiceRef`.
    fn reference(&self) -> (TypeId, Box<dyn Any + Send>);
}

pub(super) fn plan<S: Service, Kind>(factory: impl ServiceFactory<S, Kind>) -> Box<dyn ServicePlan> {
    Box::new(TypedPlan::<S> { factory: Factory::new(factory) })
}

struct TypedPlan<S: Service> {
    factory: Factory<S>,
}

impl<S: Service> ServicePlan for TypedPlan<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn prepare(
        self: Box<Self>,
        pool: Pool,
        placement: Placement,
        surroundings: &Arc<Surroundings>,
    ) -> Arc<dyn ErasedService> {
        let core = Core::new(pool, placement, Arc::clone(surroundings));
        Arc::new(TypedService {
            hosted: HostedService::new(core),
            factory: self.factory,
            readiness: Readiness::default(),
        })
    }
}

struct TypedService<S: Service> {
    hosted: Arc<HostedService<S>>,
    factory: Factory<S>,
    readiness: Readiness,
}

impl<S: Service> ErasedService for TypedService<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn about(&self) -> ServiceInfo {
        ServiceInfo::of::<S>()
    }

    fn routes(&self) -> Vec<Arc<dyn Route>> {
        routes(&self.hosted.core)
    }

    fn list(&self, directory: &mut Directory) {
        list_clients(&self.hosted, directory);
    }

    fn launch(&self) -> LocalBoxFuture<'static, Result<(), String>> {
        Box::pin(launch(Arc::clone(&self.hosted), self.factory.clone()))
    }

    fn stop(&self, limit: Duration) -> LocalBoxFuture<'static, Vec<&'static str>> {
        Box::pin(stop(Arc::clone(&self.hosted.core), limit))
    }

    fn is_up(&self) -> bool {
        self.hosted.core.lifecycle.status() == Status::Up
    }

    fn is_ready(&self) -> BoxFuture<'_, bool> {
        let ask = async {
            let Some(reason) = ask_ready(&self.hosted.core).await else { return true };
            log_throttled!(WARN, service = S::NAME, reason, "the service is not ready");
            false
        };
        Box::pin(async move { self.is_up() && (!S::CHECKS_READY || self.readiness.get(ask).await) })
    }

    fn stats(&self) -> ServiceStats {
        ServiceStats::of(&self.hosted.core)
    }

    fn register(&self, config: &mut ServiceConfig) {
        config.app_data(ServiceRef::new(Arc::clone(&self.hosted)));
    }

    #[cfg(feature = "testing")]
    fn methods(&self) -> Vec<(TypeId, &'static str)> {
        self.hosted.core.table.names().collect()
    }

    fn reference(&self) -> (TypeId, Box<dyn Any + Send>) {
        (TypeId::of::<S>(), Box::new(ServiceRef::new(Arc::clone(&self.hosted))))
    }
}

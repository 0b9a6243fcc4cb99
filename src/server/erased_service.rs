//! The services of a server with their types erased: first planned by the builder, then with
//! mailboxes and routes.

use std::any::{Any, TypeId};
use std::time::Duration;

use actix_web::web::ServiceConfig;
use futures::future::LocalBoxFuture;

use crate::engine::{
    Core, Factory, HostedService, Placement, Pool, ServiceRef, ServiceStats, Status, launch, routes, stop,
};
use crate::route::Route;
use crate::service::{Service, ServiceInfo};
use crate::sync::Arc;

/// A service that was given to the builder and is not hosted yet.
pub(crate) trait ServicePlan: Send {
    fn name(&self) -> &'static str;

    /// Makes the mailboxes and routes of the service. Nothing runs yet.
    fn prepare(self: Box<Self>, pool: Pool, placement: Placement) -> Arc<dyn ErasedService>;
}

/// A service of a server, with its mailboxes and routes.
pub(crate) trait ErasedService: Send + Sync {
    fn name(&self) -> &'static str;

    /// Returns the name and the documentation of the service.
    fn about(&self) -> ServiceInfo;

    /// Returns a route for each method.
    fn routes(&self) -> Vec<Arc<dyn Route>>;

    /// Starts the service. Returns once it is up, or the reason why it could not start.
    fn launch(&self) -> LocalBoxFuture<'static, Result<(), String>>;

    /// Stops the service, and returns the methods that did not end within `limit`.
    fn stop(&self, limit: Duration) -> LocalBoxFuture<'static, Vec<&'static str>>;

    /// Whether the service accepts calls.
    fn is_up(&self) -> bool;

    fn stats(&self) -> ServiceStats;

    /// Registers the service's `ServiceRef` as app data, so that handlers can extract it.
    fn register(&self, config: &mut ServiceConfig);

    /// Returns the names of the methods, by the types of their messages.
    #[cfg(feature = "testing")]
    fn methods(&self) -> Vec<(TypeId, &'static str)>;

    /// Returns the type of the service, and its `ServiceRef`.
    fn reference(&self) -> (TypeId, Box<dyn Any + Send>);
}

pub(super) fn plan<S: Service>(factory: impl Fn() -> S + Send + Sync + 'static) -> Box<dyn ServicePlan> {
    Box::new(TypedPlan::<S> { factory: Arc::new(factory) })
}

struct TypedPlan<S> {
    factory: Factory<S>,
}

impl<S: Service> ServicePlan for TypedPlan<S> {
    fn name(&self) -> &'static str {
        S::NAME
    }

    fn prepare(self: Box<Self>, pool: Pool, placement: Placement) -> Arc<dyn ErasedService> {
        Arc::new(TypedService { hosted: HostedService::new(Core::new(pool, placement)), factory: self.factory })
    }
}

struct TypedService<S: Service> {
    hosted: Arc<HostedService<S>>,
    factory: Factory<S>,
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

    fn launch(&self) -> LocalBoxFuture<'static, Result<(), String>> {
        Box::pin(launch(Arc::clone(&self.hosted), Arc::clone(&self.factory)))
    }

    fn stop(&self, limit: Duration) -> LocalBoxFuture<'static, Vec<&'static str>> {
        Box::pin(stop(Arc::clone(&self.hosted.core), limit))
    }

    fn is_up(&self) -> bool {
        self.hosted.core.lifecycle.status() == Status::Up
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

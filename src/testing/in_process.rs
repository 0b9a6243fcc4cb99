//! A service without HTTP.

use std::fmt;

use crate::actor::ServiceRef;
use crate::auth::Caller;
use crate::jsonrpc::RpcError;
use crate::server::Server;
use crate::service::{Method, Reply, Service};

use super::system::{SystemThread, block_on};

/// A service on threads of its own, called without HTTP and JSON. Stops when it is dropped.
pub struct InProcess<S: Service> {
    service: ServiceRef<S>,
    _system: std::sync::Arc<SystemThread>,
}

/// Starts a service without HTTP.
///
/// # Panics
/// If it cannot start, with the reason.
pub fn in_process<S: Service>(factory: impl Fn() -> S + Send + Sync + 'static) -> InProcess<S> {
    in_process_with(factory, |server| server)
}

/// Starts a service without HTTP, with settings of its own: a [placement](Server::placement), more services beside it.
///
/// # Panics
/// If it cannot start, with the reason.
pub fn in_process_with<S: Service>(
    factory: impl Fn() -> S + Send + Sync + 'static,
    settings: impl FnOnce(Server) -> Server + Send + 'static,
) -> InProcess<S> {
    let (system, service) = SystemThread::start(async move |stopped| {
        let mut server = settings(Server::new(factory));
        if !server.checks_tokens() {
            // Access rules do not hold for calls within the process, but a private method wants somebody to check tokens.
            server = server.tokens(Nobody);
        }
        let running = server.launch().await.unwrap_or_else(|error| panic!("the service cannot start: {error}"));
        let service = running.service::<S>().unwrap_or_else(|| unreachable!("the server was made for it"));
        let ends = async move {
            let _ = stopped.await;
            running.stop().await;
        };
        (service, ends)
    });
    InProcess { service, _system: std::sync::Arc::new(system) }
}

/// Knows nobody.
struct Nobody;

impl crate::Authenticate for Nobody {
    async fn authenticate(&self, _: &str) -> Result<Option<Caller>, crate::BoxError> {
        Ok(None)
    }
}

impl<S: Service> InProcess<S> {
    /// Calls a method and waits for its answer.
    ///
    /// # Errors
    /// Those of [`ServiceRef::call`].
    pub fn call<M: Method<Service = S>>(&self, message: M) -> Reply<M> {
        block_on(self.service.call(message))
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// Those of [`ServiceRef::notify`].
    pub fn notify<M: Method<Service = S>>(&self, message: M) -> Result<(), RpcError> {
        self.service.notify(message)
    }

    /// The same service, called by somebody.
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        Self { service: self.service.as_caller(caller), _system: std::sync::Arc::clone(&self._system) }
    }

    /// Waits until no call waits or runs: the effects of all notifications sent before are there.
    pub fn settled(&self) {
        block_on(self.service.settled());
    }

    /// The handle, for async code.
    pub fn service(&self) -> &ServiceRef<S> {
        &self.service
    }
}

impl<S: Service> fmt::Debug for InProcess<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").field("service", &self.service).finish_non_exhaustive()
    }
}

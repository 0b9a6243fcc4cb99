//! A service without HTTP.

use std::fmt;

use crate::auth::Caller;
use crate::engine::ServiceRef;
use crate::jsonrpc::{Dialect, RpcError, log_all_causes};
use crate::server::{LogReader, Server, ServerHandle};
use crate::service::{Handles, Message, Reply, Service};

use super::system::{SystemThread, block_on};

/// A service on threads of its own, called without HTTP. Cheap to clone; stops when the last clone is dropped.
pub struct InProcess<S: Service> {
    service: ServiceRef<S>,
    running: ServerHandle,
    dialect: Dialect,
    token: Option<String>,
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
    let (system, (service, running)) = SystemThread::start(async move |stopped| {
        let mut server = settings(Server::new(factory));
        if !server.checks_tokens() {
            // Access rules do not hold for calls within the process, but a private method wants somebody to check tokens.
            server = server.tokens(Nobody);
        }
        log_all_causes();
        let running = server
            .launch_for(LogReader::Test)
            .await
            .unwrap_or_else(|error| panic!("the service cannot start: {error}"));
        let service = running.service::<S>().unwrap_or_else(|| unreachable!("the server was made for it"));
        let told = (service, running.clone());
        let ends = async move {
            let _ = stopped.await;
            // What still runs then is the test's own affair, and the log names it.
            let _ = running.stop().await;
        };
        (told, ends)
    });
    InProcess { service, running, dialect: Dialect::default(), token: None, _system: std::sync::Arc::new(system) }
}

/// Knows nobody.
struct Nobody;

impl crate::auth::Authenticate for Nobody {
    async fn authenticate(&self, _: &str) -> Result<Option<Caller>, crate::BoxError> {
        Ok(None)
    }
}

impl<S: Service> InProcess<S> {
    /// Calls a method and waits for its answer.
    ///
    /// # Errors
    /// Those of [`ServiceRef::call`].
    pub fn call<M: Message>(&self, message: M) -> Reply<M>
    where
        S: Handles<M>,
    {
        block_on(self.service.call(message))
    }

    /// Sends a notification.
    ///
    /// # Errors
    /// Those of [`ServiceRef::notify`].
    pub fn notify<M: Message>(&self, message: M) -> Result<(), RpcError>
    where
        S: Handles<M>,
    {
        self.service.notify(message)
    }

    /// Answers a JSON-RPC body, byte for byte as an endpoint does, without HTTP: `None` if there is nothing to answer.
    ///
    /// Access rules hold: see [`with_token`](Self::with_token).
    ///
    /// ```
    /// # use callbox::{service, testing};
    /// # #[derive(Default)] struct Counter;
    /// # #[service(name = "counter")] impl Counter { #[public_method] fn add(&self, a: u64, b: u64) -> u64 { a + b } }
    /// let counter = testing::in_process(Counter::default);
    /// let answer = counter.post(r#"{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}"#);
    /// assert_eq!(answer.as_deref(), Some(r#"{"jsonrpc":"2.0","result":3,"id":1}"#));
    /// ```
    ///
    /// # Panics
    /// If the answer is not UTF-8, which JSON is.
    pub fn post(&self, body: impl AsRef<[u8]>) -> Option<String> {
        block_on(self.answer(body.as_ref()))
            .map(|body| String::from_utf8(body).unwrap_or_else(|error| panic!("the answer is no text: {error}")))
    }

    /// The same for async code, which needs a tokio runtime with time: calls run on its thread as on that of a server's worker.
    pub async fn answer(&self, body: &[u8]) -> Option<Vec<u8>> {
        self.running.answer(body, self.dialect, self.token.as_deref()).await
    }

    /// The same service, with bodies that come with a token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// The same service, with bodies that are answered in a dialect.
    #[must_use]
    pub fn in_dialect(&self, dialect: Dialect) -> Self {
        Self { dialect, ..self.clone() }
    }

    /// The same service, called by somebody. Does not concern bodies, whose caller is whoever their token belongs to.
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        Self { service: self.service.as_caller(caller), ..self.clone() }
    }

    /// Waits until no call waits or runs: the effects of all notifications sent before are there.
    pub fn wait_idle(&self) {
        block_on(self.service.wait_idle());
    }

    /// The handle, for async code.
    pub fn service(&self) -> &ServiceRef<S> {
        &self.service
    }
}

// By hand: a derive would ask the state to be `Clone`.
impl<S: Service> Clone for InProcess<S> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            running: self.running.clone(),
            dialect: self.dialect,
            token: self.token.clone(),
            _system: std::sync::Arc::clone(&self._system),
        }
    }
}

impl<S: Service> fmt::Debug for InProcess<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Not the token.
        f.debug_struct("InProcess")
            .field("service", &self.service)
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

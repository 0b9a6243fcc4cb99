//! A service in the process of a test, without HTTP.

use std::fmt;

use crate::auth::Caller;
use crate::engine::ServiceRef;
use crate::jsonrpc::{Dialect, RpcError, log_all_causes};
use crate::server::{LogReader, Server, ServerHandle};
use crate::service::{Handles, Message, Reply, Service, ServiceFactory};

use super::system::{SystemThread, block_on};

/// A service on its own threads, called without HTTP. Cheap to clone; the service stops when the
/// last clone is dropped, after the admitted calls have ended. See [`in_process`].
pub struct InProcess<S: Service> {
    service: ServiceRef<S>,
    running: ServerHandle,
    dialect: Dialect,
    token: Option<String>,
    _system: std::sync::Arc<SystemThread>,
}

/// Starts a service without HTTP. `factory` makes its state, as for [`Server::new`].
///
/// ```
/// use callbox::{service, testing};
///
/// #[derive(Default)]
/// struct Stock { pieces: u64 }
///
/// #[service(name = "stock")]
/// impl Stock {
///     /// Adds pieces to the stock.
///     #[public_method]
///     fn add(&mut self, pieces: u64) -> u64 {
///         self.pieces += pieces;
///         self.pieces
///     }
/// }
///
/// let stock = testing::in_process(Stock::default);
/// assert_eq!(stock.call(Stock_Add { pieces: 3 }), Ok(3));
/// ```
///
/// # Panics
/// Panics if the service cannot start, with the reason.
pub fn in_process<S: Service, Kind: 'static>(factory: impl ServiceFactory<S, Kind>) -> InProcess<S> {
    in_process_with(factory, |server| server)
}

/// Starts a service without HTTP, with other settings: a [placement](Server::placement), for
/// example, or more services on the same server.
///
/// # Panics
/// Panics if the service cannot start, with the reason.
pub fn in_process_with<S: Service, Kind: 'static>(
    factory: impl ServiceFactory<S, Kind>,
    settings: impl FnOnce(Server) -> Server + Send + 'static,
) -> InProcess<S> {
    let (system, running) = start(settings(Server::new(factory)));
    let service = running.service::<S>().unwrap_or_else(|| unreachable!("the server was made for it"));
    InProcess { service, running, dialect: Dialect::default(), token: None, _system: std::sync::Arc::new(system) }
}

fn start(mut server: Server) -> (SystemThread, ServerHandle) {
    SystemThread::start(async move |stopped| {
        if !server.checks_tokens() {
            // A server with private methods does not start without a token check. Calls within the
            // process carry no token, so the check may reject all of them.
            server = server.tokens(RejectAll);
        }
        log_all_causes();
        let running = server
            .launch_for(LogReader::Test)
            .await
            .unwrap_or_else(|error| panic!("the service cannot start: {error}"));
        let started = running.clone();
        let until_stopped = async move {
            let _ = stopped.await;
            // Calls that still run after the stop are in the log. The test may have started them on
            // purpose.
            let _ = running.stop().await;
        };
        (started, until_stopped)
    })
}

/// Rejects every token.
struct RejectAll;

impl crate::auth::Authenticate for RejectAll {
    async fn authenticate(&self, _: &str) -> Result<Option<Caller>, crate::BoxError> {
        Ok(None)
    }
}

impl<S: Service> InProcess<S> {
    /// Calls a method and waits for its reply.
    ///
    /// # Errors
    /// Returns the errors of [`ServiceRef::call`].
    ///
    /// # Panics
    /// Panics on a thread that runs a tokio runtime: use [`service`](Self::service) in async code.
    pub fn call<M: Message>(&self, message: M) -> Reply<M>
    where
        S: Handles<M>,
    {
        block_on(self.service.call(message))
    }

    /// Sends a notification. It may run later: see [`wait_idle`](Self::wait_idle).
    ///
    /// # Errors
    /// Returns the errors of [`ServiceRef::notify`].
    pub fn notify<M: Message>(&self, message: M) -> Result<(), RpcError>
    where
        S: Handles<M>,
    {
        self.service.notify(message)
    }

    /// Processes a JSON-RPC body and returns the response, byte for byte as an endpoint does, but
    /// without HTTP. Returns `None` for notifications alone.
    ///
    /// Access rules apply: see [`with_token`](Self::with_token).
    ///
    /// ```
    /// # use callbox::{service, testing};
    /// # #[derive(Default)] struct Counter;
    /// # #[service(name = "counter")] impl Counter {
    /// #     #[public_method] fn add(&self, a: u64, b: u64) -> u64 { a + b }
    /// # }
    /// let counter = testing::in_process(Counter::default);
    /// let response = counter.post(r#"{"jsonrpc":"2.0","method":"add","params":[1,2],"id":1}"#);
    /// assert_eq!(response.as_deref(), Some(r#"{"jsonrpc":"2.0","result":3,"id":1}"#));
    /// ```
    ///
    /// # Panics
    /// Panics if the response is not UTF-8, and on a thread that runs a tokio runtime: use
    /// [`answer`](Self::answer) in async code.
    pub fn post(&self, body: impl AsRef<[u8]>) -> Option<String> {
        block_on(self.answer(body.as_ref()))
            .map(|body| String::from_utf8(body).unwrap_or_else(|error| panic!("the response is not UTF-8: {error}")))
    }

    /// Processes a JSON-RPC body as [`post`](Self::post) does, for async code. It needs a tokio
    /// runtime with time enabled, whose thread takes the place of a server's worker thread: short
    /// calls run on it.
    pub async fn answer(&self, body: &[u8]) -> Option<Vec<u8>> {
        self.running.answer(body, self.dialect, self.token.as_deref()).await
    }

    /// Returns the same service, with this token for bodies. Default: none.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Self {
        Self { token: Some(token.to_owned()), ..self.clone() }
    }

    /// Returns the same service, with responses to bodies in this dialect. Default:
    /// [`Dialect::default`].
    #[must_use]
    pub fn in_dialect(&self, dialect: Dialect) -> Self {
        Self { dialect, ..self.clone() }
    }

    /// Returns the same service, with this caller for messages. Default: that of
    /// [`ServiceRef::call`]. It has no effect on bodies, whose caller is the one that their token
    /// belongs to.
    #[must_use]
    pub fn as_caller(&self, caller: Caller) -> Self {
        Self { service: self.service.as_caller(caller), ..self.clone() }
    }

    /// Waits until no call waits or runs. After that, all notifications that were sent before have
    /// had their effect.
    ///
    /// # Panics
    /// Panics on a thread that runs a tokio runtime: use [`ServiceRef::wait_idle`] in async code.
    pub fn wait_idle(&self) {
        block_on(self.service.wait_idle());
    }

    /// Returns a reference to the service, for async code and for its statistics.
    pub fn service(&self) -> &ServiceRef<S> {
        &self.service
    }
}

// By hand, because a derive would require the state to be `Clone`.
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
        // Without the token, which is secret.
        f.debug_struct("InProcess")
            .field("service", &self.service)
            .field("dialect", &self.dialect)
            .finish_non_exhaustive()
    }
}

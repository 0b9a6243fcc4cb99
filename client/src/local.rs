//! A service of the same process, whatever its type. Typed clients know its messages, but not who
//! handles them.

#![expect(missing_debug_implementations, reason = "public for the engine of callbox alone")]

use std::any::Any;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::client_error::ClientError;
use crate::message::{Message, Reply};
use crate::progress::ProgressSlot;
use crate::request::check_params;
use crate::rpc_error::RpcError;

/// A service of this process. The engine implements it.
pub trait LocalTarget: Send + Sync {
    /// The name of the service.
    fn name(&self) -> &'static str;

    /// Starts the call of an [`Exchange`].
    ///
    /// # Errors
    /// If there is no such service any more.
    fn start(&self, options: &LocalOptions, exchange: &mut dyn Any) -> Result<(), RpcError>;
}

/// The caller of calls within the process, and how long these may take.
#[derive(Clone, Default)]
pub struct LocalOptions {
    /// The caller, of the engine's type. `None` is an anonymous caller.
    pub caller: Option<Arc<dyn Any + Send + Sync>>,
    /// Maximum time for each call. The method's own deadline holds if it is shorter.
    pub max_time: Option<Duration>,
}

/// A message on its way to a service whose type is not known, and then the call that was started
/// with it.
///
/// It is passed as `&mut dyn Any`, so that neither of them has to be boxed.
pub struct Exchange<M: Message> {
    /// The message, until the engine takes it.
    pub message: Option<M>,
    /// Whether nobody waits for the reply.
    pub notification: bool,
    /// Takes reports of the progress, if the caller wants them.
    pub progress: Option<Arc<ProgressSlot>>,
    /// The call, once it was started.
    pub started: Result<Started<M>, RpcError>,
}

/// A call that was admitted.
pub enum Started<M: Message> {
    /// It has ended already.
    Ended(Reply<M>),
    /// It waits in its mailbox, or runs.
    Waits(BoxFuture<'static, Reply<M>>),
}

/// A service of this process as a typed client sees it: something that handles messages.
///
/// `ServiceRef::erased` of callbox returns it, and a typed client is made from it by `From`. That
/// does not check whether the client fits the service: the call of a method that the service does
/// not list is answered with -32601. Cheap to clone.
#[derive(Clone)]
pub struct LocalService {
    target: Arc<dyn LocalTarget>,
    options: LocalOptions,
}

impl LocalService {
    #[doc(hidden)]
    pub fn new(target: Arc<dyn LocalTarget>, options: LocalOptions) -> Self {
        Self { target, options }
    }

    /// Returns the same service with a deadline for each call. The method's own deadline holds if
    /// it is shorter.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        let options = LocalOptions { max_time: Some(deadline), ..self.options.clone() };
        Self { target: Arc::clone(&self.target), options }
    }

    /// Returns the same service, called by this caller.
    pub(crate) fn with_caller(&self, caller: Arc<dyn Any + Send + Sync>) -> Self {
        let options = LocalOptions { caller: Some(caller), ..self.options.clone() };
        Self { target: Arc::clone(&self.target), options }
    }

    /// Calls a method.
    pub(crate) async fn call<M: Message>(&self, message: M) -> Result<M::Output, ClientError> {
        check_params(&message)?;
        let reply = match self.start(message, false, None) {
            Ok(Started::Ended(reply)) => reply,
            Ok(Started::Waits(reply)) => reply.await,
            Err(rejected) => Err(rejected),
        };
        reply.map_err(ClientError::from_server)
    }

    /// Sends a notification.
    pub(crate) fn notify<M: Message>(&self, message: M) -> Result<(), ClientError> {
        check_params(&message)?;
        self.start(message, true, None).map(drop).map_err(ClientError::from_server)
    }

    /// Starts a call or a notification whose message is known to have a form in JSON.
    pub(crate) fn start<M: Message>(
        &self,
        message: M,
        notification: bool,
        progress: Option<Arc<ProgressSlot>>,
    ) -> Result<Started<M>, RpcError> {
        let started = Err(RpcError::method_not_found());
        let mut exchange = Exchange { message: Some(message), notification, progress, started };
        self.target.start(&self.options, &mut exchange)?;
        exchange.started
    }
}

impl fmt::Debug for LocalService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalService")
            .field("name", &self.target.name())
            .field("max_time", &self.options.max_time)
            .finish_non_exhaustive()
    }
}

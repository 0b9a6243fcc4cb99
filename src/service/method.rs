//! One exposed method: a typed message, and the function that answers it.

use std::fmt;

use futures::future::LocalBoxFuture;
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::jsonrpc::RpcError;

use super::{CallContext, ErrorList, Service};

/// What a method answers: its output, or the error that the caller gets.
pub type Reply<M> = Result<<M as Method>::Output, RpcError>;

/// The message of one method: a struct of its parameters.
///
/// [`#[service]`](macro@crate::service) writes one for each method. By hand it is a struct with serde's and schemars'
/// derives, whose fields are the parameters in their positional order:
///
/// ```
/// use callbox::{Handler, Method, MethodOptions, MethodTable, Service};
/// use serde::{Deserialize, Serialize};
///
/// struct Counter { count: u64 }
///
/// /// Adds to the count.
/// #[derive(Serialize, Deserialize, schemars::JsonSchema)]
/// struct Add { by: u64 }
///
/// impl Method for Add {
///     type Service = Counter;
///     type Output = u64;
///     const NAME: &'static str = "add";
///     const PARAMS: &'static [&'static str] = &["by"];
///     const HANDLER: Handler<Self> = Handler::<Self>::Write(|counter, message, _call| {
///         counter.count += message.by;
///         Ok(counter.count)
///     });
/// }
///
/// impl Service for Counter {
///     const NAME: &'static str = "counter";
///     fn methods(table: &mut impl MethodTable<Self>) {
///         table.add::<Add>(MethodOptions::public().doc("Adds to the count."));
///     }
/// }
/// ```
pub trait Method: Serialize + DeserializeOwned + JsonSchema + Send + 'static {
    /// The service that has the method.
    type Service: Service;

    /// What it answers when all goes well.
    type Output: Serialize + JsonSchema + Send + 'static;

    /// The name on the wire, without the service's namespace.
    const NAME: &'static str;

    /// The names of the parameters on the wire, in positional order. A `#[serde(flatten)]` field that takes the rest is
    /// not one of them. A message by hand that has one ignores names that nobody knows, as serde
    /// does; the macro's does not.
    const PARAMS: &'static [&'static str];

    /// The function that answers a call.
    const HANDLER: Handler<Self>;

    /// Adds the errors that the method answers by itself, for the OpenRPC document. Default: none.
    ///
    /// Those that callbox answers for any method, such as -32000, are none of these.
    fn errors(list: &mut ErrorList<'_>) {
        let _ = list;
    }
}

/// The function that answers a call, by how it touches the state.
///
/// Each variant holds a plain function, so a closure that captures nothing will do.
pub enum Handler<M: Method> {
    /// Reads the state; shares it with other readers.
    Read(fn(&M::Service, M, &CallContext) -> Reply<M>),
    /// Changes the state; is alone with it.
    Write(fn(&mut M::Service, M, &CallContext) -> Reply<M>),
    /// Reads the state across awaits; other readers run meanwhile. Dropped at an await when nobody waits for it.
    ReadAsync(for<'a> fn(&'a M::Service, M, &'a CallContext) -> LocalBoxFuture<'a, Reply<M>>),
    /// Changes the state across awaits; is alone with it until it ends, and always runs to its end.
    WriteAsync(for<'a> fn(&'a mut M::Service, M, &'a CallContext) -> LocalBoxFuture<'a, Reply<M>>),
    /// Has no state; runs on the worker pool.
    Compute(fn(M, &CallContext) -> Reply<M>),
}

/// The function of an async `&self` method.
pub(crate) type ReadAsync<M> =
    for<'a> fn(&'a <M as Method>::Service, M, &'a CallContext) -> LocalBoxFuture<'a, Reply<M>>;

/// The function of an async `&mut self` method.
pub(crate) type WriteAsync<M> =
    for<'a> fn(&'a mut <M as Method>::Service, M, &'a CallContext) -> LocalBoxFuture<'a, Reply<M>>;

/// The function of a method without state.
pub(crate) type Compute<M> = fn(M, &CallContext) -> Reply<M>;

impl<M: Method> Handler<M> {
    /// How the method touches the state.
    pub const fn kind(&self) -> MethodKind {
        match self {
            Self::Read(_) => MethodKind::Read,
            Self::Write(_) => MethodKind::Write,
            Self::ReadAsync(_) => MethodKind::ReadAsync,
            Self::WriteAsync(_) => MethodKind::WriteAsync,
            Self::Compute(_) => MethodKind::Compute,
        }
    }
}

impl<M: Method> Clone for Handler<M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<M: Method> Copy for Handler<M> {}

impl<M: Method> fmt::Debug for Handler<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handler::{:?}({})", self.kind(), M::NAME)
    }
}

/// What is known of a method's handler before code is generated for it.
///
/// An `if` on one of these leaves out what only methods of other kinds need. A mere `match` on the handler has all of it generated
/// for every method, and found to be needless afterwards.
pub(crate) trait ByKind: Method {
    /// Whether it takes the state, and ends without an await.
    const IS_SYNC: bool = matches!(Self::HANDLER.kind(), MethodKind::Read | MethodKind::Write);

    /// Whether it reads the state across awaits.
    const IS_READ_ASYNC: bool = matches!(Self::HANDLER.kind(), MethodKind::ReadAsync);

    /// Whether it changes the state across awaits.
    const IS_WRITE_ASYNC: bool = matches!(Self::HANDLER.kind(), MethodKind::WriteAsync);

    /// Whether it has no state.
    const IS_COMPUTE: bool = matches!(Self::HANDLER.kind(), MethodKind::Compute);
}

impl<M: Method> ByKind for M {}

/// How a method touches the state of its service.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MethodKind {
    /// `fn(&self)`
    Read,
    /// `fn(&mut self)`
    Write,
    /// `async fn(&self)`
    ReadAsync,
    /// `async fn(&mut self)`
    WriteAsync,
    /// A free `fn` marked `compute`.
    Compute,
}

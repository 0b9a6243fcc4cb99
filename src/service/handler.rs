//! The function by which a service handles a message.

use std::fmt;

use futures::future::LocalBoxFuture;

use super::{CallContext, Message, Reply, Service};

/// A service that handles a message.
///
/// [`#[service]`](macro@crate::service) implements it for each method. See [`Message`] for an
/// example by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no method with the message `{M}`",
    note = "`#[service]` names the message of a method after its service: `Counter_Add` for `add` of `Counter`"
)]
pub trait Handles<M: Message>: Service {
    /// The function that handles a call.
    const HANDLER: Handler<Self, M>;
}

/// The function that handles a call, by how it uses the state of the service.
///
/// Each variant holds a plain function, so a closure that captures nothing works too.
pub enum Handler<S, M: Message> {
    /// Reads the state, together with other readers.
    Read(fn(&S, M, &CallContext) -> Reply<M>),
    /// Changes the state, with exclusive access.
    Write(fn(&mut S, M, &CallContext) -> Reply<M>),
    /// Reads the state across awaits; other readers run meanwhile. The call is dropped at an await
    /// when its caller no longer waits.
    ReadAsync(for<'a> fn(&'a S, M, &'a CallContext) -> LocalBoxFuture<'a, Reply<M>>),
    /// Changes the state across awaits, with exclusive access until it ends. The call always runs
    /// to its end.
    WriteAsync(for<'a> fn(&'a mut S, M, &'a CallContext) -> LocalBoxFuture<'a, Reply<M>>),
    /// Runs without the state, on the worker pool.
    Compute(fn(M, &CallContext) -> Reply<M>),
}

/// The function of an async `&self` method.
pub(crate) type ReadAsync<S, M> = for<'a> fn(&'a S, M, &'a CallContext) -> LocalBoxFuture<'a, Reply<M>>;

/// The function of an async `&mut self` method.
pub(crate) type WriteAsync<S, M> = for<'a> fn(&'a mut S, M, &'a CallContext) -> LocalBoxFuture<'a, Reply<M>>;

/// The function of a method without state.
pub(crate) type Compute<M> = fn(M, &CallContext) -> Reply<M>;

impl<S, M: Message> Handler<S, M> {
    /// Returns how the method uses the state.
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

impl<S, M: Message> Clone for Handler<S, M> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S, M: Message> Copy for Handler<S, M> {}

impl<S, M: Message> fmt::Debug for Handler<S, M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Handler::{:?}({})", self.kind(), M::NAME)
    }
}

/// The kind of a method's handler as constants.
///
/// An `if` on one of them keeps the compiler from generating the code that only other kinds of
/// methods need. With a `match` on the handler it would generate all of that for every method, and
/// remove it later.
pub(crate) trait ByKind<M: Message>: Handles<M> {
    /// Whether it uses the state and has no awaits.
    const IS_SYNC: bool = matches!(<Self as Handles<M>>::HANDLER.kind(), MethodKind::Read | MethodKind::Write);

    /// Whether it reads the state across awaits.
    const IS_READ_ASYNC: bool = matches!(<Self as Handles<M>>::HANDLER.kind(), MethodKind::ReadAsync);

    /// Whether it changes the state across awaits.
    const IS_WRITE_ASYNC: bool = matches!(<Self as Handles<M>>::HANDLER.kind(), MethodKind::WriteAsync);

    /// Whether it runs without the state.
    const IS_COMPUTE: bool = matches!(<Self as Handles<M>>::HANDLER.kind(), MethodKind::Compute);
}

impl<S: Handles<M>, M: Message> ByKind<M> for S {}

/// How a method uses the state of its service.
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
    /// `fn()` without `self`, marked `compute`
    Compute,
}

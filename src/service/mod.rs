//! What a user touches: a service, its methods, and what a method can know of its call.

mod chain;
mod context;
mod describe;
mod errors;
mod from_rpc_error;
mod handler;
mod internal;
mod message;
mod name;
mod options;
mod params;

use std::future::Future;

use crate::start_error::BoxError;

pub(crate) use chain::{Awaited, Current, Entered, ServiceId};
pub use context::{CallContext, FromCall};
pub(crate) use describe::{About, Description, Generators, Runs};
pub(crate) use errors::DescribedError;
pub use errors::{DescribeErrors, ErrorList};
pub use from_rpc_error::FromRpcError;
pub(crate) use handler::{ByKind, Compute, ReadAsync, WriteAsync};
pub use handler::{Handler, Handles, MethodKind};
pub use internal::InternalError;
pub use message::{Message, Reply};
pub(crate) use name::full_name;
pub use options::{Access, MethodOptions, OnPanic};
pub(crate) use params::read as read_params;
pub use params::with_rest;

/// A struct whose fields are the state of a microservice and whose methods are its API.
///
/// [`#[service]`](macro@crate::service) on an `impl` block writes this impl; `examples/without_macro.rs` writes it by
/// hand.
///
/// The state belongs to the service alone: a `&mut self` method has it for itself, `&self` methods share it. So its
/// fields are plain values, with no `Mutex`, `RefCell` or `Arc` around them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a callbox service",
    note = "put `#[callbox::service(name = \"…\")]` on one `impl {Self}` block, or implement `callbox::Service` by hand"
)]
pub trait Service: State + Sized {
    /// The name that `get_service_specs` tells, and that logs carry.
    const NAME: &'static str;

    /// Which version callers are told, in the OpenRPC document. [`#[service]`](macro@crate::service) takes that of the crate.
    const VERSION: &'static str = "0.0.0";

    /// What the service does, for the OpenRPC document. [`#[service]`](macro@crate::service) takes the doc comment of the block.
    const DOC: Option<&'static str> = None;

    /// What stands before the name of every method, with a dot: `users` makes `add` callable as `users.add`.
    const NAMESPACE: Option<&'static str> = None;

    /// Says which methods there are.
    fn methods(table: &mut impl MethodTable<Self>);

    /// Runs on the service's own thread before its first call, and again on each new state after a crash.
    ///
    /// # Errors
    /// At the start of the server an error stops the start. After a crash it takes the service down until a later try
    /// succeeds.
    fn on_start(&mut self) -> impl Future<Output = Result<(), BoxError>> {
        async { Ok(()) }
    }

    /// Runs when the server stops, after the last call. Never on a state that a panic may have torn.
    fn on_stop(&mut self) -> impl Future<Output = ()> {
        async {}
    }
}

/// Where a service lists its methods. See [`Service::methods`].
pub trait MethodTable<S: Service> {
    /// Adds the method of this message, under its [`NAME`](Message::NAME).
    fn add<M: Message>(&mut self, options: MethodOptions)
    where
        S: Handles<M>;
}

/// What the state of a service must be: `Send + Sync + 'static`. Never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of a service: it is not `Send + Sync + 'static`",
    note = "a service needs no cells: keep plain fields and take `&mut self` in the methods that change them",
    note = "replace `Cell`, `RefCell` and `Rc` by plain values, and references by owned values"
)]
pub trait State: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> State for T {}

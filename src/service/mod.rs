//! The interface for writing services: a service, its methods and messages, and the context of a
//! call.

mod any_state;
mod app_config;
mod call_times;
mod caller_limit;
mod context;
mod describe;
mod factory;
mod from_call;
mod handler;
mod headers;
mod lazy_request;
mod options;
mod progress;
mod ready;
mod request;
mod serves;
mod service_context;

use std::future::Future;

use callbox_client::ServiceClient;
use schemars::JsonSchema;

use crate::start_error::BoxError;

pub(crate) use any_state::AnyState;
pub(crate) use app_config::AppConfig;
pub(crate) use call_times::CallTimes;
pub(crate) use callbox_client::__engine::{
    AmbientRequest, Awaited, CallTrace, Current, CurrentGuard, Cursor, DescribedError, Directory, ItemSource, Link,
    NextItem, ProgressSlot, RequestNumber, RequestRef, RequestScope, Resumed, ServiceId, ServiceNeed, Shared,
    SourceEvent, SourceItem, WithinRequest, full_name, has_clients, note_client, read_params, trace_for_calls,
};
pub use callbox_client::__private::Access;
pub(crate) use callbox_client::TraceContext;
pub use callbox_client::{DescribeErrors, ErrorList, InternalError, InvalidParam, Message, Reply};
pub(crate) use caller_limit::{CallerLimit, CallerPlace};
pub use context::CallContext;
pub(crate) use context::{CancelFlag, OwnTrace};
pub(crate) use describe::{ExecutionInfo, MethodDescription, SchemaGenerators, ServiceInfo};
pub(crate) use factory::Factory;
pub use factory::ServiceFactory;
pub use from_call::{FromCall, ServiceNeeds};
pub(crate) use handler::{ByKind, Compute, ReadAsync, WriteAsync};
pub use handler::{Handler, Handles, MethodKind};
#[cfg(feature = "testing")]
pub(crate) use lazy_request::Unknown;
pub(crate) use lazy_request::{DescribeRequest, LazyRequest};
pub use options::{MethodOptions, OnPanic};
pub(crate) use options::{StreamUse, admits};
pub use progress::Progress;
pub(crate) use ready::Ready;
pub use request::CallTransport;
pub(crate) use request::{REQUEST_ID, RequestInfo, TRACEPARENT, TRACESTATE};
pub use serves::Serves;
pub use service_context::ServiceContext;
pub(crate) use service_context::{MissingService, Surroundings, TaskSpawner};

/// A struct whose fields are the state of a microservice and whose methods are its API.
///
/// [`#[service]`](macro@crate::service) on an `impl` block writes this impl;
/// `examples/without_macro.rs` writes it by hand.
///
/// The state belongs to the service alone: a `&mut self` method has exclusive access to it, and
/// `&self` methods share it. So its fields are plain values, without `Mutex`, `RefCell` or `Arc`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a callbox service",
    note = "put `#[callbox::service(name = \"…\")]` on one `impl {Self}` block, or implement `callbox::Service` by hand",
    note = "a generic service needs parameters that are `Send + Sync + 'static`"
)]
pub trait Service: State + Sized {
    /// The name of the service in the response of `get_service_specs` and in log lines.
    const NAME: &'static str;

    /// The version in the OpenRPC document. Default: `0.0.0`; [`#[service]`](macro@crate::service)
    /// uses the version of the crate.
    const VERSION: &'static str = "0.0.0";

    /// The description of the service in the OpenRPC document. Default: none;
    /// [`#[service]`](macro@crate::service) uses the doc comment of the block.
    const DOC: Option<&'static str> = None;

    /// The prefix of the name of every method, with a dot: with `users`, the method `add` is called
    /// `users.add`. Default: none.
    const NAMESPACE: Option<&'static str> = None;

    /// Adds each method to the table.
    fn methods(table: &mut impl MethodTable<Self>);

    /// Runs on the service's own thread before its first call, and again on each new state after a
    /// crash. It may call other services, whatever the order in which they were added.
    ///
    /// # Errors
    /// When the server starts, an error stops the start. After a crash, an error keeps the service
    /// down until a later attempt succeeds.
    fn on_start(&mut self, context: &ServiceContext) -> impl Future<Output = Result<(), BoxError>> {
        let _ = context;
        async { Ok(()) }
    }

    /// Whether [`ready`](Self::ready) has anything to say. Default: false, so that it is not asked.
    const CHECKS_READY: bool = false;

    /// Says why the service is not ready, such as that its database is away. `/health/ready` asks
    /// at most once a second, and like any other reader of the state. It has 5 s to answer.
    ///
    /// # Errors
    /// If the service is not ready. The error is logged, and callers of `/health/ready` do not see
    /// it.
    fn ready(&self) -> impl Future<Output = Result<(), BoxError>> {
        async { Ok(()) }
    }

    /// Runs when the server stops, after the last call. It does not run on a state that a panic may
    /// have left half-changed.
    fn on_stop(&mut self) -> impl Future<Output = ()> {
        async {}
    }
}

/// The table to which a service adds its methods. See [`Service::methods`].
pub trait MethodTable<S: Service> {
    /// Adds a typed client of the service, by which other services find it. Default: does nothing.
    fn client<C: ServiceClient>(&mut self)
    where
        S: Serves<C>,
    {
    }

    /// Adds the method of this message, under its [`NAME`](Message::NAME).
    fn add<M: Message<Output: JsonSchema> + JsonSchema>(&mut self, options: MethodOptions)
    where
        S: Handles<M>;
}

/// The state of a service: any type that is `Send + Sync + 'static`. Do not implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the state of a service: it is not `Send + Sync + 'static`",
    note = "a service needs no cells: keep plain fields and take `&mut self` in the methods that change them",
    note = "replace `Cell`, `RefCell` and `Rc` by plain values, and references by owned values"
)]
pub trait State: Send + Sync + 'static {}

#[diagnostic::do_not_recommend]
impl<T: Send + Sync + 'static> State for T {}

//! State and execution: how the calls of a service run.
//!
//! A service lives in two places. Its **host** is an actix actor on a thread of its own, which has
//! the scheduler: it runs calls, and makes a new state after a crash. Its **[core](Core)** is
//! shared with the threads of the callers: the mailboxes, admission, and the lock on the state.
//!
//! A call goes through these steps:
//!
//! 1. [`begin`](begin::begin) is the only way in, for JSON, typed calls and actix messages alike.
//! 2. A short call to an idle service takes the lock on the [state] and runs [inline](run::inline),
//!    on the thread where it arrived.
//! 3. Any other call is admitted and put into its mailbox, as a [`Job`](job). The bell wakes the
//!    host, and its [scheduler](schedule) decides which call runs next, and whether readers or a
//!    writer go.
//! 4. [`run`] runs a method once, inline or on the host: it enters the chain of services, takes the
//!    time, catches the panic, and keeps or discards the state. The [watch](run::watch) looks for
//!    methods that hold their thread for too long while they still run.
//! 5. How the call ended is recorded once, by [`CallRecord`](crate::measure::CallRecord), and the
//!    reply goes back to the caller.
//!
//! The [supervisor](host::supervisor) starts another host if one is lost. [`ServiceRef`] is a
//! caller's reference to a service, and [`method_route`] what dispatch sees of a method.

mod answer;
mod any_state_lock;
mod begin;
mod core;
mod erased;
mod host;
mod idle;
mod job;
mod lifecycle;
mod mailboxes;
mod method_route;
mod queued_job;
mod read;
mod run;
mod schedule;
mod service_actor;
mod service_ref;
mod state;
mod stats;
mod subscribe;
mod table;
mod typed;

pub use core::Placement;
pub(crate) use core::{AnyCore, Core};
pub(crate) use erased::{list_clients, weak};
pub(crate) use host::HostedService;
pub(crate) use host::supervisor::{launch, stop};
pub(crate) use lifecycle::Status;
pub(crate) use method_route::routes;
pub(crate) use run::pool::Pool;
pub use service_actor::{ActorMessage, ServiceActor};
pub use service_ref::ServiceRef;
pub use stats::{MethodStats, Refusals, ServiceStats};
pub(crate) use typed::ask_ready;

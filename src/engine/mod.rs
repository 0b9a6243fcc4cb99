//! State and execution: the actor that holds a service, and the two ways to run a call.
//!
//! [`Core`] is what the callers' side and the host share. A call runs [inline](run::inline) where it arrives, or as a
//! [`Job`](job) that the host's [scheduler](schedule) starts; both take the [state]'s lock for it and [run] it in the
//! same way, under the eyes of the [watch](run::watch). The [supervisor](host::supervisor) keeps a host running.

mod answer;
mod begin;
mod core;
mod erased;
mod host;
mod idle;
mod job;
mod lifecycle;
mod mailboxes;
mod method_route;
mod run;
mod schedule;
mod service_ref;
mod state;
mod stats;
mod table;
mod typed;

pub(crate) use core::Core;
pub use core::Placement;
pub use erased::LocalService;
pub(crate) use host::Seat;
pub(crate) use host::factory::Factory;
pub(crate) use host::supervisor::{launch, stop};
pub use host::{ActorMessage, ServiceActor};
pub(crate) use lifecycle::Status;
pub(crate) use method_route::routes;
pub(crate) use run::pool::Pool;
pub use service_ref::ServiceRef;
pub use stats::{MethodStats, Refusals, ServiceStats};

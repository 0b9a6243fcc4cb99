//! State and execution: the actor that holds a service, and the two ways to run a call.
//!
//! [`Core`] is what the callers' side and the host share. A call runs [inline](self::inline) where it arrives, or as a
//! [`Job`](self::job) that the host's [scheduler](self::scheduler) starts; both take the [state](self::state)'s lock for it
//! and [run](self::run) it in the same way, under the eyes of the [watch](self::watch). The [supervisor](self::supervisor) keeps a host running.

mod compute;
mod core;
mod factory;
mod gate;
mod handed;
mod host;
mod in_flight;
mod inline;
mod job;
mod lanes;
mod lookout;
mod restart;
mod route;
mod run;
mod scheduler;
mod series;
mod service_ref;
mod settled;
mod state;
mod stats;
mod supervisor;
mod table;
mod turn;
mod watch;

pub(crate) use compute::Pool;
pub use core::Placement;
pub(crate) use core::{Core, Status};
pub(crate) use factory::Factory;
pub use host::Host;
pub use service_ref::ServiceRef;
pub use stats::{MethodStats, Refusals, ServiceStats};
pub(crate) use supervisor::{launch, stop};

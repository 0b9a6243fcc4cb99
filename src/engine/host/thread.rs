//! The thread of a host, as others find it.

use std::any::Any;
use std::fmt;

use actix::ArbiterHandle;

/// The thread of a host.
pub(crate) struct HostThread {
    pub(in crate::engine) arbiter: ArbiterHandle,
    /// The address of the [`ServiceActor`](crate::engine::ServiceActor), once anyone has asked for
    /// it.
    pub(in crate::engine) actor: Option<Box<dyn Any + Send>>,
}

impl fmt::Debug for HostThread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HostThread").field("has_actor", &self.actor.is_some()).finish_non_exhaustive()
    }
}

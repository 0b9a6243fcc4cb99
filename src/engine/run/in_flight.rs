//! The limit of async `&self` calls in flight.

use crate::mailbox::BoundedCounter;
use crate::sync::Arc;

/// Maximum number of async `&self` calls of one service in flight.
pub(crate) const SERVICE_IN_FLIGHT: usize = 256;

/// One call in flight, counted for its method and for its service until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight {
    method: Arc<BoundedCounter>,
    service: Arc<BoundedCounter>,
}

impl InFlight {
    /// Counts a call. `None` if its method or its service is at the limit.
    pub(crate) fn take(method: &Arc<BoundedCounter>, service: &Arc<BoundedCounter>) -> Option<Self> {
        if !method.try_acquire(1) {
            return None;
        }
        if !service.try_acquire(1) {
            method.release(1);
            return None;
        }
        Some(Self { method: Arc::clone(method), service: Arc::clone(service) })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.service.release(1);
        self.method.release(1);
    }
}

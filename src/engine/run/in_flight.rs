//! How many async `&self` calls are under way at once.

use crate::mailbox::Limit;
use crate::sync::Arc;

/// Maximum number of async `&self` calls of one service that are under way at once.
pub(crate) const SERVICE_IN_FLIGHT: usize = 256;

/// One call under way, counted in its method and in its service until it is dropped.
#[derive(Debug)]
pub(crate) struct InFlight {
    method: Arc<Limit>,
    service: Arc<Limit>,
}

impl InFlight {
    /// `None` if either is at its limit.
    pub(crate) fn take(method: &Arc<Limit>, service: &Arc<Limit>) -> Option<Self> {
        if !method.take(1) {
            return None;
        }
        if !service.take(1) {
            method.give_back(1);
            return None;
        }
        Some(Self { method: Arc::clone(method), service: Arc::clone(service) })
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.service.give_back(1);
        self.method.give_back(1);
    }
}

//! The subscriber of one call, which may start a subscription.

use std::rc::Rc;
use std::time::Duration;

use crate::jsonrpc::{CallMeta, RpcError};
use crate::route::{StartedSubscription, Subscriber};

use super::subscriptions::Subscriptions;

/// The subscriber of one call.
pub(crate) struct CallSubscriber {
    subscriptions: Rc<Subscriptions>,
    envelope: u64,
    after: Option<String>,
    min_interval: Option<Duration>,
}

impl CallSubscriber {
    /// Returns the subscriber of a call in this envelope.
    pub(super) fn new(subscriptions: &Rc<Subscriptions>, envelope: u64, meta: CallMeta<'_>) -> Self {
        subscriptions.call_begins();
        Self {
            subscriptions: Rc::clone(subscriptions),
            envelope,
            after: meta.after.map(Into::into),
            min_interval: meta.min_interval_ms.map(Duration::from_millis),
        }
    }
}

impl Drop for CallSubscriber {
    fn drop(&mut self) {
        self.subscriptions.call_ends();
    }
}

impl Subscriber for CallSubscriber {
    fn subscribe(&self, started: StartedSubscription) -> Result<String, RpcError> {
        self.subscriptions.add(started, self.envelope, self.after.as_deref(), self.min_interval)
    }

    fn unsubscribe(&self, id: &str) -> bool {
        self.subscriptions.remove(id)
    }
}

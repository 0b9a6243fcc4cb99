//! What a call gets besides its response.

use std::sync::Arc;

use crate::progress::ProgressSlot;

use super::handoff::Handoff;

/// What a call gets besides its response. It stays the same when the call is repeated.
#[derive(Clone, Debug, Default)]
pub(crate) struct CallStreams {
    /// Takes reports of the progress.
    pub(crate) progress: Option<Arc<ProgressSlot>>,
    /// Takes the items of a subscription, from a transport that gets them with the response.
    pub(crate) items: Option<Arc<Handoff>>,
}

impl CallStreams {
    /// Whether there is nothing but the response.
    #[cfg_attr(
        not(any(feature = "http", feature = "nats")),
        expect(dead_code, reason = "other transports need not know")
    )]
    pub(crate) fn is_empty(&self) -> bool {
        self.progress.is_none() && self.items.is_none()
    }
}

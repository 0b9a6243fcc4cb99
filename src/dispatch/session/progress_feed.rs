//! The reports of one call about its progress, on their way to the caller.

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::service::ProgressSlot;

use super::open_subscription::Polled;
use super::ready_queue::Wakeup;

/// Minimum time between two reports of one call.
const INTERVAL: Duration = Duration::from_millis(50);

/// The reports of a call that has not ended.
pub(super) struct ProgressFeed {
    /// The beginning of each message.
    head: Vec<u8>,
    slot: Arc<ProgressSlot>,
    pub(super) wakeup: Arc<Wakeup>,
    next_at: Instant,
    /// When it is polled though nobody has woken it.
    pub(super) alarm: Option<Instant>,
}

impl ProgressFeed {
    /// `token` is what the caller has sent to recognise the reports.
    pub(super) fn new(token: &RawValue, slot: Arc<ProgressSlot>, wakeup: Arc<Wakeup>, now: Instant) -> Self {
        let head = format!(r#"{{"jsonrpc":"2.0","method":"$/progress","params":{{"token":{token},"value":"#);
        Self { head: head.into_bytes(), slot, wakeup, next_at: now, alarm: None }
    }

    /// Writes the newest report, if there is one and it is time.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Instant, out: &mut Vec<u8>) -> Polled {
        // Registered before the look, so that a report between the two is not missed.
        self.slot.register(cx);
        if now < self.next_at {
            return Polled::Nothing { until: Some(self.next_at).filter(|_| self.slot.has_report()) };
        }
        let Some(report) = self.slot.take() else { return Polled::Nothing { until: None } };
        self.next_at = now + INTERVAL;
        out.extend_from_slice(&self.head);
        // Numbers and a string always have a form in JSON, and a vector always has room.
        let _ = serde_json::to_writer(&mut *out, &report);
        out.extend_from_slice(b"}}");
        Polled::Message { cursor: None, is_woken: false }
    }
}

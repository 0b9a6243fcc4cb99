//! One subscription of a connection, from its start to its last message.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use callbox_client::{JsonItems, Lag};
use tokio::time::Instant;

use crate::jsonrpc::RpcError;
use crate::log::{caught, discard, panic_text};
use crate::route::{ItemCounters, StartedSubscription, StateEnd};
use crate::service::{Access, Cursor, NextItem};

use super::notices::NoticeHead;
use super::ready_queue::Wakeup;

/// Time after which a subscription that has sent nothing sends its position, if that has changed.
const POSITION_INTERVAL: Duration = Duration::from_secs(10);

/// Time above which a poll of a stream is reported in the log.
const LONG_POLL: Duration = Duration::from_millis(10);

/// Number of items that one poll may leave out for a newer one, before others have their turn.
const REPLACED_AT_ONCE: usize = 256;

/// A subscription that has not ended. In memory, what each item needs comes first, in as few cache
/// lines as possible.
#[repr(C)]
pub(super) struct OpenSubscription {
    pub(super) wakeup: Arc<Wakeup>,
    items: JsonItems,
    /// In a box, since few have it.
    pacing: Option<Box<Pacing>>,
    head: NoticeHead,
    counters: Arc<ItemCounters>,
    /// The position that the client knows, and since when it has heard nothing.
    known: Option<Cursor>,
    heard_at: Instant,
    /// When it is polled though nobody has woken it. The table has the same time.
    pub(super) alarm: Option<Instant>,
    /// Whether the end of the state wakes the subscription.
    waits_for_end: bool,
    state_end: StateEnd,
    method: &'static str,
    access: Access,
    /// The number of the envelope that has started it.
    pub(super) envelope: u64,
}

/// At most one item in an interval, the newest.
struct Pacing {
    interval: Duration,
    next_at: Instant,
    held: Option<HeldItem>,
    /// The end, which comes after the item that waits.
    end: Option<NextItem>,
}

/// An item that waits for the end of the interval.
struct HeldItem {
    json: Vec<u8>,
    lag: Option<Lag>,
    cursor: Option<Cursor>,
}

/// What a poll has written.
pub(super) enum Polled {
    /// One message, with the position of its item, if it has one. There may be more to send, unless
    /// it is woken when there is.
    Message { cursor: Option<Cursor>, is_woken: bool },
    /// Nothing, until the subscription is woken, or until this time.
    Nothing { until: Option<Instant> },
    /// The last message.
    End,
}

impl OpenSubscription {
    pub(super) fn new(
        id: u64,
        started: StartedSubscription,
        envelope: u64,
        min_interval: Option<Duration>,
        wakeup: Arc<Wakeup>,
    ) -> Self {
        let now = Instant::now();
        let StartedSubscription { method, access, names, items, state_end, counters } = started;
        counters.opened();
        let pacing = min_interval.map(|interval| Box::new(Pacing { interval, next_at: now, held: None, end: None }));
        let known = items.cursor();
        let head = NoticeHead { event: names.event.unwrap_or(method), id };
        Self {
            method,
            access,
            envelope,
            head,
            items,
            state_end,
            waits_for_end: false,
            counters,
            wakeup,
            alarm: None,
            pacing,
            known,
            heard_at: now,
        }
    }

    pub(super) fn access(&self) -> Access {
        self.access
    }

    /// Writes the next message, if there is one. `cx` has the waker of this subscription.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>, now: Instant, out: &mut Vec<u8>) -> Polled {
        if self.has_state_ended(cx) {
            return self.end(out, Some(&RpcError::unavailable()));
        }
        let next = match self.pacing {
            None => {
                self.head.open_item(out);
                self.poll_items(cx, out)
            }
            Some(_) => self.poll_paced(cx, now, out),
        };
        match next {
            Poll::Ready(NextItem::Item { lag, cursor, waits }) => {
                NoticeHead::close_item(out, lag, cursor);
                self.counters.sent_one();
                if let Some(Lag::Items(items)) = lag {
                    self.counters.missed(items);
                }
                (self.known, self.heard_at) = (cursor.or(self.known), now);
                Polled::Message { cursor, is_woken: waits }
            }
            Poll::Ready(NextItem::Failed(error)) => self.end(out, Some(&error)),
            Poll::Ready(NextItem::Done) => self.end(out, None),
            Poll::Pending => self.poll_position(now, out),
        }
    }

    /// Writes the last message: the end with this error, or without one.
    pub(super) fn end(&self, out: &mut Vec<u8>, error: Option<&RpcError>) -> Polled {
        out.clear();
        self.head.end(out, error);
        Polled::End
    }

    /// Whether the state has ended. The waker is the same each time, so it is registered once.
    fn has_state_ended(&mut self, cx: &mut Context<'_>) -> bool {
        let is_registered = std::mem::replace(&mut self.waits_for_end, true);
        self.state_end.has_come() || !is_registered && Pin::new(&mut self.state_end).poll(cx).is_ready()
    }

    /// Polls the stream of the user. A panic in it is the end of this subscription alone.
    fn poll_items(&mut self, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<NextItem> {
        let polled = caught(AssertUnwindSafe(|| self.items.poll_next(cx, out)));
        polled.unwrap_or_else(|panic| {
            let cause = format_args!("the stream of {} panicked: {}", self.method, panic_text(&*panic));
            let error = RpcError::internal_in(self.method, &cause);
            discard(panic);
            Poll::Ready(NextItem::Failed(error))
        })
    }

    /// Warns of a poll that took so long.
    pub(super) fn warn_if_long(&self, took: Duration) {
        if took >= LONG_POLL {
            let held_ms = took.as_millis() as u64;
            log_throttled!(
                WARN,
                method = self.method,
                held_ms,
                "the stream of a subscription held its thread for long, and other connections may have waited: await \
                 what takes long"
            );
        }
    }

    /// As [`poll_items`](Self::poll_items), but of the items of an interval only the newest.
    fn poll_paced(&mut self, cx: &mut Context<'_>, now: Instant, out: &mut Vec<u8>) -> Poll<NextItem> {
        if let Some(end) = self.pacing.as_mut().and_then(|pacing| pacing.end.take()) {
            return Poll::Ready(end);
        }
        for left in (0..REPLACED_AT_ONCE).rev() {
            let mut json = Vec::new();
            let Poll::Ready(next) = self.poll_items(cx, &mut json) else { break };
            let Some(pacing) = &mut self.pacing else { break };
            match next {
                NextItem::Item { lag, cursor, .. } => {
                    let before = pacing.held.take().and_then(|held| held.lag);
                    pacing.held = Some(HeldItem { json, lag: Lag::sum(before, lag), cursor });
                }
                // The newest item comes before the end.
                last if pacing.held.is_some() => {
                    pacing.end = Some(last);
                    break;
                }
                last => return Poll::Ready(last),
            }
            if left == 0 {
                self.wakeup.queue();
            }
        }
        let Some(pacing) = &mut self.pacing else { return Poll::Pending };
        if pacing.end.is_none() && now < pacing.next_at {
            return Poll::Pending;
        }
        let Some(held) = pacing.held.take() else { return Poll::Pending };
        pacing.next_at = now + pacing.interval;
        self.head.open_item(out);
        out.extend_from_slice(&held.json);
        Poll::Ready(NextItem::Item { lag: held.lag, cursor: held.cursor, waits: false })
    }

    /// Writes the position, if it has changed and the client has heard nothing for long.
    fn poll_position(&mut self, now: Instant, out: &mut Vec<u8>) -> Polled {
        out.clear();
        let paced = self.pacing.as_ref().filter(|pacing| pacing.held.is_some()).map(|pacing| pacing.next_at);
        let position = self.items.cursor().filter(|cursor| paced.is_none() && Some(*cursor) != self.known);
        let Some(cursor) = position else { return Polled::Nothing { until: paced } };
        let due = self.heard_at + POSITION_INTERVAL;
        if now < due {
            return Polled::Nothing { until: Some(due) };
        }
        self.head.position(out, cursor);
        (self.known, self.heard_at) = (Some(cursor), now);
        Polled::Message { cursor: Some(cursor), is_woken: false }
    }
}

impl Drop for OpenSubscription {
    fn drop(&mut self) {
        self.counters.closed();
    }
}

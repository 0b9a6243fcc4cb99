//! The subscriptions of one connection.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::mem;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use rustc_hash::FxBuildHasher;
use serde_json::value::RawValue;
use tokio::time::Instant;

use crate::jsonrpc::RpcError;
use crate::log::discard;
use crate::route::StartedSubscription;
use crate::service::{Access, ProgressSlot};

use super::Outbox;
use super::open_subscription::{OpenSubscription, Polled};
use super::open_table::OpenTable;
use super::progress_feed::ProgressFeed;
use super::ready_queue::{ReadyQueue, Wakeup};

/// Time after which other connections of the thread have their turn, in one poll of a connection.
const TURN: Duration = Duration::from_millis(1);

/// Number of polls of streams after which other connections have their turn, whatever time they
/// took.
const POLLS_AT_ONCE: usize = 256;

/// Size up to which the memory of a message is used again, in bytes.
const MAX_KEPT_MESSAGE: usize = 16 * 1024;

thread_local! {
    /// The memory of the last message, for the next one of any connection of the thread.
    static MESSAGE: Cell<Vec<u8>> = const { Cell::new(Vec::new()) };
}

/// The subscriptions of one connection that have not ended. In memory, what each item needs comes
/// first, in as few cache lines as possible.
#[repr(C)]
pub(crate) struct Subscriptions {
    ready: Arc<ReadyQueue>,
    table: RefCell<Table>,
    limit: usize,
    /// Number of calls that may start a subscription.
    starting: Cell<usize>,
}

#[derive(Default)]
#[repr(C)]
struct Table {
    open: OpenTable,
    /// When to poll a subscription though nobody has woken it, once for each at most.
    alarms: BTreeSet<(Instant, u64)>,
    /// The reports of calls, which take turns with the subscriptions. Their numbers are no ids.
    reports: HashMap<u64, ProgressFeed, FxBuildHasher>,
    /// Those whose ids have not been sent, with the number of the envelope whose reply has the id.
    unannounced: Vec<(u64, u64)>,
    next: u64,
}

impl Table {
    /// Sets when to poll a subscription though nobody has woken it.
    fn set_alarm(&mut self, id: u64, alarm: &mut Option<Instant>, at: Option<Instant>) {
        if *alarm == at {
            return;
        }
        if let Some(before) = mem::replace(alarm, at) {
            self.alarms.remove(&(before, id));
        }
        self.alarms.extend(at.map(|at| (at, id)));
    }
}

impl Subscriptions {
    /// Creates an empty table for at most `limit` subscriptions.
    pub(super) fn new(limit: usize) -> Self {
        Self { table: RefCell::default(), ready: Arc::default(), limit, starting: Cell::new(0) }
    }

    /// Lets the subscriptions send that were started by this envelope, as its reply was sent.
    /// Returns whether there are any.
    pub(super) fn announce(&self, envelope: u64) -> bool {
        let mut table = self.table.borrow_mut();
        let Table { open, unannounced, .. } = &mut *table;
        let before = unannounced.len();
        unannounced.retain(|(started_by, id)| {
            if *started_by == envelope
                && let Some(subscription) = open.get_mut(*id)
            {
                subscription.wakeup.queue();
            }
            *started_by != envelope
        });
        unannounced.len() < before
    }

    /// Whether this envelope has started a subscription for whose access `is_meant` returns true.
    pub(super) fn has(&self, envelope: u64, is_meant: impl Fn(Access) -> bool) -> bool {
        let table = self.table.borrow();
        table.open.iter().any(|subscription| subscription.envelope == envelope && is_meant(subscription.access()))
    }

    /// Ends a subscription that its caller no longer wants. Returns whether there was one.
    pub(super) fn remove(&self, id: &str) -> bool {
        let Ok(number) = id.parse() else { return false };
        // Only one spelling of a number is its id.
        if format!("{number}") != id {
            return false;
        }
        let removed = {
            let mut table = self.table.borrow_mut();
            table.unannounced.retain(|(_, unannounced)| *unannounced != number);
            let mut removed = table.open.remove(number);
            if let Some(subscription) = &mut removed {
                table.set_alarm(number, &mut subscription.alarm, None);
            }
            removed
        };
        let existed = removed.is_some();
        // A stream of the user, whose drop may panic.
        discard(removed);
        existed
    }

    /// Sends what the subscriptions have, in turn, as long as there is room, and for a short time
    /// at most: a stream may be ready again and again, with items or without. Returns whether that
    /// time is over.
    #[must_use]
    pub(super) fn poll(&self, cx: &Context<'_>, outbox: &mut impl Outbox) -> bool {
        self.ready.register(cx);
        if self.ready.is_empty() && self.next_alarm().is_none() {
            return false;
        }
        let now = Instant::now();
        self.ring_alarms(now);
        // Read once for each poll of a stream.
        let mut clock = now;
        let mut message = MESSAGE.take();
        let mut is_turn_over = false;
        for polls in 0.. {
            if !outbox.has_room() {
                break;
            }
            is_turn_over = polls >= POLLS_AT_ONCE || clock.duration_since(now) >= TURN;
            if is_turn_over {
                break;
            }
            let Some(id) = self.ready.pop() else { break };
            let cursor = match self.poll_one(id, &mut clock, &mut message) {
                Polled::Message { cursor, .. } => cursor,
                Polled::Nothing { .. } => continue,
                Polled::End => None,
            };
            outbox.push(&message, cursor);
            message.clear();
        }
        if message.capacity() <= MAX_KEPT_MESSAGE {
            MESSAGE.set(message);
        }
        is_turn_over
    }

    /// Writes the next message of a subscription, or of the reports of a call. `clock` is the time
    /// before, and then the time after a poll of a stream.
    fn poll_one(&self, id: u64, clock: &mut Instant, message: &mut Vec<u8>) -> Polled {
        // Out of the table, since the stream of a user may do anything while it is polled.
        let taken = self.table.borrow_mut().open.take(id);
        let Some(mut subscription) = taken else { return self.poll_reports(id, *clock, message) };
        let waker = subscription.wakeup.waker();
        let polled = subscription.poll(&mut Context::from_waker(&waker), *clock, message);
        subscription.wakeup.queue_if_more(&polled);
        let began = mem::replace(clock, Instant::now());
        subscription.warn_if_long(clock.duration_since(began));
        let mut table = self.table.borrow_mut();
        let until = if let Polled::Nothing { until } = polled { until } else { None };
        table.set_alarm(id, &mut subscription.alarm, until);
        if let Polled::End = polled {
            table.open.remove(id);
            drop(table);
            discard(subscription);
        } else {
            table.open.put_back(id, subscription);
        }
        polled
    }

    fn poll_reports(&self, id: u64, now: Instant, message: &mut Vec<u8>) -> Polled {
        let mut table = self.table.borrow_mut();
        // The call may have ended since.
        let Some(mut feed) = table.reports.remove(&id) else { return Polled::Nothing { until: None } };
        let waker = feed.wakeup.waker();
        let polled = feed.poll(&mut Context::from_waker(&waker), now, message);
        feed.wakeup.queue_if_more(&polled);
        let until = if let Polled::Nothing { until } = polled { until } else { None };
        table.set_alarm(id, &mut feed.alarm, until);
        table.reports.insert(id, feed);
        polled
    }

    /// Returns when a subscription must be polled though nobody has woken it.
    pub(super) fn next_alarm(&self) -> Option<Instant> {
        self.table.borrow().alarms.first().map(|(at, _)| *at)
    }

    fn ring_alarms(&self, now: Instant) {
        let mut table = self.table.borrow_mut();
        let Table { open, reports, alarms, .. } = &mut *table;
        while alarms.first().is_some_and(|(at, _)| *at <= now)
            && let Some((_, id)) = alarms.pop_first()
        {
            let subscription = open.get_mut(id).map(|subscription| (&mut subscription.alarm, &subscription.wakeup));
            let reports = reports.get_mut(&id).map(|feed| (&mut feed.alarm, &feed.wakeup));
            if let Some((alarm, wakeup)) = subscription.or(reports) {
                *alarm = None;
                wakeup.queue();
            }
        }
    }

    /// Ends all subscriptions for whose envelope and access `ends` returns true, with this error,
    /// except for those whose ids have not been sent.
    pub(super) fn end(&self, error: &RpcError, outbox: &mut impl Outbox, ends: impl Fn(u64, Access) -> bool) {
        let ended = {
            let mut table = self.table.borrow_mut();
            let Table { open, unannounced, alarms, .. } = &mut *table;
            let is_announced = |id| !unannounced.iter().any(|(_, unannounced)| *unannounced == id);
            let ended = open
                .remove_if(|id, subscription| ends(subscription.envelope, subscription.access()) && is_announced(id));
            for (id, ended) in &ended {
                _ = ended.alarm.map(|at| alarms.remove(&(at, *id)));
            }
            ended
        };
        let mut message = Vec::new();
        for (_, subscription) in ended {
            subscription.end(&mut message, Some(error));
            outbox.push(&message, None);
            discard(subscription);
        }
    }

    /// Notes that a call begins that may start a subscription.
    pub(super) fn call_begins(&self) {
        self.starting.update(|starting| starting + 1);
    }

    /// Notes that such a call has ended.
    pub(super) fn call_ends(&self) {
        self.starting.update(|starting| starting - 1);
    }

    /// Whether something may send, now or once it has started.
    pub(super) fn may_send(&self) -> bool {
        !self.is_empty() || self.starting.get() > 0
    }

    /// Whether there is nothing that may send.
    pub(super) fn is_empty(&self) -> bool {
        let table = self.table.borrow();
        table.open.is_empty() && table.reports.is_empty()
    }

    pub(super) fn add(
        &self,
        mut started: StartedSubscription,
        envelope: u64,
        after: Option<&str>,
        min_interval: Option<Duration>,
    ) -> Result<String, RpcError> {
        if let Some(after) = after {
            started.items.resume(after)?;
        }
        let mut table = self.table.borrow_mut();
        if table.open.len() >= self.limit {
            return Err(RpcError::too_many_subscriptions(started.method, self.limit));
        }
        table.next += 1;
        let id = table.next;
        let wakeup = Wakeup::new(id, Arc::clone(&self.ready));
        table.open.push(id, OpenSubscription::new(id, started, envelope, min_interval, wakeup));
        table.unannounced.push((envelope, id));
        Ok(id.to_string())
    }
}

/// Sends the reports of a call, until it is dropped.
pub(super) struct ProgressGuard {
    subscriptions: Rc<Subscriptions>,
    number: u64,
}

impl ProgressGuard {
    /// Begins to send the reports in `slot`. `token` is how the caller recognises them.
    pub(super) fn new(subscriptions: &Rc<Subscriptions>, token: &RawValue, slot: Arc<ProgressSlot>) -> Self {
        let mut table = subscriptions.table.borrow_mut();
        table.next += 1;
        let number = table.next;
        let wakeup = Wakeup::new(number, Arc::clone(&subscriptions.ready));
        // Its first poll registers it for the first report.
        wakeup.queue();
        table.reports.insert(number, ProgressFeed::new(token, slot, wakeup, Instant::now()));
        drop(table);
        Self { subscriptions: Rc::clone(subscriptions), number }
    }
}

impl Drop for ProgressGuard {
    fn drop(&mut self) {
        let mut table = self.subscriptions.table.borrow_mut();
        if let Some(ProgressFeed { alarm: Some(at), .. }) = table.reports.remove(&self.number) {
            table.alarms.remove(&(at, self.number));
        }
    }
}

impl Drop for Subscriptions {
    /// Drops each stream by itself, so that a panic in the drop of one keeps no other.
    fn drop(&mut self) {
        self.table.get_mut().open.remove_if(|_, _| true).into_iter().for_each(discard);
    }
}

//! The hygiene of connections: how many there may be, and how long one may keep us waiting.
//!
//! actix-web's own timers cover the first head of a connection and, if it is asked to, the rest
//! between requests, with a timer for each. A connection that stalls in a later head, in a body, or
//! in taking its answer is covered by none. The watch here looks at all of them now and then, and
//! has those end that stall or are idle for too long. The [stream](super::peer_stream) of each tells it
//! what its client does.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::peer::network;

use super::activity::{ConnectionActivity, TickClock, TickTimeouts};

/// How many connections there may be, and how long each may make us wait.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionLimits {
    /// Beyond so many open connections, further ones are rejected.
    pub(crate) total: usize,
    /// The same, for the connections of one peer address (an IPv6 network of 64 bits counts as
    /// one).
    pub(crate) per_peer: usize,
    /// A connection that waits longer than this for its client is ended: in a head, in a body, or
    /// in an answer that the client does not take.
    pub(crate) stall_timeout: Duration,
    /// A connection that is idle longer than this is closed.
    pub(crate) keep_alive: Duration,
}

/// All open connections of a server, on all its workers.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: ConnectionLimits,
    tick: Duration,
    clock: Arc<TickClock>,
    open: Mutex<OpenConnections>,
    /// How many more connections may be told, before the next tick, that they are rejected.
    answers_left: AtomicU32,
    /// Connections rejected since the last warning.
    rejected: AtomicU64,
}

#[derive(Debug, Default)]
struct OpenConnections {
    next: u64,
    activities: HashMap<u64, Arc<ConnectionActivity>>,
    peers: HashMap<IpAddr, usize>,
}

/// The place of one connection among those that are open; free again when it is dropped.
#[derive(Debug)]
pub(super) struct ConnectionGuard {
    id: u64,
    peer: IpAddr,
    activity: Arc<ConnectionActivity>,
    connections: Arc<Connections>,
}

impl ConnectionGuard {
    pub(super) fn activity(&self) -> Arc<ConnectionActivity> {
        Arc::clone(&self.activity)
    }
}

impl Drop for ConnectionGuard {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        open.activities.remove(&self.id);
        if let Entry::Occupied(mut count) = open.peers.entry(self.peer) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// There is no place for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionRejected {
    /// It should be told so, for which it may stay for a moment.
    WithResponse,
    /// There are too many of them.
    Immediately,
}

impl Connections {
    /// How many rejected connections are told so in each tick: no flood of them is worth more of
    /// our time.
    const ANSWERED_PER_TICK: u32 = 64;

    /// How many connections may be told so at the same time, at most: those of two ticks, since one
    /// that says nothing is kept for less than that.
    const MAX_ANSWERED: usize = 2 * Self::ANSWERED_PER_TICK as usize;

    /// At most one warning of rejected connections in this time.
    const WARN_EVERY: Duration = Duration::from_secs(60);

    pub(crate) fn new(limits: ConnectionLimits) -> Arc<Self> {
        let shortest = limits.stall_timeout.min(limits.keep_alive);
        let tick = (shortest / 8).clamp(Duration::from_millis(10), Duration::from_secs(1));
        Arc::new(Self {
            limits,
            tick,
            clock: Arc::new(TickClock::new()),
            open: Mutex::default(),
            answers_left: AtomicU32::new(Self::ANSWERED_PER_TICK),
            rejected: AtomicU64::new(0),
        })
    }

    /// How many connections may be open at once, rejected ones that are told so among them. Those
    /// must never take the room of connections that are yet to come.
    pub(crate) fn max_open(&self) -> usize {
        let total = self.limits.total;
        total.saturating_add(total.max(Self::MAX_ANSWERED))
    }

    /// How many connections are open.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.open.lock().activities.len()
    }

    /// Gives a connection its place, from its very beginning. One that gets none counts for
    /// nothing.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<ConnectionGuard, ConnectionRejected> {
        let peer = network(peer);
        let open = &mut *self.open.lock();
        let of_peer = open.peers.get(&peer).copied().unwrap_or_default();
        if open.activities.len() >= self.limits.total || of_peer >= self.limits.per_peer {
            self.rejected.fetch_add(1, Ordering::Relaxed);
            let left = self.answers_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            return Err(if left.is_ok() { ConnectionRejected::WithResponse } else { ConnectionRejected::Immediately });
        }
        let activity = Arc::new(ConnectionActivity::new(Arc::clone(&self.clock)));
        let id = open.next;
        open.next += 1;
        open.activities.insert(id, Arc::clone(&activity));
        open.peers.insert(peer, of_peer + 1);
        Ok(ConnectionGuard { id, peer, activity, connections: Arc::clone(self) })
    }

    /// Ends connections whose client has been waited for too long. Runs until it is dropped.
    pub(crate) async fn watch(self: Arc<Self>) {
        let ticks = |time: Duration| u32::try_from(time.as_nanos().div_ceil(self.tick.as_nanos())).unwrap_or(u32::MAX);
        let timeouts = TickTimeouts { stalled: ticks(self.limits.stall_timeout), idle: ticks(self.limits.keep_alive) };
        let mut warned = None;
        loop {
            tokio::time::sleep(self.tick).await;
            let now = self.clock.tick();
            self.answers_left.store(Self::ANSWERED_PER_TICK, Ordering::Relaxed);
            for activity in self.open.lock().activities.values().filter(|activity| activity.is_overdue(now, timeouts)) {
                let was_idle = activity.is_idle();
                if activity.time_out() && !was_idle {
                    log_debug!("a connection that kept us waiting was ended");
                }
            }
            if warned.is_none_or(|warned: Instant| warned.elapsed() >= Self::WARN_EVERY) && self.warn_of_rejected() {
                warned = Some(Instant::now());
            }
        }
    }

    /// Returns whether there was anything to warn of.
    fn warn_of_rejected(&self) -> bool {
        let rejected = self.rejected.swap(0, Ordering::Relaxed);
        if rejected > 0 {
            let ConnectionLimits { total, per_peer, .. } = self.limits;
            log_warn!(
                rejected,
                "connections were rejected: --max-connections is {total}, --max-connections-per-peer {per_peer}"
            );
        }
        rejected > 0
    }
}

#[cfg(test)]
mod tests;

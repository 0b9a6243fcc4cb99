//! Limits on connections: how many may be open, and how long one may stall or be idle.
//!
//! actix-web's own timers cover the first head of a connection and, optionally, the time between
//! requests, with one timer for each connection. They do not cover a connection that stalls in a
//! later head, in a body, or while it reads its response. The watch here checks all connections
//! periodically, and ends those that stall or are idle for too long. The
//! [stream](super::peer_stream) of each connection records what its client does.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::measure::{ConnectionCounter, ConnectionCounters, CountedConnection};
use crate::peer::network;

use super::activity::{ConnectionActivity, Overdue, TickClock, TickTimeouts};
use super::trusted_proxies::TrustedProxies;

/// Limits on the number of connections, and on the time that each may stall or be idle.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionLimits {
    /// Maximum number of open connections. Further ones are rejected.
    pub(crate) total: usize,
    /// Maximum number of open connections from one peer address. An IPv6 network of 64 bits counts
    /// as one address. A trusted proxy, which carries the requests of many clients, has no limit of
    /// its own.
    pub(crate) per_peer: usize,
    /// Maximum time for which a client may stall: in a head, in a body, or while its response waits
    /// to be read. A connection that stalls for longer is closed.
    pub(crate) stall_timeout: Duration,
    /// Maximum time for which a client takes nothing of a response that goes on, such as that of a
    /// WebSocket.
    pub(crate) stream_stall_timeout: Duration,
    /// Maximum idle time between requests. A connection that is idle for longer is closed.
    pub(crate) keep_alive: Duration,
}

/// All open connections of a server, on all its workers.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: ConnectionLimits,
    counters: Arc<ConnectionCounters>,
    proxies: Arc<TrustedProxies>,
    tick: Duration,
    clock: Arc<TickClock>,
    open: Mutex<OpenConnections>,
    /// Number of rejected connections that may still get a response before the next tick.
    answers_left: AtomicU32,
    /// Number of connections rejected since the last warning.
    rejected: AtomicU64,
}

#[derive(Debug, Default)]
struct OpenConnections {
    next: u64,
    activities: HashMap<u64, Arc<ConnectionActivity>>,
    peers: HashMap<IpAddr, usize>,
}

/// The slot of one open connection. It is released when this is dropped.
#[derive(Debug)]
pub(super) struct ConnectionGuard {
    id: u64,
    peer: IpAddr,
    activity: Arc<ConnectionActivity>,
    connections: Arc<Connections>,
    _counted: CountedConnection,
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

/// The way in which a connection beyond the limits is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ConnectionRejected {
    /// The connection stays open for a moment, to get a 503 response.
    WithResponse,
    /// The connection is closed at once, as too many others are being answered.
    Immediately,
}

impl Connections {
    /// Number of rejected connections that get a response in each tick. It bounds the time that a
    /// flood of connections can cost.
    const ANSWERED_PER_TICK: u32 = 64;

    /// Maximum number of rejected connections that are being answered at the same time: those of
    /// two ticks, as a silent one is kept for less time than that.
    const MAX_ANSWERED: usize = 2 * Self::ANSWERED_PER_TICK as usize;

    /// Minimum time between two warnings about rejected connections.
    const WARN_EVERY: Duration = Duration::from_secs(60);

    pub(crate) fn new(
        limits: ConnectionLimits,
        counters: Arc<ConnectionCounters>,
        proxies: Arc<TrustedProxies>,
    ) -> Arc<Self> {
        let shortest = limits.stall_timeout.min(limits.keep_alive).min(limits.stream_stall_timeout);
        let tick = (shortest / 8).clamp(Duration::from_millis(10), Duration::from_secs(1));
        Arc::new(Self {
            limits,
            counters,
            proxies,
            tick,
            clock: Arc::new(TickClock::new()),
            open: Mutex::default(),
            answers_left: AtomicU32::new(Self::ANSWERED_PER_TICK),
            rejected: AtomicU64::new(0),
        })
    }

    /// Maximum number of sockets that may be open at once, including rejected connections that are
    /// being answered. Those must never use up the slots of connections that are yet to come.
    pub(crate) fn max_open(&self) -> usize {
        let total = self.limits.total;
        total.saturating_add(total.max(Self::MAX_ANSWERED))
    }

    /// Returns the number of open connections.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.open.lock().activities.len()
    }

    /// Gives a connection its slot, before its first byte is read. A rejected connection does not
    /// count towards the limits.
    ///
    /// # Errors
    /// If the total or the peer's limit is reached.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<ConnectionGuard, ConnectionRejected> {
        let per_peer = if self.proxies.contains(peer) { usize::MAX } else { self.limits.per_peer };
        let peer = network(peer);
        let open = &mut *self.open.lock();
        let of_peer = open.peers.get(&peer).copied().unwrap_or_default();
        if open.activities.len() >= self.limits.total || of_peer >= per_peer {
            self.rejected.fetch_add(1, Ordering::Relaxed);
            self.counters.add(ConnectionCounter::Rejected);
            let left = self.answers_left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            return Err(if left.is_ok() { ConnectionRejected::WithResponse } else { ConnectionRejected::Immediately });
        }
        let activity = Arc::new(ConnectionActivity::new(Arc::clone(&self.clock)));
        let id = open.next;
        open.next += 1;
        open.activities.insert(id, Arc::clone(&activity));
        open.peers.insert(peer, of_peer + 1);
        let counted = self.counters.count(ConnectionCounter::Open);
        Ok(ConnectionGuard { id, peer, activity, connections: Arc::clone(self), _counted: counted })
    }

    /// Ends connections whose clients stall or are idle for too long. Runs until it is dropped.
    pub(crate) async fn watch(self: Arc<Self>) {
        let ticks = |time: Duration| u32::try_from(time.as_nanos().div_ceil(self.tick.as_nanos())).unwrap_or(u32::MAX);
        let ConnectionLimits { stall_timeout, stream_stall_timeout, keep_alive, .. } = self.limits;
        let timeouts = TickTimeouts {
            stalled: ticks(stall_timeout),
            stream_stalled: ticks(stream_stall_timeout),
            idle: ticks(keep_alive),
        };
        let mut warned = None;
        loop {
            tokio::time::sleep(self.tick).await;
            let now = self.clock.tick();
            self.answers_left.store(Self::ANSWERED_PER_TICK, Ordering::Relaxed);
            for activity in self.open.lock().activities.values() {
                let Some(overdue) = activity.overdue(now, timeouts) else { continue };
                if activity.time_out() {
                    self.note(overdue);
                }
            }
            if warned.is_none_or(|warned: Instant| warned.elapsed() >= Self::WARN_EVERY) && self.warn_of_rejected() {
                warned = Some(Instant::now());
            }
        }
    }

    /// Logs and counts that a connection is closed.
    fn note(&self, overdue: Overdue) {
        match overdue {
            Overdue::Idle => {}
            Overdue::Stalled => log_debug!("a connection was closed because its client stalled"),
            Overdue::Slow => {
                self.counters.add(ConnectionCounter::Slow);
                log_debug!("a WebSocket or event stream was closed because its client is slow: it read nothing");
            }
        }
    }

    /// Logs a warning if connections were rejected since the last one. Returns whether it did.
    fn warn_of_rejected(&self) -> bool {
        let rejected = self.rejected.swap(0, Ordering::Relaxed);
        if rejected > 0 {
            let ConnectionLimits { total, per_peer, .. } = self.limits;
            log_warn!(
                rejected,
                "connections were rejected: --max-connections is {total} and --max-connections-per-peer is {per_peer}"
            );
        }
        rejected > 0
    }
}

#[cfg(test)]
mod tests;

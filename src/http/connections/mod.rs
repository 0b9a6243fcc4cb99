//! The hygiene of connections: how many there may be, and how long one may keep us waiting.
//!
//! actix-web's own timers cover the first head of a connection and, if it is asked to, the rest
//! between requests, with a timer for each. A connection that stalls in a later head, in a body, or
//! in taking its answer is covered by none. The watch here looks at all of them now and then, and
//! has those end that stall or are idle for too long. The [stream](super::stream) of each tells it
//! what its client does.

use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::peer::network;

use super::pulse::{Clock, Patience, Pulse};

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
    pub(crate) patience: Duration,
    /// A connection that is idle longer than this is closed.
    pub(crate) keep_alive: Duration,
}

/// All open connections of a server, on all its workers.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: ConnectionLimits,
    tick: Duration,
    clock: Arc<Clock>,
    open: Mutex<Open>,
    /// How many more connections may be told, before the next tick, that they are rejected.
    courtesy: AtomicU32,
    /// Connections rejected since the last warning.
    rejected: AtomicU64,
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    pulses: HashMap<u64, Arc<Pulse>>,
    peers: HashMap<IpAddr, usize>,
}

/// The place of one connection among those that are open; free again when it is dropped.
#[derive(Debug)]
pub(super) struct Place {
    id: u64,
    peer: IpAddr,
    pulse: Arc<Pulse>,
    connections: Arc<Connections>,
}

impl Place {
    pub(super) fn pulse(&self) -> Arc<Pulse> {
        Arc::clone(&self.pulse)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        open.pulses.remove(&self.id);
        if let Slot::Occupied(mut count) = open.peers.entry(self.peer) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
    }
}

/// There is no place for a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rejected {
    /// It should be told so, for which it may stay for a moment.
    Politely,
    /// There are too many of them.
    AtOnce,
}

impl Connections {
    /// How many rejected connections are told so in each tick: no flood of them is worth more of
    /// our time.
    const COURTESY: u32 = 64;

    /// How many connections may be told so at the same time, at most: those of two ticks, since one
    /// that says nothing is kept for less than that.
    const TOLD_AT_ONCE: usize = 2 * Self::COURTESY as usize;

    /// At most one warning of rejected connections in this time.
    const WARN_EVERY: Duration = Duration::from_secs(60);

    pub(crate) fn new(limits: ConnectionLimits) -> Arc<Self> {
        let shortest = limits.patience.min(limits.keep_alive);
        let tick = (shortest / 8).clamp(Duration::from_millis(10), Duration::from_secs(1));
        Arc::new(Self {
            limits,
            tick,
            clock: Arc::new(Clock::new()),
            open: Mutex::default(),
            courtesy: AtomicU32::new(Self::COURTESY),
            rejected: AtomicU64::new(0),
        })
    }

    /// How many connections may be open at once, rejected ones that are told so among them. Those
    /// must never take the room of connections that are yet to come.
    pub(crate) fn open_at_once(&self) -> usize {
        let total = self.limits.total;
        total.saturating_add(total.max(Self::TOLD_AT_ONCE))
    }

    /// How many connections are open.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.open.lock().pulses.len()
    }

    /// Gives a connection its place, from its very beginning. One that gets none counts for
    /// nothing.
    pub(super) fn admit(self: &Arc<Self>, peer: IpAddr) -> Result<Place, Rejected> {
        let peer = network(peer);
        let open = &mut *self.open.lock();
        let of_peer = open.peers.get(&peer).copied().unwrap_or_default();
        if open.pulses.len() >= self.limits.total || of_peer >= self.limits.per_peer {
            self.rejected.fetch_add(1, Ordering::Relaxed);
            let left = self.courtesy.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
            return Err(if left.is_ok() { Rejected::Politely } else { Rejected::AtOnce });
        }
        let pulse = Arc::new(Pulse::new(Arc::clone(&self.clock)));
        let id = open.next;
        open.next += 1;
        open.pulses.insert(id, Arc::clone(&pulse));
        open.peers.insert(peer, of_peer + 1);
        Ok(Place { id, peer, pulse, connections: Arc::clone(self) })
    }

    /// Ends connections whose client has been waited for too long. Runs until it is dropped.
    pub(crate) async fn watch(self: Arc<Self>) {
        let ticks = |time: Duration| u32::try_from(time.as_nanos().div_ceil(self.tick.as_nanos())).unwrap_or(u32::MAX);
        let patience = Patience { stalled: ticks(self.limits.patience), idle: ticks(self.limits.keep_alive) };
        let mut warned = None;
        loop {
            tokio::time::sleep(self.tick).await;
            let now = self.clock.tick();
            self.courtesy.store(Self::COURTESY, Ordering::Relaxed);
            for pulse in self.open.lock().pulses.values().filter(|pulse| pulse.is_overdue(now, patience)) {
                let was_idle = pulse.is_idle();
                if pulse.end() && !was_idle {
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

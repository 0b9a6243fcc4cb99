//! The hygiene of connections: how many there may be, and how long one may keep us waiting.
//!
//! actix-web's own timers cover the first head of a connection and, if it is asked to, the rest between requests, with a timer
//! for each. A connection that stalls in a later head, in a body, or in taking its answer is covered by none. The reaper here
//! looks at all of them now and then, and ends those that stall.

use std::any::Any;
use std::collections::HashMap;
use std::collections::hash_map::Entry as Slot;
use std::net::{IpAddr, Shutdown};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use actix_web::dev::Extensions;
use actix_web::rt::net::TcpStream;
use parking_lot::Mutex;
use socket2::{SockRef, Socket};

use crate::peer::network;

/// How many connections there may be, and how long each may make us wait.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionLimits {
    /// Beyond so many open connections, further ones are answered 503 and closed.
    pub(crate) total: usize,
    /// The same, for the connections of one peer address (an IPv6 network of 64 bits counts as one).
    pub(crate) per_peer: usize,
    /// A connection that waits longer than this for its client is ended: between requests, in a head, in a body, or in an
    /// answer that the client does not take.
    pub(crate) patience: Duration,
}

/// All open connections of a server, on all its workers.
#[derive(Debug)]
pub(crate) struct Connections {
    limits: ConnectionLimits,
    tick: Duration,
    clock: Arc<Clock>,
    open: Mutex<Open>,
}

/// Ticks since the start. Coarse, so that a request need not ask the operating system for the time.
#[derive(Debug)]
struct Clock(AtomicU32);

impl Clock {
    fn now(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }
}

#[derive(Debug, Default)]
struct Open {
    next: u64,
    entries: HashMap<u64, Entry>,
    peers: HashMap<IpAddr, usize>,
}

#[derive(Debug)]
struct Entry {
    pulse: Arc<Pulse>,
    /// A second handle on the connection's socket, to shut it down from outside. Costs a file descriptor.
    socket: Socket,
}

/// Whose turn it is on one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    /// The tick since which the client is waited for; 0 while it is our turn.
    waiting_since: AtomicU32,
    /// The server had as many connections as it may when this one came.
    pub(super) refused: bool,
    clock: Arc<Clock>,
}

impl Pulse {
    pub(super) fn our_turn(&self) {
        self.waiting_since.store(0, Ordering::Relaxed);
    }

    /// The client's turn, from now on or since it began.
    pub(super) fn clients_turn_if_ours(&self) {
        if self.waiting_since.load(Ordering::Relaxed) == 0 {
            self.clients_turn();
        }
    }

    /// The client's turn, from now on.
    pub(super) fn clients_turn(&self) {
        self.waiting_since.store(self.clock.now(), Ordering::Relaxed);
    }
}

/// One connection's stay in the list; lives in the connection's own data.
#[derive(Debug)]
pub(super) struct Connection {
    id: u64,
    peer: Option<IpAddr>,
    pub(super) pulse: Arc<Pulse>,
    connections: Arc<Connections>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        let mut open = self.connections.open.lock();
        let entry = open.entries.remove(&self.id);
        if let Some(Slot::Occupied(mut count)) = self.peer.map(|peer| open.peers.entry(peer)) {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        drop(open);
        // Closes a socket, which need not happen under the lock.
        drop(entry);
    }
}

impl Connections {
    pub(crate) fn new(limits: ConnectionLimits) -> Arc<Self> {
        let tick = (limits.patience / 8).clamp(Duration::from_millis(10), Duration::from_secs(1));
        // From 1, as 0 stands for "not waiting".
        let clock = Arc::new(Clock(AtomicU32::new(1)));
        Arc::new(Self { limits, tick, clock, open: Mutex::default() })
    }

    /// How many connections are open.
    #[cfg(test)]
    pub(crate) fn count(&self) -> usize {
        self.open.lock().entries.len()
    }

    /// For `HttpServer::on_connect`, which has to come before `bind`.
    pub(crate) fn on_connect(self: &Arc<Self>) -> impl Fn(&dyn Any, &mut Extensions) + Send + Sync + 'static {
        let connections = Arc::clone(self);
        move |io, data| {
            let Some(stream) = tcp(io) else { return };
            match SockRef::from(stream).try_clone() {
                Ok(socket) => {
                    data.insert(connections.add(socket, stream.peer_addr().ok().map(|peer| network(peer.ip()))));
                }
                Err(error) => {
                    // Out of file descriptors: a connection that cannot be watched is not worth its own.
                    log_seldom!(WARN, %error, "a new connection was closed");
                    // It fails when the client has already gone, which is as good.
                    let _ = SockRef::from(stream).shutdown(Shutdown::Both);
                }
            }
        }
    }

    fn add(self: &Arc<Self>, socket: Socket, peer: Option<IpAddr>) -> Connection {
        let open = &mut *self.open.lock();
        let of_peer = peer.map_or(0, |peer| {
            let count = open.peers.entry(peer).or_default();
            *count += 1;
            *count
        });
        let refused = open.entries.len() >= self.limits.total || of_peer > self.limits.per_peer;
        let waiting_since = AtomicU32::new(self.clock.now());
        let pulse = Arc::new(Pulse { waiting_since, refused, clock: Arc::clone(&self.clock) });
        let id = open.next;
        open.next += 1;
        open.entries.insert(id, Entry { pulse: Arc::clone(&pulse), socket });
        Connection { id, peer, pulse, connections: Arc::clone(self) }
    }

    /// Ends connections whose client has been waited for too long. Runs until it is dropped.
    pub(crate) async fn reap(self: Arc<Self>) {
        let patience = self.limits.patience.as_nanos().div_ceil(self.tick.as_nanos());
        let patience = u32::try_from(patience).unwrap_or(u32::MAX);
        loop {
            tokio::time::sleep(self.tick).await;
            let now = self.clock.0.fetch_add(1, Ordering::Relaxed) + 1;
            let overdue = |pulse: &Pulse| {
                let since = pulse.waiting_since.load(Ordering::Relaxed);
                since != 0 && now.saturating_sub(since) > patience
            };
            for entry in self.open.lock().entries.values().filter(|entry| overdue(&entry.pulse)) {
                log_debug!("a connection that kept us waiting was ended");
                // It fails when the client has already gone, which is as good.
                let _ = entry.socket.shutdown(Shutdown::Both);
            }
        }
    }
}

/// The socket of a connection, with TLS or without.
fn tcp(io: &dyn Any) -> Option<&TcpStream> {
    let plain = io.downcast_ref();
    #[cfg(feature = "tls")]
    let plain = plain.or_else(|| super::tls::below(io));
    plain
}

#[cfg(test)]
#[path = "connections_tests.rs"]
mod tests;

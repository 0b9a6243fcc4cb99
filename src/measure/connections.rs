//! What is known about the connections of a server.

use serde::Serialize;

use crate::sync::{Arc, AtomicU64, Ordering};

/// Statistics of the connections of a server. A snapshot.
///
/// [`ServerHandle::connections`](crate::ServerHandle::connections) returns it, and the method
/// `rpc.connections` the same as JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct ConnectionStats {
    /// Number of connections that are open now, WebSockets and event streams included. Always 0 for
    /// routes in an `App` of your own, whose connections callbox does not see.
    pub open: u64,
    /// Number of WebSockets that are open now.
    pub websockets: u64,
    /// Number of responses of server-sent events that are under way now.
    pub event_streams: u64,
    /// Number of connections that were rejected, because there were too many of all clients or of
    /// one address.
    pub rejected: u64,
    /// Number of WebSockets and event streams that were closed because their client read too
    /// slowly: it took nothing for the time of the setting `websocket_stall`.
    pub slow: u64,
    /// Number of WebSockets that were closed because nothing came from their client after a ping.
    pub silent: u64,
}

/// A number of [`ConnectionStats`].
#[derive(Clone, Copy, Debug)]
pub(crate) enum ConnectionCounter {
    Open,
    WebSockets,
    EventStreams,
    Rejected,
    Slow,
    Silent,
}

/// The counters behind [`ConnectionStats`].
#[derive(Debug, Default)]
pub(crate) struct ConnectionCounters([AtomicU64; 6]);

/// Counts one connection as long as it exists.
#[derive(Debug)]
pub(crate) struct CountedConnection(Arc<ConnectionCounters>, ConnectionCounter);

impl ConnectionCounters {
    /// Counts one more.
    pub(crate) fn add(&self, counter: ConnectionCounter) {
        self.0[counter as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts one more as long as the returned value exists.
    pub(crate) fn count(self: &Arc<Self>, counter: ConnectionCounter) -> CountedConnection {
        self.add(counter);
        CountedConnection(Arc::clone(self), counter)
    }

    /// Takes a snapshot.
    pub(crate) fn stats(&self) -> ConnectionStats {
        let get = |counter| self.0[counter as usize].load(Ordering::Relaxed);
        ConnectionStats {
            open: get(ConnectionCounter::Open),
            websockets: get(ConnectionCounter::WebSockets),
            event_streams: get(ConnectionCounter::EventStreams),
            rejected: get(ConnectionCounter::Rejected),
            slow: get(ConnectionCounter::Slow),
            silent: get(ConnectionCounter::Silent),
        }
    }
}

impl Drop for CountedConnection {
    fn drop(&mut self) {
        self.0.0[self.1 as usize].fetch_sub(1, Ordering::Relaxed);
    }
}

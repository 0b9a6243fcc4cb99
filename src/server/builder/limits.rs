//! The builder methods of the settings of the group "Limits".

use std::num::NonZeroU32;
use std::time::Duration;

use crate::start_error::StartError;

use super::super::Server;

impl Server {
    /// Sets the maximum size of a request body, in bytes. Default: 1 MiB.
    ///
    /// A larger body is answered with 413.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings.body_limit = Some(bytes);
        self
    }

    /// Sets the maximum size of the results in one response, in bytes. Default: 10 MiB.
    ///
    /// Results beyond it are replaced by the error -32004.
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.settings.response_limit = Some(bytes);
        self
    }

    /// Sets the maximum number of calls in one batch. Default: 100.
    pub fn batch_limit(mut self, members: usize) -> Self {
        self.settings.batch_limit = Some(members);
        self
    }

    /// Sets the maximum nesting depth of a request: 1 to 127 objects and arrays within one another,
    /// the request itself included. Default: 127.
    ///
    /// A deeper request is answered with -32700.
    pub fn depth_limit(mut self, levels: usize) -> Self {
        self.settings.depth_limit = Some(levels);
        self
    }

    /// Sets the maximum length of an id, in bytes as it is sent. Default: 4 KiB.
    ///
    /// A request with a longer id is answered with -32600.
    pub fn id_limit(mut self, bytes: usize) -> Self {
        self.settings.id_limit = Some(bytes);
        self
    }

    /// Sets the maximum length of a method name, in bytes. Default: 256.
    ///
    /// A call of a longer name is answered with -32601. A server with such a method does not start.
    pub fn method_limit(mut self, bytes: usize) -> Self {
        self.settings.method_limit = Some(bytes);
        self
    }

    /// Sets the maximum time for a request body to arrive. Default: 10 s.
    pub fn body_timeout(mut self, time: Duration) -> Self {
        self.settings.body_timeout = Some(time);
        self
    }

    /// Sets the maximum time that a connection may be idle before it is closed. Default: 75 s.
    ///
    /// A load balancer that keeps idle connections for longer than the server does may send a call
    /// on a connection that is being closed, and answer its caller 502. So this should exceed the
    /// balancer's own idle timeout, which is often 60 s.
    pub fn keep_alive(mut self, time: Duration) -> Self {
        self.settings.keep_alive = Some(time);
        self
    }

    /// Sets the maximum number of open connections. Default: 25,000.
    ///
    /// Further ones are answered with 503.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = Some(connections);
        self
    }

    /// Sets the maximum number of open connections from one peer address. Default: 5,000. Further
    /// ones are answered with 503.
    ///
    /// An IPv6 network of 64 bits is one peer. Behind a proxy all connections have the proxy's
    /// address: there, name it in [`trusted_proxies`](Self::trusted_proxies), which have no such
    /// limit, and set the limit per client in the proxy.
    pub fn max_connections_per_peer(mut self, connections: usize) -> Self {
        self.settings.max_connections_per_peer = Some(connections);
        self
    }

    /// Sets the maximum number of bodies of one WebSocket whose calls have not ended. Default: 64.
    /// At least 1.
    ///
    /// A batch is one body. Further ones wait, and from 64 KiB of them on the connection is not
    /// read, so its client waits. Started subscriptions do not count, and neither do
    /// `rpc.unsubscribe` and `$/cancelRequest`: they go before what waits, and cancel that as well.
    pub fn websocket_calls(mut self, bodies: usize) -> Self {
        self.settings.websocket_calls = Some(bodies);
        self
    }

    /// Sets the maximum number of subscriptions of one connection. Default: 1,024. At least 1.
    ///
    /// Further ones are answered with -32000, with the reason `subscriptions`.
    pub fn websocket_subscriptions(mut self, subscriptions: usize) -> Self {
        self.settings.websocket_subscriptions = Some(subscriptions);
        self
    }

    /// Sets the time between two pings of a WebSocket. Default: 20 s.
    ///
    /// A client gets them also if it sends all the time. They keep the connection open in a proxy,
    /// which closes connections that carry nothing for long, often after 60 s. A response of events
    /// has a comment after so long without an event.
    pub fn websocket_ping(mut self, interval: Duration) -> Self {
        self.settings.websocket_ping = Some(interval);
        self
    }

    /// Sets the maximum time after a ping for anything to arrive. Default: 20 s.
    ///
    /// Then the WebSocket is closed, its calls are cancelled, and its subscriptions end.
    pub fn websocket_timeout(mut self, time: Duration) -> Self {
        self.settings.websocket_timeout = Some(time);
        self
    }

    /// Sets the maximum time for which a WebSocket, or a response of server-sent events, takes
    /// nothing while there is something to send. Default: 30 s.
    ///
    /// Then the connection is closed. A client that pauses for less falls behind, and learns what
    /// it has missed.
    pub fn websocket_stall(mut self, time: Duration) -> Self {
        self.settings.websocket_stall = Some(time);
        self
    }

    /// Sets the maximum number of wrong tokens from one peer address at once, and again per minute
    /// after that; `None` for no limit. Default: 60, and one more each second. Zero is an error at
    /// the start.
    ///
    /// While none is left, the peer's tokens are rejected without a check, and cost it nothing. The
    /// error -32001 then has the reason, and when to try again. A token counts as wrong while it is
    /// being checked, so sending many at the same time gains nothing: at most that many different
    /// tokens of a peer are checked at a time, and the others wait.
    ///
    /// An IPv6 network of 64 bits is one peer. Behind a proxy all callers have the proxy's address,
    /// so one client with wrong tokens would lock out the others, unless the proxy is one of the
    /// [`trusted_proxies`](Self::trusted_proxies) and names its clients.
    pub fn token_failures(mut self, per_minute: impl Into<Option<u32>>) -> Self {
        match per_minute.into().map(NonZeroU32::new) {
            None => self.settings.token_failures = Some(None),
            Some(Some(failures)) => self.settings.token_failures = Some(Some(failures)),
            Some(None) => {
                let fix = "allow one at least, or give None for any number";
                self.mistake = Some(StartError::new(".token_failures(0) allows no wrong token", fix));
            }
        }
        self
    }
}

//! What a builder says of a server's limits: sizes, times, threads, connections, and who may connect.

use std::time::Duration;

use super::Server;

impl Server {
    /// The largest request body, in bytes. Default: 1 MiB. Larger ones are answered 413.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.layer.body_limit = Some(bytes);
        self
    }

    /// The largest response, in bytes of results. Default: 10 MiB. Results beyond it are answered -32004.
    pub fn response_limit(mut self, bytes: usize) -> Self {
        self.layer.response_limit = Some(bytes);
        self
    }

    /// The most calls in one batch. Default: 100.
    pub fn batch_limit(mut self, members: usize) -> Self {
        self.layer.batch_limit = Some(members);
        self
    }

    /// The most objects and arrays within one another in one request, itself included: from 1 to 127. Default: 127. A deeper
    /// request is answered -32700.
    pub fn depth_limit(mut self, levels: usize) -> Self {
        self.layer.depth_limit = Some(levels);
        self
    }

    /// The longest id, in bytes as it is sent. Default: 4 KiB. A request with a longer one is answered -32600.
    pub fn id_limit(mut self, bytes: usize) -> Self {
        self.layer.id_limit = Some(bytes);
        self
    }

    /// The longest name of a method, in bytes. Default: 256. A call of a longer one is answered -32601; a service that has such
    /// a method stops the start.
    pub fn method_limit(mut self, bytes: usize) -> Self {
        self.layer.method_limit = Some(bytes);
        self
    }

    /// How long a request body may take to arrive. Default: 10 s.
    pub fn body_timeout(mut self, time: Duration) -> Self {
        self.layer.body_timeout = Some(time);
        self
    }

    /// How long a connection may be without a request before it is closed. Default: 75 s.
    ///
    /// A balancer in front that keeps idle connections for longer than the server does may send a call
    /// on one that is being closed, and answer its caller 502. So this should be more than the
    /// balancer's own limit, which is 60 s with many.
    pub fn keep_alive(mut self, time: Duration) -> Self {
        self.layer.keep_alive = Some(time);
        self
    }

    /// How long the server goes on as before when SIGTERM or SIGHUP asks it to stop, while `/health/ready` is 503. Default: 0.
    ///
    /// Behind a balancer it should be as long as that takes to see the 503 and to send its calls elsewhere: its pause between
    /// probes, times the failures that it waits for. Afterwards the [drain](Self::shutdown_timeout) begins. Ctrl-c skips the delay, and a
    /// second signal cuts it short.
    pub fn shutdown_delay(mut self, time: Duration) -> Self {
        self.layer.shutdown_delay = Some(time);
        self
    }

    /// How long a stop waits for the calls that were let in. Default: 25 s.
    pub fn shutdown_timeout(mut self, time: Duration) -> Self {
        self.layer.shutdown_timeout = Some(time);
        self
    }

    /// The number of threads that serve HTTP. Default: the number of cores.
    pub fn workers(mut self, threads: usize) -> Self {
        self.layer.workers = Some(threads);
        self
    }

    /// The number of threads that run `compute` methods. Default: the number of cores.
    pub fn compute_threads(mut self, threads: usize) -> Self {
        self.layer.compute_threads = Some(threads);
        self
    }

    /// The most connections at once. Default: 25,000. Further ones are answered 503.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.layer.max_connections = Some(connections);
        self
    }

    /// The most connections at once from one peer address. Default: 5,000. Its further ones are answered 503.
    ///
    /// An IPv6 network of 64 bits is one peer. Behind a proxy all callers have the address of the proxy: there this should be as
    /// much as [`max_connections`](Self::max_connections), and the proxy set the limit.
    pub fn max_connections_per_peer(mut self, connections: usize) -> Self {
        self.layer.max_connections_per_peer = Some(connections);
        self
    }

    /// The names that a `Host` header may carry. Default: loopback names when listening on loopback, any otherwise.
    pub fn allowed_hosts<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.layer.allowed_hosts = Some(names.into_iter().map(str::to_owned).collect());
        self
    }

    /// The origins of web pages that may call, beside the server's own. Default: none. `*` is for
    /// any.
    ///
    /// Any page may call over loopback only if every method is private: a server that listens
    /// there, and has public ones, does not start with `*`.
    pub fn allowed_origins<'a>(mut self, origins: impl IntoIterator<Item = &'a str>) -> Self {
        self.layer.allowed_origins = Some(origins.into_iter().map(str::to_owned).collect());
        self
    }

    /// The request headers that pages of the [`allowed_origins`](Self::allowed_origins) may send, beside
    /// `Content-Type`, `Authorization`, `Request-Timeout` and that of the token. Default:
    /// `traceparent`, `tracestate`, `baggage` and `x-request-id`. `*` is for any.
    pub fn cors_headers<'a>(mut self, names: impl IntoIterator<Item = &'a str>) -> Self {
        self.layer.cors_headers = Some(names.into_iter().map(str::to_owned).collect());
        self
    }

    /// Keeps connections whose client has closed its sending half. Default: false. The calls of clients that left then run
    /// to their end.
    pub fn allow_half_closed(mut self, allow: bool) -> Self {
        self.layer.allow_half_closed = Some(allow);
        self
    }
}

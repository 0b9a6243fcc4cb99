//! The running server of a test.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use callbox::auth::Authenticate;
use callbox::stats::MethodStats;
use callbox::testing::TestServer;
use callbox::{BoxError, Caller, Server, testing};
use callbox_test_support::http::Connection;
use callbox_test_support::panics::keep_quiet_about_panics_on_purpose;
use callbox_test_support::wait::until;
use callbox_test_support::websocket::{WebSocket, handshake};
use serde_json::{Value, json};
use socket2::{Domain, Socket, Type};

use crate::probe::Probe;
use crate::service::{Clock, Market};

/// Knows `ann`, who has no scopes, and `root`, unless they are revoked. Takes long for `slow`.
struct Tokens(Arc<Probe>);

impl Authenticate for Tokens {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        if token == "slow" {
            self.0.inside.fetch_add(1, Ordering::SeqCst);
            self.0.gate.acquire().await?.forget();
            self.0.inside.fetch_sub(1, Ordering::SeqCst);
        }
        if token == "ann" {
            self.0.checks_of_ann.fetch_add(1, Ordering::SeqCst);
        }
        let is_revoked = self.0.revoked.load(Ordering::SeqCst) % 2 == 1;
        Ok(match token {
            _ if is_revoked => None,
            "ann" | "slow" => Some(Caller::named("ann")),
            "root" => Some(Caller::named("root").with_scope("audit")),
            _ => None,
        })
    }

    fn generation(&self) -> u64 {
        self.0.revoked.load(Ordering::SeqCst) as u64
    }
}

pub(crate) struct Running {
    pub(crate) server: TestServer,
    pub(crate) probe: Arc<Probe>,
}

pub(crate) fn start() -> Running {
    start_with(|server| server)
}

pub(crate) fn start_with(build: impl FnOnce(Server) -> Server) -> Running {
    keep_quiet_about_panics_on_purpose();
    let probe = Arc::new(Probe::new());
    let of_service = Arc::clone(&probe);
    let market = move || Market::new(&of_service);
    let server = Server::new(market).service(Clock::default).tokens(Tokens(Arc::clone(&probe))).workers(2);
    Running { server: testing::start(build(server)), probe }
}

impl Running {
    /// Connects with so small a buffer that the system holds little of what is not read.
    pub(crate) fn connect_with_a_small_buffer(&self) -> WebSocket {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.set_recv_buffer_size(4096).expect("a size");
        socket.connect(&self.server.address().into()).expect("the server listens");
        let mut connection = Connection(socket.into());
        connection.send(handshake(&[]));
        WebSocket::accepted(connection)
    }

    pub(crate) fn connect(&self) -> WebSocket {
        WebSocket::open(self.server.address())
    }

    pub(crate) fn connect_as(&self, token: &str) -> WebSocket {
        WebSocket::with_token(self.server.address(), token)
    }

    /// Publishes numbers over HTTP.
    #[track_caller]
    pub(crate) fn publish(&self, numbers: std::ops::Range<u64>) {
        let call = json!({ "jsonrpc": "2.0", "method": "publish", "params": [numbers.start, numbers.end], "id": 1 });
        assert_eq!(self.server.rpc(&call)["result"], Value::Null);
    }

    /// Number of calls that wait for a permit.
    pub(crate) fn inside(&self) -> usize {
        self.probe.inside.load(Ordering::SeqCst)
    }

    /// Waits until so many calls wait for a permit.
    #[track_caller]
    pub(crate) fn until_inside(&self, calls: usize) {
        until("so many calls wait", || self.inside() == calls);
    }

    /// Number of subscriptions of all methods.
    pub(crate) fn subscriptions(&self) -> u64 {
        let services = self.server.stats();
        services.iter().flat_map(|service| &service.methods).map(|method| method.subscriptions).sum()
    }

    pub(crate) fn stats(&self, method: &str) -> MethodStats {
        let methods = self.server.stats().into_iter().flat_map(|service| service.methods);
        methods.into_iter().find(|stats| stats.method == method).expect("there is such a method")
    }

    /// Returns what the statistics and the methods with the same numbers count now.
    pub(crate) fn counted(&self) -> Value {
        let root = self.server.with_token("root");
        let result = |method: &str| {
            let call = json!({ "jsonrpc": "2.0", "method": method, "id": 1 });
            root.rpc(&call)["result"].take()
        };
        let services = result("rpc.mailboxes");
        let services = services.as_array().expect("services").iter();
        let by_call = result("rpc.connections");
        // Behind these calls, whose connection stays.
        let connections = serde_json::to_value(self.server.connections()).expect("a form in JSON");
        let of_connections = |stats: &Value| json!([stats["open"], stats["websockets"], stats["event_streams"]]);
        json!({
            "stats": self.server.stats().iter().map(|service| counted_now(&service.methods)).collect::<Value>(),
            "rpc.mailboxes": services.map(|service| of_methods(&service["methods"])).collect::<Value>(),
            "connections": of_connections(&connections),
            "rpc.connections": of_connections(&by_call),
        })
    }

    /// Waits until no subscription is left, nor any stream.
    #[track_caller]
    pub(crate) fn until_nothing_is_left(&self) {
        until("the subscriptions have ended", || self.subscriptions() == 0);
        until("their streams are dropped", || self.probe.streams.load(Ordering::SeqCst) == 0);
    }
}

/// Returns what each method has now: calls that wait, calls that run, and subscriptions.
pub(crate) fn counted_now(methods: &[MethodStats]) -> Value {
    of_methods(&serde_json::to_value(methods).expect("a form in JSON"))
}

fn of_methods(methods: &Value) -> Value {
    let numbers = |method: &Value| ["method", "depth", "running", "subscriptions"].map(|name| method[name].clone());
    methods.as_array().expect("methods").iter().map(numbers).map(Value::from_iter).collect()
}

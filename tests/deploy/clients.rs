//! The clients behind a proxy: instances that trust it know them apart, and it limits each of them.

use callbox::testing::{self, TestServer};
use callbox::{CallContext, Server, service};
use callbox_test_support::http::{Connection, Response};
use callbox_test_support::websocket::{WebSocket, handshake_at};
use serde_json::{Value, json};

use super::behind_proxies::call_of;
use super::proxy::{ENDPOINT, HOST, Kind, Proxy};

/// Maximum number of connections of one client, in the files of the proxies.
const MAX_CONNECTIONS: usize = 100;

const ANN: [u8; 4] = [127, 0, 0, 8];
const MALLORY: [u8; 4] = [127, 0, 0, 9];

struct Office;

#[service(name = "test.office")]
impl Office {
    /// What a method gets to know of its caller.
    #[public_method]
    fn visitor(&self, call: &CallContext) -> Vec<String> {
        let names = ["x-forwarded-for", "x-forwarded-proto", "forwarded", "x-request-id", "host"];
        let peer = call.peer().map(|peer| peer.to_string()).unwrap_or_default();
        names.map(|name| call.header(name).unwrap_or_default().to_owned()).into_iter().chain([peer]).collect()
    }

    #[private_api_method]
    fn safe(&self) -> String {
        "open".to_owned()
    }
}

/// Starts a server that trusts the address of the proxy, as `deploy/callbox.service` has it, and a
/// proxy of which both instances are that server.
fn start(kind: Kind) -> (TestServer, Proxy) {
    let server = Server::new(|| Office).allowed_hosts([HOST.1]).tokens(|token: &str| token == "good");
    let server = testing::start(server.token_failures(2).trusted_proxies(["127.0.0.1"]));
    let proxy = Proxy::start(kind, [server.address(); 2]);
    (server, proxy)
}

fn call(proxy: &Proxy, from: [u8; 4], headers: &[(&str, &str)], method: &str) -> Response {
    let mut connection = Connection::open_from(from, proxy.address);
    connection.send_request("POST", ENDPOINT, &[&[HOST], headers].concat(), call_of(method, &json!([])));
    connection.read_response()
}

pub(crate) fn addresses(kind: Kind) {
    let (_server, proxy) = start(kind);
    let forged = [
        ("X-Forwarded-For", "6.6.6.6"),
        ("Forwarded", "for=6.6.6.6"),
        ("X-Forwarded-Proto", "gopher"),
        ("X-Request-Id", "forged"),
    ];
    let result = call(&proxy, MALLORY, &forged, "visitor").json()["result"].take();
    let scheme = if kind == Kind::Nginx { "http" } else { "https" };
    assert_eq!(result[0], "127.0.0.9", "{result}");
    assert_eq!((&result[1], &result[2], &result[4]), (&json!(scheme), &json!(""), &json!(HOST.1)), "{result}");
    assert_eq!(result[5], "127.0.0.9", "the peer is the client: {result}");
    let id = result[3].as_str().unwrap();
    assert!(id != "forged" && id.len() >= 32, "{id}");
}

pub(crate) fn wrong_tokens(kind: Kind) {
    let (_server, proxy) = start(kind);
    let safe = |from, token: &str| call(&proxy, from, &[("X-Api-Token", token)], "safe").json();
    let is_limited = |answer: &Value| answer["error"]["data"]["retry_after_ms"].is_u64();
    for attempt in 0..4 {
        let answer = safe(MALLORY, "bad");
        assert_eq!((&answer["error"]["code"], is_limited(&answer)), (&json!(-32001), attempt >= 2), "{answer}");
    }
    assert!(is_limited(&safe(MALLORY, "good")));
    assert_eq!(safe(ANN, "good")["result"], "open");
}

pub(crate) fn crowds(kind: Kind) {
    let (_server, proxy) = start(kind);
    let open = |from| {
        let mut connection = Connection::open_from(from, proxy.address);
        connection.send(handshake_at(ENDPOINT, &[HOST]));
        WebSocket::accepted(connection)
    };
    let sockets: Vec<_> = (0..MAX_CONNECTIONS).map(|_| open(MALLORY)).collect();
    match kind {
        Kind::Nginx => assert_eq!(call(&proxy, MALLORY, &[], "visitor").status, 503),
        // It closes the connection before it reads anything.
        Kind::Haproxy => Connection::open_from(MALLORY, proxy.address).assert_closed(),
    }
    let mut other = open(ANN);
    assert_eq!(other.result("visitor", json!([]))[5], "127.0.0.8");
    drop(sockets);
}

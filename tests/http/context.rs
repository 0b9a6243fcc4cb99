//! What a method learns about the request that called it.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use callbox::{CallContext, CallTransport, Caller, FromCall, RpcError, Server, ServiceRef, service, testing};
use callbox_test_support::http::{Connection, Response, request};
use callbox_test_support::wait::until;
use callbox_test_support::websocket::WebSocket;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::Semaphore;

/// Ends the method `hold`, which one test calls.
static RELEASE: Semaphore = Semaphore::const_new(0);

/// What a call has of its request.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
struct Seen {
    tag: Option<String>,
    peer: Option<String>,
    http: bool,
    id: String,
}

impl Seen {
    fn of(call: &CallContext) -> Self {
        Self {
            tag: call.header("x-tag").map(str::to_owned),
            peer: call.peer().map(|peer| peer.to_string()),
            http: call.transport() == CallTransport::Http,
            id: call.request_id().to_owned(),
        }
    }
}

impl FromCall for Seen {
    fn from_call(call: &CallContext) -> Result<Self, RpcError> {
        Ok(Self::of(call))
    }
}

#[derive(Clone, Default)]
struct Front {
    back: Arc<OnceLock<ServiceRef<Back>>>,
}

#[service(name = "front")]
impl Front {
    #[public_method]
    fn inline(&self, seen: &Seen) -> Seen {
        seen.clone()
    }

    #[public_method(inline = false)]
    fn queued(&mut self, call: &CallContext) -> Seen {
        Seen::of(call)
    }

    #[public_method]
    async fn later(&self, call: &CallContext) -> Seen {
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        Seen::of(call)
    }

    #[public_method(compute)]
    fn pool(seen: &Seen) -> Seen {
        seen.clone()
    }

    /// Is alone with the state until the test releases it.
    #[public_method]
    async fn hold(&mut self) {
        let _permit = RELEASE.acquire().await;
    }

    /// Looks at its caller alone.
    #[public_method]
    fn who(&self, caller: &Caller) -> bool {
        caller.is_authenticated()
    }

    #[public_method]
    async fn through(&self, call: &CallContext) -> Result<(String, Seen), RpcError> {
        let back = self.back.get().unwrap();
        Ok((call.request_id().to_owned(), back.call(Back_Pass {}).await?))
    }

    #[public_method]
    async fn through_unread(&self) -> Result<Seen, RpcError> {
        self.back.get().unwrap().call(Back_Seen {}).await
    }
}

/// A second service, which the first one calls.
#[derive(Clone)]
struct Back {
    me: Arc<OnceLock<ServiceRef<Last>>>,
}

#[service(name = "back", namespace = "back")]
impl Back {
    /// Does not look at its own request, and calls on.
    #[public_method]
    async fn pass(&self) -> Result<Seen, RpcError> {
        self.me.get().unwrap().call(Last_Seen {}).await
    }

    #[public_method]
    fn seen(&self, seen: &Seen) -> Seen {
        seen.clone()
    }
}

struct Last;

#[service(name = "last", namespace = "last")]
impl Last {
    #[public_method]
    fn seen(&self, seen: &Seen) -> Seen {
        seen.clone()
    }
}

fn start() -> testing::TestServer {
    start_with(|server| server)
}

fn start_with(settings: impl FnOnce(Server) -> Server) -> testing::TestServer {
    let (front, last) = (Front::default(), Arc::new(OnceLock::new()));
    let (state, back) = (front.clone(), Back { me: Arc::clone(&last) });
    let server = Server::new(move || state.clone()).service(move || back.clone()).service(|| Last);
    let server = testing::start(settings(server));
    assert!(front.back.set(server.service()).is_ok() && last.set(server.service()).is_ok());
    server
}

/// Calls a method at this path with these headers.
fn call(server: &testing::TestServer, path: &str, method: &str, headers: &[(&str, &str)]) -> Response {
    let body = json!({ "jsonrpc": "2.0", "method": method, "id": 1 }).to_string();
    request(server.address(), "POST", path, headers, body)
}

fn seen(response: &Response) -> Seen {
    serde_json::from_value(response.json()["result"].clone()).unwrap_or_else(|error| panic!("{error}: {response:?}"))
}

/// The endpoint as it is written, which the fast path answers, and in a spelling that only the
/// router recognises.
const SPELLINGS: [&str; 2] = ["/api", "/%61pi"];

#[test]
fn a_method_sees_headers_peer_transport_and_id_wherever_it_runs_and_whichever_path_answers() {
    let server = start();
    let headers = [("X-TAG", "a"), ("x-tag", "b"), ("X-Request-Id", "order-17")];
    for path in SPELLINGS {
        for method in ["inline", "queued", "later", "pool"] {
            let response = call(&server, path, method, &headers);
            let (tag, peer) = (Some("a, b".to_owned()), Some("127.0.0.1".to_owned()));
            assert_eq!(seen(&response), Seen { tag, peer, http: true, id: "order-17".into() }, "{path} {method}");
            assert_eq!(response.header("x-request-id"), Some("order-17"), "{path} {method}");
        }
    }
}

#[test]
fn behind_a_trusted_proxy_the_peer_is_the_client() {
    let headers: &[(&str, &str)] = &[("Forwarded", "for=192.0.2.1, for=\"[2001:db8:1:2:3:4:5:6]:80\"")];
    let server = start_with(|server| server.trusted_proxies(["127.0.0.0/8", "::1"]));
    let peer = |seen: Seen| seen.peer.expect("a peer");
    for path in SPELLINGS {
        for method in ["inline", "queued", "later", "pool"] {
            let response = call(&server, path, method, headers);
            assert_eq!(peer(seen(&response)), "2001:db8:1:2::", "{path} {method}: an IPv6 network is one peer");
            assert_eq!(peer(seen(&call(&server, path, method, &[]))), "127.0.0.1", "{path} {method}");
        }
    }
    let mut socket = WebSocket::open_with(server.address(), headers);
    assert_eq!(socket.result("inline", json!([]))["peer"], "2001:db8:1:2::");
    for proxies in [&[][..], &["192.0.2.1"]] {
        let server = start_with(|server| server.trusted_proxies(proxies.iter().copied()));
        assert_eq!(peer(seen(&call(&server, "/api", "inline", headers))), "127.0.0.1", "{proxies:?}");
        let mut socket = WebSocket::open_with(server.address(), headers);
        assert_eq!(socket.result("inline", json!([]))["peer"], "127.0.0.1", "{proxies:?}");
    }
}

#[test]
fn a_header_that_is_not_text_or_not_sent_is_none() {
    let server = start();
    let mut connection = Connection::open(server.address());
    let body = json!({ "jsonrpc": "2.0", "method": "inline", "id": 1 }).to_string();
    for value in [&b"x-tag: a\r\nx-tag: \xff\r\n"[..], b"x-tag: \xff\r\n", b"", b"x-tags: a\r\n"] {
        let head = b"POST /api HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
        let length = format!("content-length: {}\r\n\r\n", body.len());
        connection.send([head, value, length.as_bytes(), body.as_bytes()].concat());
        assert_eq!(seen(&connection.read_response()).tag, None, "{:?}", String::from_utf8_lossy(value));
    }
}

#[test]
fn a_request_without_a_usable_id_gets_one_and_the_response_has_it_if_a_method_asked() {
    let server = start();
    let mut ids = BTreeSet::new();
    for headers in [&[][..], &[("X-Request-Id", "two words")], &[("X-Request-Id", "1"), ("X-Request-Id", "2")]] {
        for path in SPELLINGS {
            let response = call(&server, path, "inline", headers);
            let id = seen(&response).id;
            assert_eq!(response.header("x-request-id"), Some(&*id), "{headers:?}");
            assert!(ids.insert(id), "{ids:?}");
            assert_eq!(call(&server, path, "who", headers).header("x-request-id"), None, "{headers:?}");
        }
    }
    let sent = [("X-Request-Id", "order-17")];
    assert_eq!(call(&server, "/api", "who", &sent).header("x-request-id"), Some("order-17"), "whatever reads it");
}

#[test]
fn headers_that_a_waiting_call_keeps_count_against_the_bytes_of_its_service() {
    let server = start();
    // Holds the state, so that everything else waits.
    let address = server.address();
    let hold = json!({ "jsonrpc": "2.0", "method": "hold", "id": 1 }).to_string();
    let held = std::thread::spawn(move || request(address, "POST", "/api", &[], hold).status);
    let service = server.service::<Front>();
    let depth = |method: &str| service.stats().iter().find(|stats| stats.method == method).unwrap().depth;
    until("the state is held", || service.stats().iter().any(|stats| stats.running > 0));
    let mut connection = Connection::open(server.address());
    let (headers, notification) = ("x".repeat(100_000), r#"{"jsonrpc":"2.0","method":"queued"}"#);
    for _ in 0..200 {
        connection.send_request("POST", "/api", &[("X-Tag", &headers)], notification);
        assert_eq!(connection.read_response().status, 204);
    }
    // 16 MiB are room for 167 of them.
    assert_eq!(depth("queued"), 167);
    RELEASE.add_permits(1);
    assert_eq!(held.join().unwrap(), 200);
}

#[test]
fn the_calls_of_a_batch_have_one_id() {
    let server = start();
    let member = |method: &str, id: u32| json!({ "jsonrpc": "2.0", "method": method, "id": id });
    let batch = json!([member("inline", 1), member("queued", 2), member("who", 3), member("inline", 4)]);
    let response = request(server.address(), "POST", "/api", &[], batch.to_string());
    let id = response.header("x-request-id").unwrap().to_owned();
    let all = response.json();
    let ids: Vec<_> = [0, 1, 3].map(|index| all[index]["result"]["id"].clone()).into();
    assert_eq!(ids, vec![Value::from(id); 3], "{all}");
}

#[test]
fn a_call_between_services_has_the_id_of_the_request_and_neither_its_headers_nor_its_peer() {
    let server = start();
    let client = server.with_header("x-tag", "a").with_header("x-request-id", "order-17");
    let within = |id: &str| Seen { tag: None, peer: None, http: false, id: id.to_owned() };
    assert_eq!(client.call(Front_Through {}), Ok(("order-17".to_owned(), within("order-17"))));
    let (own, made) = server.call(Front_Through {}).unwrap();
    assert_eq!(made, within(&own), "an id that was made goes along, too");
    assert_eq!(client.call(Front_ThroughUnread {}), Ok(within("order-17")), "whether or not the method reads it");
    let (one, other) = (server.call(Front_ThroughUnread {}).unwrap(), server.call(Front_ThroughUnread {}).unwrap());
    assert!(one == within(&one.id) && one.id != other.id, "{one:?} {other:?}");
}

#[test]
fn a_call_within_the_process_has_an_id_and_no_request() {
    let server = start();
    let service = server.service::<Front>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let [one, other] = [(), ()].map(|()| runtime.block_on(service.call(Front_Queued {})).unwrap());
    assert_eq!(one, Seen { tag: None, peer: None, http: false, id: one.id.clone() });
    assert_ne!(one.id, other.id);
    let alone = testing::in_process(Front::default);
    let body = json!({ "jsonrpc": "2.0", "method": "inline", "id": 1 }).to_string();
    let response: Value = serde_json::from_str(&alone.post(body).unwrap()).unwrap();
    assert_eq!(response["result"]["http"], false, "{response}");
}

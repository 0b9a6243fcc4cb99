//! What a caller says of itself with one call, as headers do over HTTP: the time for which it
//! waits, the services that wait with it, and the id of its request.

use std::sync::Mutex;

use callbox::testing::TestServer;
use callbox::{CallContext, Server, Subscription, service, testing};
use callbox_test_support::http::request;
use callbox_test_support::websocket::WebSocket;
use futures::stream;
use serde_json::{Value, json};

#[derive(Default)]
struct Office {
    noted: Mutex<Vec<String>>,
}

#[service(name = "front office")]
impl Office {
    /// The milliseconds that are left of a minute.
    #[public_method(deadline = "60s")]
    fn left(&self, call: &CallContext) -> u64 {
        call.remaining().as_millis() as u64
    }

    #[public_method]
    fn id(&self, call: &CallContext) -> String {
        call.request_id().to_owned()
    }

    /// Notes the id of the call, and the milliseconds that are left of a minute.
    #[public_method(deadline = "60s")]
    fn note(&self, call: &CallContext) {
        let line = format!("{} {}", call.request_id(), call.remaining().as_secs() > 30);
        self.noted.lock().unwrap().push(line);
    }

    #[public_method]
    fn noted(&self) -> Vec<String> {
        self.noted.lock().unwrap().clone()
    }

    #[public_method]
    fn plain(&self) -> u64 {
        7
    }

    #[public_method(subscription)]
    fn ids(&self, call: &CallContext) -> Subscription<String> {
        Subscription::new(stream::iter([call.request_id().to_owned()]))
    }

    #[public_method]
    async fn wait(&self) {
        std::future::pending::<()>().await;
    }
}

fn start() -> (TestServer, WebSocket) {
    let server = testing::start(Server::new(Office::default));
    let socket = WebSocket::open_with(server.address(), &[("X-Request-Id", "of-the-connection")]);
    (server, socket)
}

#[test]
fn the_time_shortens_the_deadline_and_never_extends_it() {
    let (_server, mut socket) = start();
    let mut left = |meta: Value| socket.result("left", json!({ "_meta": meta })).as_u64().unwrap();
    assert!((20_000..=60_000).contains(&left(json!({}))));
    assert!(left(json!({ "timeoutMs": 5000 })) <= 5000);
    for meta in [json!({ "timeoutMs": 0 }), json!({ "timeoutMs": null }), json!({ "timeoutMs": u64::MAX })] {
        assert!((20_000..=60_000).contains(&left(meta.clone())), "{meta}");
    }
    let late = socket.call("wait", json!({ "_meta": { "timeoutMs": 30 } }));
    assert_eq!((&late["error"]["code"], &late["error"]["data"]["deadline_ms"]), (&json!(-32002), &json!(30)), "{late}");
}

#[test]
fn a_call_that_would_come_back_to_a_service_that_waits_is_refused_beside_a_time() {
    let (_server, mut socket) = start();
    let own = "front%20office";
    let mut code = |meta: Value| {
        let reply = socket.call("plain", json!({ "_meta": meta }));
        (reply["result"] == 7).then_some(0).or_else(|| reply["error"]["code"].as_i64())
    };
    assert_eq!(code(json!({ "timeoutMs": 5000, "chain": own })), Some(-32603));
    assert_eq!(code(json!({ "timeoutMs": 5000, "chain": format!("a,{own},b") })), Some(-32603));
    assert_eq!(code(json!({ "chain": own })), Some(0), "as over HTTP");
    let strange = ["", "a", "front", "%", "a,,b", &"x,".repeat(1000), &"x".repeat(6000)];
    for chain in strange {
        assert_eq!(code(json!({ "timeoutMs": 5000, "chain": chain })), Some(0), "{chain}");
    }
    socket.notify("note", json!({ "_meta": { "timeoutMs": 5000, "chain": own } }));
    while socket.result("noted", json!({})) == json!([]) {}
}

#[test]
fn the_id_is_that_of_the_call_and_else_of_the_connection() {
    let (_server, mut socket) = start();
    assert_eq!(socket.result("id", json!({})), "of-the-connection");
    assert_eq!(socket.result("id", json!({ "_meta": { "requestId": "order-17" } })), "order-17");
    for id in ["", "two words", "\"", &"x".repeat(129)] {
        assert_eq!(socket.result("id", json!({ "_meta": { "requestId": id } })), "of-the-connection", "{id}");
    }
    assert_eq!(socket.result("id", json!({})), "of-the-connection");
    let ids = socket.subscribe("ids", json!({ "_meta": { "requestId": "order-18" } }));
    assert_eq!(socket.item_of(&ids), "order-18");

    // A notification has all the time of its method.
    socket.notify("note", json!({ "_meta": { "requestId": "order-19", "timeoutMs": 1 } }));
    let noted = loop {
        let noted = socket.result("noted", json!({}));
        if noted != json!([]) {
            break noted;
        }
    };
    assert_eq!(noted, json!(["order-19 true"]));
}

#[test]
fn each_member_of_a_batch_has_its_own() {
    let (_server, mut socket) = start();
    let member = |id: u64, method: &str, meta: Value| json!({ "jsonrpc": "2.0", "method": method, "params": { "_meta": meta }, "id": id });
    let batch = json!([
        member(0, "id", json!({})),
        member(1, "id", json!({ "requestId": "one" })),
        member(2, "id", json!({ "requestId": "two" })),
        member(3, "plain", json!({})),
        member(4, "plain", json!({ "timeoutMs": 5000, "chain": "front%20office" })),
        member(5, "plain", json!({})),
        member(6, "left", json!({ "timeoutMs": 5000 })),
        member(7, "left", json!({})),
    ]);
    socket.send(batch.to_string());
    let replies = socket.message();
    let results: Vec<_> = replies.as_array().unwrap().iter().map(|reply| &reply["result"]).collect();
    assert_eq!(results[..4], [&json!("of-the-connection"), &json!("one"), &json!("two"), &json!(7)], "{replies}");
    assert_eq!((&replies[4]["error"]["code"], results[5]), (&json!(-32603), &json!(7)), "{replies}");
    let (asked, whole) = (results[6].as_u64().unwrap(), results[7].as_u64().unwrap());
    assert!(asked <= 5000 && whole > 20_000, "{replies}");
}

#[test]
fn over_plain_http_the_headers_say_it_and_nothing_else() {
    let (server, _socket) = start();
    let meta = json!({ "timeoutMs": 1, "chain": "front%20office", "requestId": "order-17" });
    let call = |method: &str| json!({ "jsonrpc": "2.0", "method": method, "params": { "_meta": meta }, "id": 1 });
    assert_eq!(server.rpc(&call("plain"))["result"], 7);
    let id = request(server.address(), "POST", "/api", &[("X-Request-Id", "of-the-header")], call("id").to_string());
    assert!(id.body.contains("of-the-header"), "{id:?}");
}

//! What operators see of a running service: mailboxes, health, and warnings about blocking methods.

use std::time::Duration;

use callbox::testing::{self, TestServer};
use callbox::{Server, service};
use callbox_test_support::free_port::free_address;
use serde_json::{Value, json};

#[derive(Default)]
struct Shop {
    open: bool,
}

#[service(name = "shop")]
impl Shop {
    #[public_method]
    fn buy(&mut self, item: String) -> Result<String, callbox::RpcError> {
        if self.open { Ok(item) } else { Err(callbox::RpcError::new(409, "closed")) }
    }

    #[public_method]
    fn open(&mut self) {
        self.open = true;
    }

    #[public_method(mailbox_group = "slow")]
    async fn wait(&mut self, millis: u64) {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }

    #[public_method]
    fn burn(&mut self) {
        panic!("on purpose");
    }
}

fn shop() -> TestServer {
    testing::start(Server::new(Shop::default).tokens(|token: &str| token == "operator"))
}

fn mailboxes(server: &TestServer) -> Value {
    let request = json!({ "jsonrpc": "2.0", "method": "rpc.mailboxes", "id": 1 });
    server.with_token("operator").rpc(&request)["result"].clone()
}

fn method<'a>(mailboxes: &'a Value, name: &str) -> &'a Value {
    let methods = mailboxes[0]["methods"].as_array().unwrap();
    methods.iter().find(|method| method["method"] == name).unwrap()
}

#[test]
fn the_mailboxes_tell_what_became_of_each_call_and_how_long_it_took() {
    let server = shop();
    assert_eq!(server.call(Shop_Buy { item: "pen".into() }).unwrap_err().code(), 409);
    server.call(Shop_Open {}).unwrap();
    for _ in 0..3 {
        server.call(Shop_Buy { item: "pen".into() }).unwrap();
    }
    assert_eq!(
        server.rpc(&json!({ "jsonrpc": "2.0", "method": "buy", "params": [1], "id": 1 }))["error"]["code"],
        -32602
    );
    server.call(Shop_Wait { millis: 20 }).unwrap();
    assert_eq!(server.call(Shop_Burn {}).unwrap_err().code(), -32603);
    server.wait_idle::<Shop>();

    let mailboxes = mailboxes(&server);
    let buy = method(&mailboxes, "buy");
    assert_eq!((&buy["answered"], &buy["failed"], &buy["refused"]), (&json!(3), &json!(1), &json!(1)));
    let refused_for = json!({ "full": 0, "caller": 0, "hopeless": 0, "overdue": 0, "unavailable": 0, "params": 1 });
    assert_eq!((&buy["refused_for"], &buy["cancelled"]), (&refused_for, &json!(0)));
    assert_eq!(buy["inline"].as_u64().unwrap() + buy["queued"].as_u64().unwrap(), 4);
    assert_eq!((&buy["depth"], &buy["capacity"], &buy["running"]), (&json!(0), &json!(1024), &json!(0)));
    assert_eq!(buy["run"]["count"], 4);
    let wait = method(&mailboxes, "wait");
    assert_eq!(wait["group"], "slow");
    assert!(wait["run"]["p50_us"].as_f64().unwrap() >= 20_000.0, "the time at its awaits counts: {wait}");
    assert!(wait["usual_us"].as_f64().unwrap() < 20_000.0, "the thread was free meanwhile: {wait}");
    assert_eq!(wait["wait"]["count"], 1);
    assert_eq!((&mailboxes[0]["restarts"], &method(&mailboxes, "burn")["panicked"]), (&json!(1), &json!(1)));
}

#[test]
fn the_mailboxes_are_shown_to_callers_with_a_token_only() {
    let server = shop();
    let request = json!({ "jsonrpc": "2.0", "method": "rpc.mailboxes", "id": 1 });
    assert_eq!(server.rpc(&request)["error"]["code"], -32001);
    assert_eq!(server.with_token("wrong").rpc(&request)["error"]["code"], -32001);
    assert_eq!(mailboxes(&server)[0]["service"], "shop");
    let without_tokens = testing::start(Server::new(Shop::default));
    assert_eq!(without_tokens.rpc(&request)["error"]["code"], -32601, "no token could be accepted");
}

#[test]
fn the_connections_are_told_to_callers_with_a_token_only() {
    let server = shop();
    let request = json!({ "jsonrpc": "2.0", "method": "rpc.connections", "id": 1 });
    assert_eq!(server.rpc(&request)["error"]["code"], -32001);
    let connections = server.with_token("operator").rpc(&request)["result"].clone();
    assert!(connections["open"].as_u64() >= Some(1), "this one: {connections}");
    let others = ["websockets", "event_streams", "rejected", "slow", "silent"];
    assert_eq!(others.map(|name| connections[name].as_u64()), [Some(0); 5], "{connections}");
    let without_tokens = testing::start(Server::new(Shop::default));
    assert_eq!(without_tokens.rpc(&request)["error"]["code"], -32601, "no token could be accepted");
}

#[test]
fn a_server_is_ready_while_its_services_are_up() {
    let server = shop();
    let page = server.get("/health/live");
    assert_eq!((page.status, page.body.as_str()), (200, r#"{"live":true}"#));
    let page = server.get("/health/ready");
    assert_eq!((page.status, page.body.as_str()), (200, r#"{"ready":true,"services":{"shop":true}}"#));
    while server.service::<Shop>().is_up() {
        // More often than the supervisor bears.
        let _ = server.call(Shop_Burn {});
    }
    let page = server.get("/health/ready");
    assert_eq!((page.status, page.body.as_str()), (503, r#"{"ready":false,"services":{"shop":false}}"#));
    assert_eq!(server.get("/health/live").status, 200);
}

/// Takes its time to start.
struct Late;

#[service(name = "late")]
impl Late {
    #[on_start]
    async fn begin(&mut self) {
        tokio::time::sleep(Duration::from_millis(500)).await;
    }

    #[public_method]
    fn hello(&self) {}
}

#[actix_web::test]
async fn a_server_is_not_ready_before_on_start_is_done() {
    let address = free_address();
    let server = actix_web::rt::spawn(Server::new(|| Late).bind(&address.to_string()).run());
    let ready = move || {
        let answer = status_of(address, "/health/ready");
        std::thread::sleep(Duration::from_millis(10));
        answer
    };
    let seen = actix_web::web::block(move || {
        let mut seen = Vec::new();
        while seen.last() != Some(&200) {
            seen.extend(ready());
        }
        seen
    });
    let seen = tokio::time::timeout(Duration::from_secs(30), seen).await.unwrap().unwrap();
    assert_eq!(seen.first(), Some(&503), "{seen:?}");
    server.abort();
}

/// The status of a page, once somebody listens.
fn status_of(address: std::net::SocketAddr, path: &str) -> Option<u16> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    answer.split(' ').nth(1)?.parse().ok()
}

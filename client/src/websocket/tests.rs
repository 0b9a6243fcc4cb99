//! Clients against a peer that does what a test says.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use http::{HeaderName, HeaderValue};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_websockets::{Message, ServerBuilder, WebSocketStream};

use crate::ambient::{Current, ServiceId};
use crate::ambient_request::{AmbientRequest, RequestRef};
use crate::call_trace::CallTrace;
use crate::client_error::ClientError;
use crate::trace_context::TraceContext;
use crate::untyped::Client;

/// A server that accepts one connection after the other.
struct Peer(TcpListener);

/// A connection of the client.
struct Connection(WebSocketStream<TcpStream>);

impl Peer {
    async fn start() -> (Self, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}/api", listener.local_addr().unwrap());
        (Self(listener), url)
    }

    /// Accepts a connection, and leaves its handshake unanswered.
    async fn accept_silently(&self) -> TcpStream {
        self.0.accept().await.unwrap().0
    }

    async fn accept(&self) -> Connection {
        Connection::open(self.accept_silently().await, false).await
    }

    async fn connect(url: &str) -> Client {
        Client::connect(url).await.unwrap().without_retry()
    }
}

impl Connection {
    /// Answers a handshake.
    async fn open(stream: TcpStream, reads_meta: bool) -> Self {
        let mut builder = ServerBuilder::new();
        if reads_meta {
            let (name, value) = (HeaderName::from_static("callbox-call-meta"), HeaderValue::from_static("1"));
            builder = builder.add_header(name, value).unwrap();
        }
        Self(builder.accept(stream).await.unwrap().1)
    }

    async fn receive(&mut self) -> Value {
        loop {
            let message = self.0.next().await.unwrap().unwrap();
            if let Some(text) = message.as_text() {
                return serde_json::from_str(text).unwrap();
            }
        }
    }

    async fn send(&mut self, message: Value) {
        self.0.send(Message::text(message.to_string())).await.unwrap();
    }

    /// Receives a call, and returns its parameters. Its result is its method.
    async fn answer(&mut self) -> Option<Value> {
        let mut call = self.receive().await;
        let params = call.as_object_mut().unwrap().remove("params");
        if let Some(id) = call.get("id") {
            self.send(json!({ "jsonrpc": "2.0", "result": call["method"], "id": id })).await;
        }
        params
    }
}

#[derive(Debug)]
struct Request;

impl AmbientRequest for Request {
    fn id(&self) -> Arc<str> {
        "order-17".into()
    }

    fn trace(&self) -> Option<TraceContext> {
        TraceContext::from_parts(0xa, 0xb, false, None)
    }
}

/// The method of a service, which makes calls until its deadline.
fn within_method() -> Current {
    Current {
        service: ServiceId::fresh(),
        name: "front desk",
        chain: None,
        method: "m",
        deadline: Instant::now() + Duration::from_secs(5),
        request: RequestRef::Known(Arc::new(Request)),
        caller: None,
        trace: CallTrace::Off,
    }
}

/// Makes a call, and returns its parameters as they arrive.
async fn params(client: &Client, connection: &mut Connection, params: Value) -> Option<Value> {
    let (result, arrived) = tokio::join!(client.call::<String>("echo", params), connection.answer());
    assert_eq!(result.unwrap(), "echo");
    arrived
}

/// The milliseconds in the time that a caller says, which is taken out.
fn take_timeout(params: &mut Option<Value>) -> u64 {
    let meta = params.as_mut().unwrap()["_meta"].as_object_mut().unwrap();
    meta.remove("timeoutMs").unwrap().as_u64().unwrap()
}

#[tokio::test]
async fn a_caller_says_of_itself_what_the_server_does_not_know() {
    let (peer, url) = Peer::start().await;
    let accept = async { Connection::open(peer.accept_silently().await, true).await };
    let (client, mut connection) = tokio::join!(Peer::connect(&url), accept);
    let (client, connection) = (&client, &mut connection);
    assert_eq!(params(client, connection, json!({ "a": 1 })).await, Some(json!({ "a": 1 })));
    assert_eq!(params(client, connection, Value::Null).await, None);

    let brief = client.with_deadline(Duration::from_secs(5));
    for (sent, without) in [(json!({ "a": 1 }), json!({ "a": 1, "_meta": {} })), (Value::Null, json!({ "_meta": {} }))]
    {
        let mut arrived = params(&brief, connection, sent).await;
        assert!((1..=5000).contains(&take_timeout(&mut arrived)));
        assert_eq!(arrived.unwrap(), without);
    }
    assert_eq!(params(&brief, connection, json!([1])).await, Some(json!([1])), "these have no place for it");

    let _method = within_method().enter();
    let mut arrived = params(client, connection, json!({})).await;
    assert!((1..=5000).contains(&take_timeout(&mut arrived)), "what is left of the method");
    let traceparent = "00-0000000000000000000000000000000a-000000000000000b-00";
    let mut meta = json!({ "chain": "front%20desk", "requestId": "order-17", "traceparent": traceparent });
    assert_eq!(arrived.unwrap(), json!({ "_meta": meta }));
    client.notify("note", json!({})).await.unwrap();
    meta.as_object_mut().unwrap().remove("chain");
    assert_eq!(connection.answer().await, Some(json!({ "_meta": meta })), "nobody waits");
    let batch = client.batch().add("echo", json!({ "a": 1 })).notify("note", [1]).send();
    let received = async {
        let batch = connection.receive().await;
        let reply = json!([{ "jsonrpc": "2.0", "result": 1, "id": batch[0]["id"] }]);
        connection.send(reply).await;
        batch
    };
    let (results, sent) = tokio::join!(batch, received);
    assert!(results.into_iter().all(|result| result.is_ok()));
    assert_eq!(sent[0]["params"]["_meta"]["chain"], "front%20desk", "{sent}");
    assert_eq!(sent[1]["params"], json!([1]));
}

#[tokio::test]
async fn a_server_of_another_make_gets_the_parameters_as_they_are() {
    let (peer, url) = Peer::start().await;
    let accept = async { Connection::open(peer.accept_silently().await, true).await };
    let (client, mut connection) = tokio::join!(Peer::connect(&url), accept);
    let client = client.with_deadline(Duration::from_secs(20));
    assert!(params(&client, &mut connection, Value::Null).await.is_some());
    drop(connection);
    // The next connection may be one to another server.
    let mut connection = peer.accept().await;
    assert_eq!(params(&client, &mut connection, Value::Null).await, None);
    let _method = within_method().enter();
    assert_eq!(params(&client, &mut connection, json!({ "a": 1 })).await, Some(json!({ "a": 1 })));
}

#[tokio::test]
async fn a_client_that_is_dropped_while_it_connects_stops_connecting() {
    let (peer, url) = Peer::start().await;
    // An attempt by itself would last longer than the test.
    let connect = Client::builder(url).connect_timeout(Duration::from_secs(3600)).connect();
    let (client, connection) = tokio::join!(connect, peer.accept());
    drop(connection);
    let mut silent = peer.accept_silently().await;
    drop(client);
    // Ends, since the client closes the connection, unless it resets it.
    let _ = silent.read_to_end(&mut Vec::new()).await;
}

#[tokio::test]
async fn what_is_dropped_and_what_is_called_while_the_client_connects() {
    let (peer, url) = Peer::start().await;
    let (client, mut connection) = tokio::join!(Peer::connect(&url), peer.accept());
    let subscribe = |method: &'static str| {
        let client = client.clone();
        async move { client.subscribe::<u64>(method, ()).await }
    };
    let (dropped, _) = tokio::join!(subscribe("dropped"), connection.answer());
    let (kept, _) = tokio::join!(subscribe("kept"), connection.answer());
    let (dropped, mut kept) = (dropped.unwrap(), kept.unwrap());
    drop(connection);
    let silent = peer.accept_silently().await;
    drop(dropped);
    let given_up = tokio::spawn({
        let client = client.clone();
        async move { client.call::<Value>("given up", ()).await }
    });
    tokio::task::yield_now().await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    let late = client.with_deadline(Duration::from_millis(1)).call::<Value>("late", ()).await;
    assert!(matches!(late, Err(ClientError::Deadline(None))), "{late:?}");
    let waits = tokio::spawn({
        let client = client.clone();
        async move { client.call::<String>("waits", ()).await }
    });
    let mut connection = Connection::open(silent, false).await;
    let again = connection.receive().await;
    assert_eq!(again["method"], "kept");
    connection.send(json!({ "jsonrpc": "2.0", "result": "s2", "id": again["id"] })).await;
    connection.answer().await;
    assert_eq!(waits.await.unwrap().unwrap(), "waits");
    let notice = json!({ "subscription": "s2", "result": 5 });
    connection.send(json!({ "jsonrpc": "2.0", "method": "kept", "params": notice })).await;
    assert_eq!(*kept.next().await.unwrap().unwrap(), 5);
}

#[tokio::test]
async fn a_subscription_for_which_there_is_no_room_after_a_cut_is_tried_until_there_is() {
    let (peer, url) = Peer::start().await;
    let (client, mut connection) = tokio::join!(Peer::connect(&url), peer.accept());
    let (items, _) = tokio::join!(client.subscribe::<u64>("numbers", ()), connection.answer());
    let mut items = items.unwrap();
    drop(connection);
    let mut connection = peer.accept().await;
    let busy = json!({ "code": -32000, "message": "Server busy", "data": { "retry_after_ms": 1 } });
    for _ in 0..3 {
        let again = connection.receive().await;
        connection.send(json!({ "jsonrpc": "2.0", "error": busy, "id": again["id"] })).await;
    }
    connection.answer().await;
    let notice = json!({ "subscription": "numbers", "result": 5 });
    connection.send(json!({ "jsonrpc": "2.0", "method": "numbers", "params": notice })).await;
    assert_eq!(*items.next().await.unwrap().unwrap(), 5);
}

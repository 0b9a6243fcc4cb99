//! Calls and subscriptions over HTTP, against a peer that does what a test says.

use std::time::Duration;

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::client_error::ClientError;
use crate::subscription::{Lag, Subscription};

#[test]
fn errors_and_debug_output_hide_the_secrets_of_a_url() {
    for url in [
        "http://user:s3cret@host:99999/api",
        "ftp://user:s3cret@host/api",
        "user:s3cret@host/api",
        "http://user:s3/cret@host/api",
        "http://user:s3cret@host/api?key=s3cret",
    ] {
        let builder = Client::builder(url).token("s3cret");
        let mut shown = format!("{builder:?}");
        match builder.build() {
            Ok(client) => shown += &format!("{client:?}"),
            Err(error) => shown += &format!("{error} {error:?}"),
        }
        assert!(!shown.contains("s3") && !shown.contains("cret"), "{url}: {shown}");
    }
}

/// A server that accepts one connection after the other.
struct Peer(TcpListener);

/// A request, whose response a test writes.
struct Asked {
    stream: BufReader<TcpStream>,
    /// The lines of the head, in small letters.
    head: Vec<String>,
    body: Value,
}

impl Peer {
    async fn start() -> (Self, ClientBuilder) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/api", listener.local_addr().unwrap());
        (Self(listener), Client::builder(url))
    }

    async fn accept(&self) -> Asked {
        let mut stream = BufReader::new(self.0.accept().await.unwrap().0);
        let mut head = Vec::new();
        loop {
            let mut line = String::new();
            stream.read_line(&mut line).await.unwrap();
            match line.trim() {
                "" => break,
                line => head.push(line.to_ascii_lowercase()),
            }
        }
        let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let mut body = vec![0; length.parse().unwrap()];
        stream.read_exact(&mut body).await.unwrap();
        Asked { stream, head, body: serde_json::from_slice(&body).unwrap() }
    }

    /// Accepts the call that starts a subscription, and answers with events, the first of which is
    /// the response.
    async fn accept_subscription(&self) -> Asked {
        let mut asked = self.accept().await;
        assert!(asked.has("accept: text/event-stream, application/json"), "{:?}", asked.head);
        asked.begin_events().await;
        let id = asked.body["id"].clone();
        asked.event(&json!({ "jsonrpc": "2.0", "result": "s1", "id": id })).await;
        asked
    }
}

impl Asked {
    fn has(&self, line: &str) -> bool {
        self.head.iter().any(|own| own == line)
    }

    async fn write(&mut self, text: &str) {
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// Answers with all of a response.
    async fn answer(mut self, status: &str, content_type: &str, body: &str) {
        let length = body.len();
        let head = format!("content-type: {content_type}\r\ncontent-length: {length}\r\nconnection: close");
        self.write(&format!("HTTP/1.1 {status}\r\n{head}\r\n\r\n{body}")).await;
    }

    async fn begin_events(&mut self) {
        self.write("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n\r\n").await;
    }

    async fn event(&mut self, message: &Value) {
        self.write(&format!("data: {message}\n\n")).await;
    }

    /// Sends a message of the subscription.
    async fn notice(&mut self, members: &Value) {
        let mut params = members.clone();
        params["subscription"] = "s1".into();
        self.event(&json!({ "jsonrpc": "2.0", "method": "prices", "params": params })).await;
    }

    /// Waits until the client has closed the connection.
    async fn closed(mut self) {
        // It may be reset.
        let _ = self.stream.read_to_end(&mut Vec::new()).await;
    }
}

/// Subscribes with these parameters.
fn subscribe(client: &Client, params: Value) -> JoinHandle<Result<Subscription<u64>, ClientError>> {
    let client = client.clone();
    tokio::spawn(async move { client.subscribe::<u64>("prices", params).await })
}

async fn next(items: &mut Subscription<u64>) -> Option<Result<(u64, Option<Lag>), ClientError>> {
    items.next().await.map(|item| item.map(|item| (*item, item.lag())))
}

async fn item(items: &mut Subscription<u64>) -> (u64, Option<Lag>) {
    next(items).await.unwrap().unwrap()
}

#[tokio::test]
async fn items_follow_the_response_until_the_end() {
    let (peer, builder) = Peer::start().await;
    let subscribed = subscribe(&builder.token("secret").build().unwrap(), json!({ "symbol": "ACME" }));
    let mut events = peer.accept_subscription().await;
    assert!(events.has("authorization: bearer secret"), "{:?}", events.head);
    assert_eq!(events.body["params"], json!({ "symbol": "ACME" }));
    let mut items = subscribed.await.unwrap().unwrap();
    events.notice(&json!({ "result": 1, "cursor": "a-1" })).await;
    events.write(": a comment\r\n\r\n").await;
    events.notice(&json!({ "cursor": "a-4" })).await;
    events.notice(&json!({ "result": 2, "lagged": 3 })).await;
    events.event(&json!({ "jsonrpc": "2.0", "method": "other", "params": [] })).await;
    events.notice(&json!({ "done": true })).await;
    assert_eq!(item(&mut items).await, (1, None));
    assert_eq!(item(&mut items).await, (2, Some(Lag::Items(3))));
    assert!(next(&mut items).await.is_none() && next(&mut items).await.is_none());
}

#[tokio::test]
async fn dropping_a_subscription_closes_its_connection() {
    let (peer, builder) = Peer::start().await;
    let client = builder.build().unwrap();
    let subscribed = subscribe(&client, json!({}));
    let unpolled = peer.accept_subscription().await;
    let items = subscribed.await.unwrap().unwrap();
    drop(items);
    unpolled.closed().await;

    let subscribed = subscribe(&client, json!({}));
    let mut polled = peer.accept_subscription().await;
    polled.notice(&json!({ "result": 1 })).await;
    let mut items = subscribed.await.unwrap().unwrap();
    item(&mut items).await;
    drop(items);
    polled.closed().await;
}

#[tokio::test]
async fn giving_up_the_start_closes_the_connection() {
    let (peer, builder) = Peer::start().await;
    let subscribed = subscribe(&builder.build().unwrap(), json!({}));
    let asked = peer.accept().await;
    subscribed.abort();
    asked.closed().await;
}

#[tokio::test]
async fn a_cut_is_followed_by_a_call_that_continues_after_the_last_position() {
    let (peer, builder) = Peer::start().await;
    let client = builder.token("secret").deadline(Duration::from_secs(20)).build().unwrap();
    let subscribed = subscribe(&client, json!({ "symbol": "ACME" }));
    let mut events = peer.accept_subscription().await;
    let mut items = subscribed.await.unwrap().unwrap();
    events.notice(&json!({ "result": 1, "cursor": "a-1" })).await;
    events.write("data: {\"jsonrpc\":\"2.0\",\"method\":\"prices\",\"params\":{\"subscr").await;
    assert_eq!(item(&mut items).await, (1, None));
    drop(events);
    let went_on = tokio::spawn(async move { (item(&mut items).await, items) });
    let mut events = peer.accept_subscription().await;
    assert!(
        events.has("authorization: bearer secret") && events.has("request-timeout: 20.000000"),
        "{:?}",
        events.head
    );
    assert_eq!(events.body["params"], json!({ "symbol": "ACME", "_meta": { "after": "a-1" } }));
    events.notice(&json!({ "result": 7, "lagged": 5, "cursor": "a-7" })).await;
    let (seventh, mut items) = went_on.await.unwrap();
    assert_eq!(seventh, (7, Some(Lag::Items(5))), "the server knows what was missed");

    events.notice(&json!({ "cursor": "a-9" })).await;
    drop(events);
    let went_on = tokio::spawn(async move { item(&mut items).await });
    let mut events = peer.accept_subscription().await;
    assert_eq!(events.body["params"]["_meta"]["after"], "a-9", "a position alone counts as well");
    events.notice(&json!({ "result": 10, "lagged": null, "cursor": "b-10" })).await;
    assert_eq!(went_on.await.unwrap(), (10, Some(Lag::Unknown)));
}

#[tokio::test]
async fn without_a_position_the_next_item_says_that_nobody_knows_what_was_missed() {
    let (peer, builder) = Peer::start().await;
    let subscribed = subscribe(&builder.build().unwrap(), json!([1]));
    let mut events = peer.accept_subscription().await;
    let mut items = subscribed.await.unwrap().unwrap();
    events.notice(&json!({ "result": 1, "cursor": "a-1" })).await;
    assert_eq!(item(&mut items).await, (1, None));
    drop(events);
    let went_on = tokio::spawn(async move { (item(&mut items).await, item(&mut items).await) });
    let mut events = peer.accept_subscription().await;
    assert_eq!(events.body["params"], json!([1]), "these have no place for a position");
    events.notice(&json!({ "result": 2, "lagged": 1 })).await;
    events.notice(&json!({ "result": 3 })).await;
    assert_eq!(went_on.await.unwrap(), ((2, Some(Lag::Unknown)), (3, None)));
}

#[tokio::test]
async fn a_server_that_is_not_back_yet_is_asked_again_until_it_refuses_for_good() {
    let (peer, builder) = Peer::start().await;
    let subscribed = subscribe(&builder.build().unwrap(), json!({}));
    let events = peer.accept_subscription().await;
    let mut items = subscribed.await.unwrap().unwrap();
    drop(events);
    let ended = tokio::spawn(async move { (next(&mut items).await, next(&mut items).await.is_none()) });
    let unavailable = r#"{"jsonrpc":"2.0","error":{"code":-32003,"message":"Service unavailable"},"id":1}"#;
    assert_eq!(crate::rpc_error::RpcError::unavailable().message(), "Service unavailable");
    drop(peer.accept().await);
    peer.accept().await.answer("503 Service Unavailable", "text/plain", "too many connections").await;
    peer.accept().await.answer("503 Service Unavailable", "application/json", unavailable).await;
    let mut cut = peer.accept().await;
    cut.begin_events().await;
    cut.write("data: {").await;
    drop(cut);
    let refused = r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}"#;
    peer.accept().await.answer("200 OK", "application/json", refused).await;
    let (error, is_over) = ended.await.unwrap();
    let error = error.unwrap().unwrap_err();
    assert!(matches!(&error, ClientError::Server(error) if error.code() == -32601) && is_over, "{error}");
}

#[tokio::test]
async fn a_silent_connection_is_opened_again() {
    let (peer, builder) = Peer::start().await;
    let subscribed = subscribe(&builder.silence_timeout(Duration::from_secs(1)).build().unwrap(), json!({}));
    let silent = peer.accept_subscription().await;
    let mut items = subscribed.await.unwrap().unwrap();
    let went_on = tokio::spawn(async move { item(&mut items).await });
    silent.closed().await;
    peer.accept_subscription().await.notice(&json!({ "result": 5 })).await;
    assert_eq!(went_on.await.unwrap().0, 5);
}

#[tokio::test]
async fn what_cannot_be_read_ends_the_subscription() {
    let (peer, builder) = Peer::start().await;
    let client = builder.response_limit(1000).build().unwrap();
    let long = format!("data: \"{}\"\n\n", "x".repeat(2000));
    let texts =
        [&*long, "data: \u{0}\n\n", "data: {\"method\":\"p\",\"params\":{\"subscription\":\"1\",\"cursor\":1}}\n\n"];
    for text in texts {
        let subscribed = subscribe(&client, json!({}));
        let mut events = peer.accept_subscription().await;
        events.notice(&json!({ "result": 1 })).await;
        events.write(text).await;
        let mut items = subscribed.await.unwrap().unwrap();
        assert_eq!(item(&mut items).await, (1, None), "what came before it");
        let error = next(&mut items).await.unwrap().unwrap_err();
        assert!(matches!(error, ClientError::BadResponse(_)), "{text}: {error}");
        assert!(next(&mut items).await.is_none());
        drop(items);
        events.closed().await;
    }
}

#[tokio::test]
async fn a_subscription_that_does_not_start_is_an_error_of_its_call() {
    let (peer, builder) = Peer::start().await;
    let client = builder.build().unwrap().without_retry();
    let refused = |code: i32| format!(r#"{{"jsonrpc":"2.0","error":{{"code":{code},"message":"no"}},"id":$0}}"#);
    for (content_type, body, expected) in [
        ("application/json", refused(403), "Method"),
        ("application/json", refused(-32600), "Server"),
        ("text/event-stream", format!("data: {}\n\n", refused(403)), "Method"),
        ("application/json", r#"{"jsonrpc":"2.0","result":"s1","id":$0}"#.to_owned(), "BadResponse"),
        ("text/html", "<p>hello</p>".to_owned(), "BadResponse"),
        ("text/event-stream", "data: {\"jsonrpc\":\"2.0\",\"res".to_owned(), "Lost"),
        ("text/event-stream", "data: hello\n\n".to_owned(), "BadResponse"),
    ] {
        let subscribed = subscribe(&client, json!({}));
        let asked = peer.accept().await;
        let body = body.replace("$0", &asked.body["id"].to_string());
        asked.answer("200 OK", content_type, &body).await;
        let error = format!("{:?}", subscribed.await.unwrap().unwrap_err());
        assert!(error.starts_with(expected), "{content_type} {body}: {error}");
    }
}

#[tokio::test]
async fn a_start_that_never_ran_is_repeated_as_any_call() {
    let (peer, builder) = Peer::start().await;
    let subscribed = subscribe(&builder.build().unwrap(), json!({}));
    let busy =
        r#"{"jsonrpc":"2.0","error":{"code":-32000,"message":"Server busy","data":{"retry_after_ms":1}},"id":1}"#;
    peer.accept().await.answer("200 OK", "application/json", busy).await;
    let mut events = peer.accept_subscription().await;
    events.notice(&json!({ "result": 1 })).await;
    assert_eq!(item(&mut subscribed.await.unwrap().unwrap()).await, (1, None));
}

//! Sessions without a connection: what they send, and what becomes of what they receive.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::Stream;
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};

use super::super::feed;
use super::*;
use crate::request::{self, BodyShape, RequestObject};
use crate::stream::FeedStart;
use crate::subscription::{Lag, Subscription, SubscriptionNames};
use crate::transport::BodyIds;

type Received = oneshot::Receiver<Result<Vec<u8>, TransportError>>;

/// A session, and the queue of the changes that its clients ask for.
struct Client {
    session: Session,
    controls: mpsc::UnboundedReceiver<Control>,
    sender: mpsc::UnboundedSender<Control>,
}

/// What a subscriber gets.
#[derive(Debug, PartialEq)]
enum Next {
    Item(u64, Option<Lag>),
    Failed(String),
    End,
    Nothing,
}

fn item(value: u64) -> Next {
    Next::Item(value, None)
}

fn next(items: &mut Subscription<u64>) -> Next {
    match std::pin::Pin::new(items).poll_next(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Some(Ok(item))) => Next::Item(*item, item.lag()),
        Poll::Ready(Some(Err(error))) => Next::Failed(error.to_string()),
        Poll::Ready(None) => Next::End,
        Poll::Pending => Next::Nothing,
    }
}

impl Client {
    fn new() -> Self {
        let (sender, controls) = mpsc::unbounded_channel();
        Self { session: Session::default(), controls, sender }
    }

    /// Queues a call.
    fn call(&mut self, id: u64, method: &str, params: Option<&Value>) -> Received {
        let params = params.map(|params| request::params(params).unwrap().unwrap());
        let request = RequestObject { params, ..RequestObject::new(method, Some(id)) };
        let body = request::body(&[&request], BodyShape::Single).unwrap();
        let (reply, received) = oneshot::channel();
        let ids = BodyIds { calls: vec![id], is_batch: false };
        let text = BodyText { plain: body, with_meta: None };
        self.session.add(Command { text, ids, progress: None, reply });
        received
    }

    /// Queues the call of a subscription.
    fn subscribe(&mut self, id: u64, params: Option<&Value>) -> (Subscription<u64>, Received) {
        let start = FeedStart {
            call: id,
            method: "prices".to_owned(),
            params: params.map(|params| request::params(params).unwrap().unwrap()),
            names: SubscriptionNames::DEFAULT,
            deadline: Duration::from_secs(1),
            is_subscription: true,
        };
        let items = feed::open(start, self.sender.clone()).into_subscription();
        self.settle();
        let received = self.call(id, "prices", params);
        (items, received)
    }

    /// Makes the changes that clients have asked for.
    fn settle(&mut self) {
        while let Ok(control) = self.controls.try_recv() {
            self.session.change(control);
        }
    }

    /// Returns all that is sent now.
    fn sent(&mut self) -> Vec<Value> {
        self.settle();
        std::iter::from_fn(|| self.session.next_message()).map(|text| serde_json::from_slice(&text).unwrap()).collect()
    }

    fn receive(&mut self, message: &Value) {
        self.session.receive(&message.to_string()).unwrap();
    }

    /// Sends a call whose result is the id of a subscription.
    fn start(&mut self, call: u64, subscription: &str) {
        self.receive(&json!({ "jsonrpc": "2.0", "result": subscription, "id": call }));
    }

    /// Receives a message of a subscription.
    fn notice(&mut self, subscription: &str, members: &Value) {
        let mut params = members.clone();
        params["subscription"] = subscription.into();
        self.receive(&json!({ "jsonrpc": "2.0", "method": "prices", "params": params }));
    }

    /// The connection is lost and opened again. Returns what is sent then.
    fn reconnect(&mut self) -> Vec<Value> {
        self.session.disconnected(|| TransportError::lost("cut"));
        self.settle();
        self.session.connected(false);
        self.sent()
    }
}

fn prices(id: u64, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": "prices", "params": params, "id": id })
}

fn unsubscribes(subscription: &str) -> Value {
    json!({ "jsonrpc": "2.0", "method": "rpc.unsubscribe", "params": [subscription], "id": "unsubscribe" })
}

#[test]
fn one_of_two_subscriptions_that_the_server_ends_leaves_the_other() {
    let mut client = Client::new();
    let (mut one, _started) = client.subscribe(1, Some(&json!({ "symbol": "ONE" })));
    let (mut two, _started) = client.subscribe(2, Some(&json!({ "symbol": "TWO" })));
    assert_eq!(client.sent(), [prices(1, &json!({ "symbol": "ONE" })), prices(2, &json!({ "symbol": "TWO" }))]);
    client.start(2, "s2");
    client.start(1, "s1");
    client.notice("s1", &json!({ "result": 10, "cursor": "a-1" }));
    client.notice("s2", &json!({ "result": 20, "cursor": "a-2" }));
    client.notice("s1", &json!({ "done": true }));
    client.notice("s1", &json!({ "result": 11 }));
    client.notice("s2", &json!({ "result": 21, "cursor": "a-3" }));
    assert_eq!([next(&mut one), next(&mut one)], [item(10), Next::End]);
    assert_eq!([next(&mut two), next(&mut two), next(&mut two)], [item(20), item(21), Next::Nothing]);
    drop(one);
    assert_eq!(client.sent(), [] as [Value; 0], "the server has ended it");
    assert_eq!(client.reconnect(), [prices(2, &json!({ "symbol": "TWO", "_meta": { "after": "a-3" } }))]);
    client.start(2, "other");
    client.notice("s2", &json!({ "result": 1 }));
    client.notice("other", &json!({ "result": 22, "lagged": 4, "cursor": "a-8" }));
    assert_eq!(next(&mut two), Next::Item(22, Some(Lag::Items(4))), "an id is of one connection");
    drop(two);
    assert_eq!(client.sent(), [unsubscribes("other")]);
    assert_eq!(client.reconnect(), [] as [Value; 0]);
}

#[test]
fn an_unknown_position_is_said_once_with_the_next_item() {
    let mut client = Client::new();
    for (call, params) in [(1, Some(json!({ "a": 1 }))), (2, None), (3, Some(json!([1])))] {
        let (mut items, _started) = client.subscribe(call, params.as_ref());
        let sent = client.sent();
        client.start(call, "s1");
        client.notice("s1", &json!({ "result": 1 }));
        assert_eq!(next(&mut items), item(1));
        assert_eq!(client.reconnect(), sent, "it begins again");
        // Lost before it has answered.
        assert_eq!(client.reconnect(), sent);
        client.start(call, "s2");
        assert_eq!(next(&mut items), Next::Nothing);
        client.notice("s2", &json!({ "result": 1, "lagged": 3 }));
        client.notice("s2", &json!({ "result": 2 }));
        assert_eq!([next(&mut items), next(&mut items)], [Next::Item(1, Some(Lag::Unknown)), item(2)], "{params:?}");
        drop(items);
        client.sent();
    }
}

#[test]
fn items_that_wait_outlive_the_connection_and_come_before_those_of_the_next() {
    let mut client = Client::new();
    let (mut items, _started) = client.subscribe(1, None);
    client.sent();
    client.start(1, "s1");
    for number in 0..1030_u64 {
        client.notice("s1", &json!({ "result": number, "cursor": format!("a-{number}") }));
    }
    let again = client.reconnect();
    assert_eq!(again, [prices(1, &json!({ "_meta": { "after": "a-1029" } }))], "after what has arrived");
    client.start(1, "s1");
    client.notice("s1", &json!({ "result": 1040, "lagged": 10, "cursor": "a-1040" }));
    assert_eq!(next(&mut items), Next::Item(7, Some(Lag::Items(7))), "what there was no room for");
    for number in 8..1030 {
        assert_eq!(next(&mut items), item(number));
    }
    assert_eq!([next(&mut items), next(&mut items)], [Next::Item(1040, Some(Lag::Items(10))), Next::Nothing]);
}

#[test]
fn a_subscription_that_is_dropped_at_any_time_is_not_left_over() {
    let mut client = Client::new();
    let (items, started) = client.subscribe(1, None);
    // Before it was sent: its caller has given it up.
    drop((items, started));
    client.session.change(Control::Cancel { first: 1 });
    assert_eq!(client.sent(), [] as [Value; 0]);

    // While the client connects: it is not started again.
    let (items, _started) = client.subscribe(2, None);
    client.sent();
    client.start(2, "s2");
    client.session.disconnected(|| TransportError::lost("cut"));
    drop(items);
    client.settle();
    client.session.connected(false);
    assert_eq!(client.sent(), [] as [Value; 0]);

    // After it was sent again, before the answer.
    let (items, _started) = client.subscribe(3, None);
    client.sent();
    client.start(3, "s3");
    assert_eq!(client.reconnect().len(), 1);
    drop(items);
    assert_eq!(client.sent(), [] as [Value; 0], "its id is not known yet");
    client.start(3, "s4");
    assert_eq!(client.sent(), [unsubscribes("s4")]);
    client.notice("s4", &json!({ "result": 1 }));
    assert_eq!(client.reconnect(), [] as [Value; 0]);
}

#[test]
fn a_subscription_that_had_not_started_is_lost_with_the_connection_and_not_started_by_itself() {
    let mut client = Client::new();
    let (mut items, mut started) = client.subscribe(1, None);
    client.sent();
    assert_eq!(client.reconnect(), [] as [Value; 0], "its caller repeats the call, if it may");
    assert!(started.try_recv().unwrap().is_err());
    let again = client.call(1, "prices", None);
    assert_eq!(client.sent().len(), 1);
    client.start(1, "s1");
    drop(again);
    client.notice("s1", &json!({ "result": 1 }));
    assert_eq!(next(&mut items), item(1), "the repeated call has started it");
}

#[test]
fn a_refusal_after_a_cut_is_the_end() {
    let mut client = Client::new();
    let (mut items, _started) = client.subscribe(1, None);
    client.sent();
    client.start(1, "s1");
    client.notice("s1", &json!({ "result": 1, "cursor": "a-1" }));
    client.reconnect();
    let error = json!({ "code": -32601, "message": "Method not found" });
    client.receive(&json!({ "jsonrpc": "2.0", "error": error, "id": 1 }));
    assert_eq!(next(&mut items), item(1));
    assert!(matches!(next(&mut items), Next::Failed(error) if error.contains("Method not found")));
    assert_eq!(next(&mut items), Next::End);
    assert_eq!(client.reconnect(), [] as [Value; 0]);
}

#[test]
fn a_subscription_for_which_there_is_no_room_after_a_cut_is_tried_once_more() {
    let mut client = Client::new();
    let (mut one, _started) = client.subscribe(1, None);
    let (two, _started) = client.subscribe(2, None);
    client.sent();
    client.start(1, "s1");
    client.start(2, "s2");
    client.notice("s1", &json!({ "result": 1, "cursor": "a-1" }));
    assert_eq!(client.reconnect().len(), 2);
    let busy = json!({ "code": -32000, "message": "Server busy", "data": { "retry_after_ms": 1 } });
    for call in [1, 2] {
        client.receive(&json!({ "jsonrpc": "2.0", "error": busy, "id": call }));
    }
    assert!(client.session.has_rejected() && client.sent().is_empty(), "after a pause");
    drop(two);
    client.settle();
    client.session.restart_rejected();
    assert_eq!(client.sent(), [prices(1, &json!({ "_meta": { "after": "a-1" } }))]);
    assert!(!client.session.has_rejected());
    client.start(1, "s3");
    client.notice("s3", &json!({ "result": 2, "cursor": "a-2" }));
    assert_eq!([next(&mut one), next(&mut one), next(&mut one)], [item(1), item(2), Next::Nothing]);

    assert_eq!(client.reconnect().len(), 1);
    client.receive(&json!({ "jsonrpc": "2.0", "error": busy, "id": 1 }));
    assert_eq!(client.reconnect().len(), 1, "a new connection does not wait");
    assert!(!client.session.has_rejected());
}

#[test]
fn the_end_of_the_task_ends_all_subscriptions_and_calls() {
    let mut client = Client::new();
    let (mut items, _started) = client.subscribe(1, None);
    let mut call = client.call(2, "echo", None);
    client.sent();
    client.start(1, "s1");
    client.notice("s1", &json!({ "result": 1 }));
    drop(client);
    assert_eq!(next(&mut items), item(1));
    assert!(matches!(next(&mut items), Next::Failed(error) if error.contains(STOPPED)));
    assert!(matches!(call.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
}

#[test]
fn reports_go_to_the_call_that_waits_also_when_it_is_repeated() {
    let mut client = Client::new();
    let slot = Arc::new(ProgressSlot::default());
    let report = |token: u64, done: u64| json!({ "jsonrpc": "2.0", "method": "$/progress", "params": { "token": token, "value": { "done": done } } });
    let call = |client: &mut Client| {
        let (reply, received) = oneshot::channel();
        let text = BodyText { plain: b"{}".to_vec(), with_meta: None };
        let ids = BodyIds { calls: vec![1], is_batch: false };
        let progress = Some(Arc::downgrade(&slot));
        client.session.add(Command { text, ids, progress, reply });
        assert_eq!(client.sent().len(), 1);
        received
    };
    let done = || slot.take().map(|report| report.done);
    let _received = call(&mut client);
    client.receive(&report(1, 5));
    client.receive(&report(2, 6));
    assert_eq!((done(), done()), (Some(5), None));
    client.start(1, "busy");
    client.receive(&report(1, 7));
    assert_eq!(done(), None, "it has its response");
    let received = call(&mut client);
    client.receive(&report(1, 8));
    assert_eq!(done(), Some(8), "it was repeated");
    drop(received);
    client.session.change(Control::Cancel { first: 1 });
    client.receive(&report(1, 9));
    assert_eq!(done(), None, "it was given up");
    assert_eq!(client.sent()[0]["method"], "$/cancelRequest");
    client.start(1, "the response that nobody waits for");
    let _received = call(&mut client);
    client.reconnect();
    client.receive(&report(1, 10));
    assert_eq!(done(), None, "it was lost");
    assert!(client.session.progress.is_empty());
}

//! Any order of subscribing, publishing, unsubscribing, calls, cancelling and leaving, on one
//! connection beside others.

use std::collections::{BTreeMap, BTreeSet};

use callbox_test_support::websocket::WebSocket;
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::running::{Running, start};

#[derive(Clone, Debug)]
enum Step {
    Subscribe {
        multiples_of: u64,
    },
    /// Of a subscription by its number among those that were started.
    Unsubscribe(usize),
    Publish(u64),
    /// By another client, on another thread.
    PublishOverHttp(u64),
    Wait,
    LetGo,
    Sleep(u64),
    Batch,
    /// Of a call by its number among those that were sent.
    Cancel(usize),
    /// Reads what there is.
    Read,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => prop_oneof![Just(1_u64), Just(3)].prop_map(|multiples_of| Step::Subscribe { multiples_of }),
        2 => (0..8_usize).prop_map(Step::Unsubscribe),
        4 => (1..40_u64).prop_map(Step::Publish),
        2 => (1..40_u64).prop_map(Step::PublishOverHttp),
        2 => Just(Step::Wait),
        1 => Just(Step::LetGo),
        2 => (0..3_u64).prop_map(Step::Sleep),
        1 => Just(Step::Batch),
        3 => (0..20_usize).prop_map(Step::Cancel),
        2 => Just(Step::Read),
    ]
}

/// What a client knows of its connection.
struct Client {
    socket: WebSocket,
    /// The calls that were sent, and those that were answered.
    sent: Vec<u64>,
    answered: BTreeSet<u64>,
    /// The calls that unsubscribe, with the id that they end.
    unsubscribing: BTreeMap<u64, String>,
    /// The calls that subscribe, with the divisor of the items.
    subscribing: BTreeMap<u64, u64>,
    /// The ids in the order in which they came.
    ids: Vec<String>,
    open: BTreeMap<String, Reader>,
}

/// What is known of a subscription.
struct Reader {
    of: u64,
    /// The last position, with the last item.
    last: Option<(u64, u64)>,
}

impl Client {
    fn new(running: &Running) -> Self {
        let socket = running.connect();
        let (unsubscribing, subscribing, open) = Default::default();
        Self { socket, sent: Vec::new(), answered: BTreeSet::new(), unsubscribing, subscribing, ids: Vec::new(), open }
    }

    fn call(&mut self, method: &str, params: Value) -> u64 {
        let id = self.socket.start(method, params);
        self.sent.push(id);
        id
    }

    fn take(&mut self, message: &Value) {
        match message {
            Value::Array(members) => members.iter().for_each(|member| self.take_reply(member)),
            _ if message.get("method").is_none() => self.take_reply(message),
            _ => self.take_notice(&message["params"]),
        }
    }

    fn take_reply(&mut self, reply: &Value) {
        let id = reply["id"].as_u64().expect("an id");
        assert!(self.answered.insert(id), "answered twice: {reply}");
        if let Some(of) = self.subscribing.remove(&id) {
            let id = reply["result"].as_str().unwrap_or_else(|| panic!("no subscription: {reply}")).to_owned();
            assert!(!self.ids.contains(&id), "an id for the second time: {reply}");
            self.ids.push(id.clone());
            self.open.insert(id, Reader { of, last: None });
        } else if let Some(ended) = self.unsubscribing.remove(&id) {
            assert_eq!(reply["result"], self.open.remove(&ended).is_some(), "{reply}");
        } else {
            let code = &reply["error"]["code"];
            assert!(reply.get("result").is_some() || *code == -32800, "{reply}");
        }
    }

    fn take_notice(&mut self, notice: &Value) {
        let id = notice["subscription"].as_str().expect("an id");
        let reader = self.open.get_mut(id).unwrap_or_else(|| panic!("before its id, or after its end: {notice}"));
        let item = notice["result"].as_u64().unwrap_or_else(|| panic!("no item: {notice}"));
        let (_, position) = notice["cursor"].as_str().and_then(|cursor| cursor.split_once('-')).expect("a cursor");
        let position = position.parse().expect("a position");
        assert_eq!(item % reader.of, 0, "{notice}");
        let lagged = notice.get("lagged").map_or(0, |lagged| lagged.as_u64().expect("a number"));
        if let Some((last, item_before)) = reader.last {
            assert!(position > last && item > item_before, "not in order: {notice}");
            let skipped = position - last - 1;
            assert!(lagged <= skipped, "a gap that was none: {notice}");
            // What a filter leaves out is no gap, so it is known without one alone.
            assert!(reader.of > 1 || lagged == skipped, "a gap that is not reported: {notice}");
        }
        reader.last = Some((position, item));
    }

    fn read(&mut self) {
        for message in self.socket.messages_for(std::time::Duration::from_millis(1)) {
            self.take(&message);
        }
    }
}

fn run(running: &Running, steps: &[Step]) -> Client {
    let mut client = Client::new(running);
    let mut published = 0;
    let mut waiting = 0;
    for step in steps {
        match step {
            Step::Subscribe { multiples_of } => {
                let id = client.call("multiples", json!([multiples_of]));
                client.subscribing.insert(id, *multiples_of);
            }
            Step::Unsubscribe(number) => {
                if let Some(subscription) = client.ids.get(*number).cloned() {
                    let id = client.call("rpc.unsubscribe", json!([subscription]));
                    client.unsubscribing.insert(id, subscription);
                }
            }
            // One after the other, since the numbers are to be in order.
            Step::Publish(count) | Step::PublishOverHttp(count) => {
                let numbers = published..published + count;
                published = numbers.end;
                if matches!(step, Step::PublishOverHttp(_)) {
                    running.publish(numbers);
                } else {
                    let id = client.call("publish", json!([numbers.start, numbers.end]));
                    while !client.answered.contains(&id) {
                        let message = client.socket.message();
                        client.take(&message);
                    }
                }
            }
            Step::Wait => {
                client.call("wait", json!([]));
                waiting += 1;
            }
            Step::LetGo => running.probe.gate.add_permits(1),
            Step::Sleep(ms) => _ = client.call("sleep", json!([ms])),
            Step::Batch => {
                let first = client.call("sleep", json!([1])) + 1_000_000;
                let member = |id: u64| json!({ "jsonrpc": "2.0", "method": "sleep", "params": [1], "id": id });
                client.sent.extend([first, first + 1_000_000]);
                client.socket.send(json!([member(first), member(first + 1_000_000)]).to_string());
            }
            Step::Cancel(number) => {
                let cancellable = |id: &&u64| !client.subscribing.contains_key(id);
                let id = client.sent.iter().filter(cancellable).nth(*number).copied();
                client.socket.notify("$/cancelRequest", json!({ "id": id }));
            }
            Step::Read => client.read(),
        }
    }
    running.probe.gate.add_permits(waiting);
    client
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, max_shrink_time: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn every_call_is_answered_once_and_every_item_or_gap_comes_in_order(steps in vec(step(), 1..60)) {
        let running = start();
        let mut client = run(&running, &steps);
        while client.answered.len() < client.sent.len() {
            let message = client.socket.message();
            client.take(&message);
        }
        client.read();
        prop_assert_eq!(running.subscriptions(), client.open.len() as u64);
        for message in std::mem::replace(&mut client.socket, running.connect()).close() {
            client.take(&message);
        }
        drop(client);
        running.until_nothing_is_left();
    }

    #[test]
    fn nothing_is_kept_of_a_client_that_leaves_at_any_time(steps in vec(step(), 1..30), resets in any::<bool>()) {
        let running = start();
        let client = run(&running, &steps);
        if resets {
            let socket = socket2::SockRef::from(&client.socket.connection.0);
            socket.set_linger(Some(std::time::Duration::ZERO)).expect("a socket");
        }
        drop(client);
        running.until_nothing_is_left();
        running.until_inside(0);
    }
}

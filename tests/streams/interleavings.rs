//! Any order of subscribing, publishing, unsubscribing, calls, cancelling and leaving, and a stop
//! of the server, on one connection beside others.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::time::Duration;

use callbox_test_support::wait::until;
use callbox_test_support::websocket::{End, WebSocket};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::probe::Probe;
use crate::running::{Running, counted_now, start, start_with};
use crate::service::Market;

/// What is between the ids of the members of a batch.
const BATCH: u64 = 1_000_000;

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
    /// Number of calls that wait, or have waited, for a permit.
    waiting: usize,
    /// Number of numbers that were published.
    published: u64,
    /// The first call that was sent after the stop of the server had begun.
    first_too_late: Option<u64>,
}

/// What is known of a subscription.
struct Reader {
    of: u64,
    /// The last position, with the last item.
    last: Option<(u64, u64)>,
}

impl Client {
    fn new(running: &Running) -> Self {
        let (unsubscribing, subscribing, open) = Default::default();
        Self {
            socket: running.connect(),
            sent: Vec::new(),
            answered: BTreeSet::new(),
            unsubscribing,
            subscribing,
            ids: Vec::new(),
            open,
            waiting: 0,
            published: 0,
            first_too_late: None,
        }
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
        // A member of a batch has a number of its own, above that of its call.
        if self.first_too_late.is_some_and(|first| id % BATCH >= first) {
            assert_eq!(reply["error"]["code"], -32003, "{reply}");
        } else if let Some(of) = self.subscribing.remove(&id) {
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
        if self.first_too_late.is_some() && notice.get("result").is_none() {
            assert_eq!(notice["error"]["code"], -32003, "{notice}");
            self.open.remove(id);
            return;
        }
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
        for message in self.socket.messages_for(Duration::from_millis(1)) {
            self.take(&message);
        }
    }

    /// Waits for the reply to a call.
    fn read_until_answered(&mut self, id: u64) {
        while !self.answered.contains(&id) {
            let message = self.socket.message();
            self.take(&message);
        }
    }

    fn read_until_all_are_answered(&mut self) {
        while self.answered.len() < self.sent.len() {
            let message = self.socket.message();
            self.take(&message);
        }
    }

    fn run(&mut self, probe: &Probe, steps: &[Step], publish: impl Fn(Range<u64>)) {
        for step in steps {
            match step {
                Step::Subscribe { multiples_of } => {
                    let id = self.call("multiples", json!([multiples_of]));
                    self.subscribing.insert(id, *multiples_of);
                }
                Step::Unsubscribe(number) => {
                    if let Some(subscription) = self.ids.get(*number).cloned() {
                        let id = self.call("rpc.unsubscribe", json!([subscription]));
                        self.unsubscribing.insert(id, subscription);
                    }
                }
                // One after the other, since the numbers are to be in order.
                Step::Publish(count) | Step::PublishOverHttp(count) => {
                    let numbers = self.published..self.published + count;
                    self.published = numbers.end;
                    if matches!(step, Step::PublishOverHttp(_)) {
                        publish(numbers);
                    } else {
                        let id = self.call("publish", json!([numbers.start, numbers.end]));
                        self.read_until_answered(id);
                    }
                }
                Step::Wait => {
                    self.call("wait", json!([]));
                    self.waiting += 1;
                }
                Step::LetGo => probe.gate.add_permits(1),
                Step::Sleep(ms) => _ = self.call("sleep", json!([ms])),
                Step::Batch => {
                    let first = self.call("sleep", json!([1])) + BATCH;
                    let member = |id: u64| json!({ "jsonrpc": "2.0", "method": "sleep", "params": [1], "id": id });
                    self.sent.extend([first, first + BATCH]);
                    self.socket.send(json!([member(first), member(first + BATCH)]).to_string());
                }
                Step::Cancel(number) => {
                    let cancellable = |id: &&u64| !self.subscribing.contains_key(id);
                    let id = self.sent.iter().filter(cancellable).nth(*number).copied();
                    self.socket.notify("$/cancelRequest", json!({ "id": id }));
                }
                Step::Read => self.read(),
            }
        }
    }
}

/// Runs the steps, and lets all calls go that wait.
fn run(running: &Running, steps: &[Step]) -> Client {
    let mut client = Client::new(running);
    client.run(&running.probe, steps, |numbers| running.publish(numbers));
    running.probe.gate.add_permits(client.waiting);
    client
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, max_shrink_time: 10_000, ..ProptestConfig::default() })]

    #[test]
    fn every_call_is_answered_once_and_every_item_or_gap_comes_in_order(steps in vec(step(), 1..60)) {
        let running = start();
        let before = running.counted();
        let mut client = run(&running, &steps);
        client.read_until_all_are_answered();
        client.read();
        prop_assert_eq!(running.subscriptions(), client.open.len() as u64);
        for message in std::mem::replace(&mut client.socket, running.connect()).close() {
            client.take(&message);
        }
        drop(client);
        running.until_nothing_is_left();
        until("all is counted as before", || running.counted() == before);
    }

    #[test]
    fn nothing_is_kept_of_a_client_that_leaves_at_any_time(steps in vec(step(), 1..30), resets in any::<bool>()) {
        let running = start();
        let before = running.counted();
        let client = run(&running, &steps);
        if resets {
            let socket = socket2::SockRef::from(&client.socket.connection.0);
            socket.set_linger(Some(Duration::ZERO)).expect("a socket");
        }
        drop(client);
        running.until_nothing_is_left();
        running.until_inside(0);
        until("all is counted as before", || running.counted() == before);
    }

    #[test]
    fn a_stop_answers_what_runs_refuses_what_comes_and_ends_each_subscription_once(
        before in vec(step(), 1..40),
        // The last call that waits is not to be let go.
        meanwhile in vec(step().prop_filter("ends", |step| !matches!(step, Step::LetGo)), 0..20),
    ) {
        let running = start_with(|server| server.shutdown_timeout(Duration::from_secs(60)));
        let market = running.server.service::<Market>();
        let idle = counted_now(&market.stats());
        let mut client = Client::new(&running);
        client.run(&running.probe, &before, |numbers| running.publish(numbers));
        // A call that nobody cancels keeps the connection open.
        running.probe.gate.forget_permits(usize::MAX);
        let last = client.socket.start("wait", json!([]));
        let ping = client.call("ping", json!([]));
        // From now on all that was sent is under way.
        client.read_until_answered(ping);

        let mut other = running.connect();
        let Running { server, probe } = running;
        let stops = std::thread::spawn(move || drop(server));
        assert_eq!(other.rest(), (vec![], End::Code(1001)));
        client.first_too_late = Some(client.call("ping", json!([])));
        client.run(&probe, &meanwhile, |_| ());
        let ping = client.call("ping", json!([]));
        // What the server has not read when its last call ends has no answer.
        client.read_until_answered(ping);
        client.sent.push(last);
        probe.gate.add_permits(client.sent.len());
        client.read_until_all_are_answered();
        let (rest, end) = client.socket.rest();
        prop_assert_eq!(end, End::Code(1001));
        rest.iter().for_each(|message| client.take(message));
        prop_assert!(client.open.is_empty(), "not ended: {:?}", client.open.keys());
        stops.join().expect("no panic");
        prop_assert_eq!(counted_now(&market.stats()), idle);
    }
}

//! Calls that their caller cancels with `$/cancelRequest`.

use std::time::{Duration, Instant};

use callbox_test_support::wait::until;
use callbox_test_support::websocket::WebSocket;
use serde_json::{Value, json};

use crate::running::{Running, start};

fn cancel(socket: &mut WebSocket, id: impl Into<Value>) {
    socket.notify("$/cancelRequest", json!({ "id": id.into() }));
}

/// Returns the id and the code of the next reply, which is an error.
#[track_caller]
fn error(socket: &mut WebSocket) -> (Value, i64) {
    let reply = socket.reply();
    (reply["id"].clone(), reply["error"]["code"].as_i64().unwrap_or_else(|| panic!("no error: {reply}")))
}

#[test]
fn an_async_call_stops_at_its_await_and_is_answered_once() {
    let running = start();
    let mut socket = running.connect();
    let id = socket.start("wait", json!([]));
    running.until_inside(1);
    let began = Instant::now();
    cancel(&mut socket, id);
    assert_eq!(error(&mut socket), (json!(id), -32800));
    running.until_inside(0);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    running.probe.gate.add_permits(1);
    assert_eq!(socket.result("wait", json!([])), "waited", "nobody has taken its permit");
    assert_eq!(socket.close(), [] as [Value; 0]);
    let stats = running.stats("wait");
    assert_eq!((stats.cancelled, stats.abandoned, stats.answered), (1, 0, 1));
}

#[test]
fn a_call_counts_as_cancelled_once_wherever_it_is() {
    let running = start();
    let mut socket = running.connect();
    let held = socket.start("hold", json!([]));
    running.until_inside(1);
    // One waits in its mailbox, and of a batch one more.
    let waiting = socket.start("hold", json!([]));
    let member = |id: &str| json!({ "jsonrpc": "2.0", "method": "hold", "id": id });
    socket.send(json!([member("a"), member("b")]).to_string());
    until("all wait", || running.stats("hold").depth == 3);
    for id in [json!(held), json!(waiting), json!("a")] {
        cancel(&mut socket, id);
    }
    assert_eq!([error(&mut socket).1, error(&mut socket).1], [-32800; 2]);
    let counts = || {
        let stats = running.stats("hold");
        (stats.cancelled, stats.abandoned, stats.answered + stats.failed + stats.refused + stats.expired)
    };
    until("all are cancelled", || counts() == (3, 0, 0));
    // The first runs on, and then the last, whose end alone is counted.
    running.probe.gate.add_permits(2);
    let batch = socket.reply();
    assert_eq!((&batch[0]["error"]["code"], &batch[1]["result"]), (&json!(-32800), &json!("held")));
    running.until_inside(0);
    assert_eq!(counts(), (3, 0, 1));
    let metrics = running.server.with_token("ann").get("/metrics").body;
    let line = r#"callbox_calls_total{service="test.market",method="hold",outcome="cancelled"} 3"#;
    assert!(metrics.contains(line), "{metrics}");
    let mailboxes = json!({ "jsonrpc": "2.0", "method": "rpc.mailboxes", "id": 1 });
    let services = running.server.with_token("ann").rpc(&mailboxes)["result"].clone();
    let methods = services.as_array().into_iter().flatten().filter_map(|service| service["methods"].as_array());
    let hold = methods.flatten().find(|method| method["method"] == "hold").expect("its mailbox");
    assert_eq!((&hold["cancelled"], &hold["abandoned"]), (&json!(3), &json!(0)));
}

#[test]
fn a_client_that_leaves_has_abandoned_its_calls_and_not_cancelled_them() {
    let running = start();
    let mut socket = running.connect();
    socket.start("wait", json!([]));
    running.until_inside(1);
    socket.start("hold", json!([]));
    until("it waits for the state", || running.stats("hold").depth == 1);
    drop(socket);
    until("they are counted", || running.stats("wait").abandoned + running.stats("hold").abandoned == 2);
    assert_eq!((running.stats("wait").cancelled, running.stats("hold").cancelled), (0, 0));
}

#[test]
fn an_exclusive_call_is_answered_at_once_and_runs_on() {
    let running = start();
    let mut socket = running.connect();
    let id = socket.start("hold", json!([]));
    running.until_inside(1);
    cancel(&mut socket, id);
    assert_eq!(error(&mut socket), (json!(id), -32800));
    assert_eq!(running.inside(), 1, "it runs on");
    let next = socket.start("hold", json!([]));
    running.probe.gate.add_permits(2);
    assert_eq!(socket.reply(), json!({ "jsonrpc": "2.0", "result": "held", "id": next }));
    running.until_inside(0);
}

#[test]
fn a_call_that_waits_in_its_mailbox_does_not_start() {
    let running = start();
    let mut socket = running.connect();
    let first = socket.start("hold", json!([]));
    running.until_inside(1);
    let second = socket.start("hold", json!([]));
    until("it waits", || running.stats("hold").depth == 1);
    cancel(&mut socket, second);
    assert_eq!(error(&mut socket), (json!(second), -32800));
    running.probe.gate.add_permits(1);
    assert_eq!(socket.reply()["id"], first);
    assert_eq!(socket.result("ping", json!([])), "pong");
    assert_eq!((running.inside(), running.stats("hold").answered), (0, 1));
}

#[test]
fn a_subscription_that_has_not_started_can_be_cancelled_and_leaves_no_stream() {
    let running = start();
    for method in ["count_later", "count_alone"] {
        let mut socket = running.connect();
        let id = socket.start(method, json!([3]));
        running.until_inside(1);
        cancel(&mut socket, id);
        assert_eq!(error(&mut socket), (json!(id), -32800), "{method}");
        if method == "count_alone" {
            running.probe.gate.add_permits(1);
        }
        running.until_inside(0);
        assert_eq!(socket.messages_for(Duration::from_millis(20)), [] as [Value; 0], "{method}");
        running.until_nothing_is_left();
    }
}

#[test]
fn ids_are_compared_as_they_were_written() {
    let running = start();
    let mut socket = running.connect();
    let ids = ["1", "1.0", "\"1\"", "-0", "null", "18446744073709551616", "\"a\\u0041\"", "\"\""];
    for id in ids {
        socket.send(format!(r#"{{"jsonrpc":"2.0","method":"wait","id":{id}}}"#));
    }
    running.until_inside(ids.len());
    for other in ["1e0", "\"aA\"", "0", "true", "[1]", "{}"] {
        socket.send(format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{other}}}}}"#));
    }
    assert_eq!(socket.result("ping", json!([])), "pong");
    assert_eq!(running.inside(), ids.len());
    for (index, id) in ids.into_iter().enumerate() {
        // Blanks around the id are not part of it.
        socket.send(format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id": {id} }}}}"#));
        let frame = socket.frame().expect("it is open");
        let text = String::from_utf8(frame.payload).expect("text");
        assert!(text.contains("-32800") && text.ends_with(&format!(r#""id":{id}}}"#)), "{text}");
        running.until_inside(ids.len() - index - 1);
    }
}

#[test]
fn all_calls_with_the_id_are_cancelled() {
    let running = start();
    let mut socket = running.connect();
    let wait = |id: u64| json!({ "jsonrpc": "2.0", "method": "wait", "id": id });
    for _ in 0..3 {
        socket.send(wait(7).to_string());
    }
    socket.send(wait(8).to_string());
    socket.send(json!([wait(7), wait(7)]).to_string());
    running.until_inside(6);
    cancel(&mut socket, 7);
    let replies: Vec<_> = (0..4).map(|_| socket.reply()).collect();
    let members = replies.iter().flat_map(|reply| reply.as_array().cloned().unwrap_or_else(|| vec![reply.clone()]));
    let ends: Vec<_> = members.map(|member| (member["id"].clone(), member["error"]["code"].clone())).collect();
    assert_eq!(ends, vec![(json!(7), json!(-32800)); 5]);
    running.until_inside(1);
}

#[test]
fn a_call_of_another_connection_is_not_cancelled() {
    let running = start();
    let (mut one, mut other) = (running.connect(), running.connect());
    let id = one.start("wait", json!([]));
    running.until_inside(1);
    cancel(&mut other, id);
    assert_eq!(other.result("ping", json!([])), "pong");
    let over_http = json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": id } });
    assert_eq!(running.server.rpc(&over_http), Value::Null, "it is ignored");
    running.probe.gate.add_permits(1);
    assert_eq!(one.reply()["result"], "waited");
}

#[test]
fn what_cancels_nothing_is_ignored() {
    let running = start();
    let mut socket = running.connect();
    let id = socket.start("wait", json!([]));
    running.until_inside(1);
    for params in
        [json!({ "id": 99 }), json!({}), json!([]), json!({ "ID": id }), json!([id, id]), json!({ "id": [id] })]
    {
        socket.notify("$/cancelRequest", params);
    }
    socket.send(r#"{"jsonrpc":"2.0","method":"$/cancelRequest"}"#);
    socket.send(format!(r#"{{"jsonrpc":"2.0","method":"$/cancelRequest","params":{{"id":{id},"id":{id}}}}}"#));
    assert_eq!(socket.result("ping", json!([])), "pong");
    running.probe.gate.add_permits(1);
    assert_eq!(socket.reply()["result"], "waited");
    cancel(&mut socket, id);
    assert_eq!(socket.result("ping", json!([])), "pong", "a call that has ended is not answered again");
}

#[test]
fn one_member_of_a_batch_is_cancelled_and_the_others_go_on() {
    let running = start();
    let mut socket = running.connect();
    let member = |method: &str, id: u64| json!({ "jsonrpc": "2.0", "method": method, "id": id });
    socket.send(json!([member("wait", 1), member("wait", 2), member("ping", 3), member("wait", 4)]).to_string());
    running.until_inside(3);
    cancel(&mut socket, 2);
    cancel(&mut socket, 4);
    running.until_inside(1);
    running.probe.gate.add_permits(1);
    let reply = socket.reply();
    let ends: Vec<_> = reply
        .as_array()
        .expect("a batch")
        .iter()
        .map(|end| end.get("result").unwrap_or(&end["error"]["code"]).clone())
        .collect();
    assert_eq!(ends, [json!("waited"), json!(-32800), json!("pong"), json!(-32800)]);
}

/// A batch of which one member runs, one waits in the mailbox, and the others wait for a slot.
fn crowded(running: &Running, socket: &mut WebSocket) {
    let narrow = |id: u64| json!({ "jsonrpc": "2.0", "method": "narrow", "id": id });
    socket.send(json!((1..=4).map(narrow).collect::<Vec<_>>()).to_string());
    until("one runs and one waits", || running.inside() == 1 && running.stats("narrow").depth == 1);
}

#[test]
fn members_of_a_batch_that_wait_for_a_slot_are_cancelled_too() {
    let running = start();
    let mut socket = running.connect();
    crowded(&running, &mut socket);
    for id in [2, 3, 4] {
        cancel(&mut socket, id);
    }
    assert_eq!(socket.result("ping", json!([])), "pong");
    running.probe.gate.add_permits(4);
    let reply = socket.reply();
    let codes: Vec<_> = reply.as_array().expect("a batch").iter().map(|end| end["error"]["code"].clone()).collect();
    assert_eq!(codes, [Value::Null, json!(-32800), json!(-32800), json!(-32800)], "{reply}");
    let stats = running.stats("narrow");
    assert_eq!((stats.answered, stats.cancelled, stats.refused), (1, 3, 0));
}

#[test]
fn a_call_whose_token_is_being_checked_can_be_cancelled() {
    let running = start();
    let mut socket = running.connect_as("slow");
    let id = socket.start("secret", json!([]));
    running.until_inside(1);
    cancel(&mut socket, id);
    assert_eq!(error(&mut socket), (json!(id), -32800));
    running.probe.gate.add_permits(9);
    running.until_inside(0);
    assert_eq!(socket.result("secret", json!([])), 42);
}

#[test]
fn members_of_a_batch_whose_token_is_being_checked_can_be_cancelled() {
    let running = start();
    let mut socket = running.connect_as("slow");
    let member = |id| json!({ "jsonrpc": "2.0", "method": "secret", "id": id });
    socket.send(json!([member(1), member(2), member(3), { "jsonrpc": "2.0", "method": "secret" }]).to_string());
    running.until_inside(1);
    for id in [1, 3] {
        cancel(&mut socket, id);
    }
    assert_eq!(socket.result("ping", json!([])), "pong", "the cancels have arrived");
    running.probe.gate.add_permits(9);
    let reply = socket.reply();
    let ends: Vec<_> = (0..3).map(|at| (&reply[at]["result"], &reply[at]["error"]["code"])).collect();
    let (null, code, result) = (Value::Null, json!(-32800), json!(42));
    assert_eq!(ends, [(&null, &code), (&result, &null), (&null, &code)], "{reply}");
    // The reply waits for no notification.
    until("the notification has run as well", || running.stats("secret").answered == 2);
}

#[test]
fn a_flood_of_cancels_answers_each_call_once() {
    let running = start();
    let mut socket = running.connect();
    for round in 0..30 {
        let ids: Vec<_> = (0..20).map(|_| socket.start("sleep", json!([round % 4]))).collect();
        ids.iter().for_each(|id| cancel(&mut socket, *id));
        let mut answered: Vec<_> = ids.iter().map(|_| socket.reply()["id"].as_u64().expect("an id")).collect();
        answered.sort_unstable();
        assert_eq!(answered, ids);
    }
    assert_eq!(socket.close(), [] as [Value; 0]);
    assert_eq!(running.stats("sleep").running, 0);
}

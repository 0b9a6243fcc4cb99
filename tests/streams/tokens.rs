//! Tokens that are revoked while subscriptions need them. How soon that is noticed, the tests of
//! the session in `src` check with a clock of their own.

use std::sync::atomic::Ordering;
use std::time::Duration;

use callbox_test_support::wait::until;
use serde_json::{Value, json};

use crate::running::{Running, start};

fn revoke(running: &Running) {
    running.probe.revoked.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn a_revoked_token_ends_the_subscriptions_that_need_it_and_no_other() {
    let running = start();
    let mut sockets: Vec<_> = (0..100).map(|n| running.connect_as(if n % 2 == 0 { "ann" } else { "root" })).collect();
    let mut ids = Vec::new();
    for (index, socket) in sockets.iter_mut().enumerate() {
        let method = if index % 4 == 1 { "audit" } else { "secrets" };
        ids.push((socket.subscribe(method, json!([])), socket.subscribe("numbers", json!([]))));
    }
    running.publish(1..2);
    for (socket, (secret, public)) in sockets.iter_mut().zip(&ids) {
        assert_eq!((socket.item_of(secret), socket.item_of(public)), (json!(1), json!(1)));
    }
    revoke(&running);
    for (socket, (secret, _)) in sockets.iter_mut().zip(&ids) {
        let end = socket.notice_of(secret);
        assert_eq!(end["error"]["code"], -32001, "{end}");
    }
    running.publish(2..3);
    for (socket, (_, public)) in sockets.iter_mut().zip(&ids) {
        assert_eq!(socket.item_of(public), 2);
        assert_eq!(socket.result("ping", json!([])), "pong");
    }
    assert_eq!(running.subscriptions(), 100);
    assert_eq!(sockets[0].error_code("secrets", json!([])), -32001);
    // A token that is good again is good for new subscriptions.
    revoke(&running);
    sockets[0].subscribe("secrets", json!([]));
}

#[test]
fn a_subscription_whose_method_or_batch_ends_after_the_revocation_ends_too() {
    let running = start();
    let mut late = running.connect_as("ann");
    let early = late.subscribe("secrets", json!([]));
    let call = late.start("secrets_later", json!([]));
    let mut batch = running.connect_as("ann");
    let member = |method: &str, id: u64| json!({ "jsonrpc": "2.0", "method": method, "id": id });
    batch.send(json!([member("secrets", 1), member("wait", 2)]).to_string());
    running.until_inside(2);
    revoke(&running);
    assert_eq!(late.notice_of(&early)["error"]["code"], -32001, "from now on the revocation is known");
    running.probe.gate.add_permits(2);
    let reply = late.reply();
    assert_eq!(reply["id"], call);
    let id = reply["result"].as_str().expect("an id").to_owned();
    assert_eq!(late.notice_of(&id)["error"]["code"], -32001);
    let reply = batch.reply();
    let id = reply[0]["result"].as_str().expect("an id").to_owned();
    assert_eq!(batch.notice_of(&id)["error"]["code"], -32001);
    running.until_nothing_is_left();
}

#[test]
fn nothing_is_checked_for_connections_that_are_gone() {
    let running = start();
    for _ in 0..50 {
        let mut socket = running.connect_as("ann");
        socket.subscribe("secrets", json!([]));
    }
    running.until_nothing_is_left();
    let mut socket = running.connect_as("root");
    let id = socket.subscribe("audit", json!([]));
    revoke(&running);
    assert_eq!(socket.notice_of(&id)["error"]["code"], -32001);
    // Within a second everybody who checks a token has noticed it, and that nobody is left.
    assert_eq!(socket.messages_for(Duration::from_millis(1_200)), [] as [Value; 0]);
    let checks = || running.probe.checks_of_ann.load(Ordering::SeqCst);
    let before = checks();
    assert!(before > 0);
    revoke(&running);
    assert_eq!(socket.messages_for(Duration::from_millis(1_200)), [] as [Value; 0]);
    assert_eq!(checks(), before);
}

#[test]
fn tokens_that_are_wrong_from_the_beginning_open_a_connection_for_public_methods() {
    let running = start();
    let mut socket = running.connect_as("bob");
    assert_eq!(socket.error_code("secrets", json!([])), -32001);
    let id = socket.subscribe("numbers", json!([]));
    until("it is there", || running.subscriptions() == 1);
    running.publish(1..2);
    assert_eq!(socket.item_of(&id), 1);
}

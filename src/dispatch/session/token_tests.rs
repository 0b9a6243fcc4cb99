//! Tokens that are checked again while subscriptions need them, by a clock that the tests move.

use std::task::Context;

use futures::task::noop_waker_ref;
use serde_json::{Value, json};

use super::scene_of_tests::{Answer, run, yield_often};

#[test]
fn while_tokens_cannot_be_checked_calls_fail_at_once_and_subscriptions_end_after_60_s() {
    run(async |scene| {
        let mut ann = scene.connect("ann");
        let (secrets, _) = (ann.subscribe("secrets").await, ann.subscribe("numbers").await);
        scene.answer(Answer::Away, true);
        assert_eq!(ann.error_code("secret").await, -32003);
        assert_eq!(ann.error_code("secrets").await, -32003);
        // The first check that fails is a second later, and then there is one each second.
        scene.pass_quietly(&mut ann, 60).await;
        assert_eq!(scene.checks("ann"), 1 + 2 + 60);
        scene.pass_second().await;
        let end = ann.message().await;
        assert_eq!((&end["params"]["subscription"], &end["params"]["error"]["code"]), (&secrets, &json!(-32003)));
        // That of a public method goes on, and its calls are answered.
        assert!(!ann.0.is_over());
        ann.subscribe("numbers").await;
        assert_eq!(ann.error_code("secret").await, -32003);
    });
}

#[test]
fn tokens_that_can_be_checked_again_within_60_s_keep_their_subscriptions_for_another_60_s() {
    run(async |scene| {
        let mut ann = scene.connect("ann");
        ann.subscribe("secrets").await;
        for _ in 0..3 {
            scene.answer(Answer::Away, true);
            scene.pass_quietly(&mut ann, 60).await;
            scene.answer(Answer::Known, false);
            scene.pass_second().await;
            assert_eq!(ann.messages(), [] as [Value; 0]);
            assert_eq!(ann.call("secret").await["result"], "done");
        }
    });
}

#[test]
fn a_revoked_token_ends_its_subscriptions_within_a_second() {
    run(async |scene| {
        let mut clients = ["ann", "bob"].map(|token| scene.connect(token));
        for client in &mut clients {
            client.subscribe("secrets").await;
            client.subscribe("numbers").await;
        }
        scene.answer(Answer::Revoked, true);
        scene.pass_second().await;
        for client in &mut clients {
            let end = client.message().await;
            assert_eq!((&end["method"], &end["params"]["error"]["code"]), (&json!("secrets"), &json!(-32001)));
            assert!(!client.0.is_over(), "numbers are public");
            assert_eq!(client.error_code("secrets").await, -32001);
        }
        scene.answer(Answer::Known, true);
        assert!(clients[0].subscribe("secrets").await.is_string());
    });
}

#[test]
fn a_token_that_is_revoked_before_the_thread_does_anything_else_ends_its_subscriptions_too() {
    run(async |scene| {
        let mut ann = scene.connect("ann");
        let call = json!({ "jsonrpc": "2.0", "method": "secrets", "id": 1 }).to_string();
        ann.0.start(call, &mut Context::from_waker(noop_waker_ref()));
        let reply = std::iter::repeat_with(|| ann.messages()).find(|sent| !sent.is_empty()).unwrap();
        assert!(reply[0]["result"].is_string(), "{reply:?}");
        scene.answer(Answer::Revoked, true);
        yield_often().await;
        scene.pass_second().await;
        assert_eq!(ann.message().await["params"]["error"]["code"], -32001);
    });
}

#[test]
fn a_token_is_checked_every_10_s_if_nobody_says_that_it_was_revoked() {
    run(async |scene| {
        let mut ann = scene.connect("ann");
        ann.subscribe("secrets").await;
        for _ in 0..2 {
            assert_eq!(scene.checks("ann"), 1);
            for second in 1..10 {
                scene.pass_second().await;
                assert_eq!(scene.checks("ann"), 0, "after {second} s");
            }
            scene.pass_second().await;
        }
        scene.answer(Answer::Revoked, false);
        scene.pass_quietly(&mut ann, 9).await;
        scene.pass_second().await;
        assert_eq!(ann.message().await["params"]["error"]["code"], -32001);
    });
}

#[test]
fn a_token_is_checked_once_for_all_of_its_connections() {
    run(async |scene| {
        let mut clients: Vec<_> =
            ["ann", "bob"].map(|token| [(); 20].map(|()| scene.connect(token))).into_iter().flatten().collect();
        for client in &mut clients {
            client.subscribe("secrets").await;
        }
        assert_eq!(["ann", "bob"].map(|token| scene.checks(token)), [20, 20]);
        scene.answer(Answer::Known, true);
        scene.pass_second().await;
        assert_eq!(["ann", "bob"].map(|token| scene.checks(token)), [1, 1]);
        // Within a second it is noticed that nobody is left.
        clients.clear();
        scene.pass_second().await;
        scene.answer(Answer::Known, true);
        scene.pass_second().await;
        scene.pass_second().await;
        assert_eq!(["ann", "bob"].map(|token| scene.checks(token)), [0, 0]);
    });
}

#[test]
fn a_token_that_was_valid_between_two_checks_ends_its_subscriptions_when_it_is_revoked_again() {
    run(async |scene| {
        let mut clients = ["ann", "ann"].map(|token| scene.connect(token));
        for client in &mut clients {
            client.subscribe("numbers").await;
        }
        scene.answer(Answer::Revoked, true);
        scene.pass_second().await;
        assert!(clients.iter_mut().all(|client| client.messages().is_empty()), "numbers are public");
        scene.answer(Answer::Known, true);
        for client in &mut clients {
            client.subscribe("secrets").await;
        }
        scene.answer(Answer::Revoked, true);
        scene.pass_second().await;
        for client in &mut clients {
            assert_eq!(client.message().await["params"]["error"]["code"], -32001);
        }
    });
}

#[test]
fn a_verdict_that_is_older_than_a_connection_ends_none_of_its_subscriptions() {
    run(async |scene| {
        let mut before = scene.connect("ann");
        before.subscribe("numbers").await;
        scene.answer(Answer::Revoked, true);
        scene.pass_quietly(&mut before, 1).await;
        scene.answer(Answer::Known, true);
        let mut after = scene.connect("ann");
        after.subscribe("secrets").await;
        assert_eq!(after.messages(), [] as [Value; 0]);
        scene.pass_quietly(&mut after, 12).await;
    });
}

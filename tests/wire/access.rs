//! Who may call what, and whom the server asks.

use std::sync::atomic::Ordering;

use callbox_test_support::http::request;
use serde_json::json;

use crate::calculator::{Running, batch, call, direct, error, notification, result, start, start_with};

const TOKENS: [Option<&str>; 6] = [None, Some("bad"), Some("good"), Some("admin"), Some("away"), Some("panic")];

/// The response of a method with some access to a caller with a token, and whether the
/// authenticator is asked.
fn expected(method: &str, token: Option<&str>) -> (String, bool) {
    let asks = token.is_some();
    let unsure = matches!(token, Some("away" | "panic"));
    let outcome = match (method, token) {
        ("add", _) => return (result("3", "1"), false),
        _ if unsure => error(-32003, "1"),
        ("who_am_i", Some("good")) => result(r#""ann""#, "1"),
        ("who_am_i", Some("admin")) => result(r#""root""#, "1"),
        ("who_am_i", _) => result("null", "1"),
        ("secret", Some("good" | "admin")) | ("administer", Some("admin")) => result("3", "1"),
        _ => error(-32001, "1"),
    };
    (outcome, asks)
}

fn post(calculator: &Running, headers: &[(&str, &str)], body: &str) -> String {
    let answer = request(calculator.server.address(), "POST", "/api", headers, body);
    assert_eq!(answer.status, 200, "{answer:?}");
    answer.body
}

#[test]
fn each_access_meets_each_token_in_each_header_alone_and_in_batches() {
    let (calculator, (direct, asked)) = (start(), direct());
    for (method, params) in [("add", "[1,2]"), ("who_am_i", "[]"), ("secret", "[3]"), ("administer", "[3]")] {
        for token in TOKENS {
            let (outcome, asks) = expected(method, token);
            let one = call(method, params, "1");
            let body = batch([call("add", "[1,2]", "0"), one.clone(), notification(method, params), one.clone()]);
            let answers = batch([result("3", "0"), outcome.clone(), outcome.clone()]);
            let bearer = token.map(|token| format!("Bearer {token}"));
            let mut ways = vec![vec![]];
            if let (Some(token), Some(bearer)) = (token, bearer.as_deref()) {
                ways = vec![
                    vec![("X-Api-Token", token)],
                    vec![("Authorization", bearer)],
                    vec![("Authorization", bearer), ("X-Api-Token", token)],
                ];
            }
            for headers in ways {
                let what = format!("{method} with {headers:?}");
                assert_eq!(post(&calculator, &headers, &one), outcome, "{what}");
                assert_eq!(calculator.asked(), usize::from(asks), "{what}");
                assert_eq!(post(&calculator, &headers, &body), answers, "{what} in a batch");
                assert_eq!(calculator.asked(), usize::from(asks), "{what} in a batch");
            }
            let direct = token.map_or_else(|| direct.clone(), |token| direct.with_token(token));
            for (body, expected) in [(&one, &outcome), (&body, &answers)] {
                assert_eq!(direct.post(body).as_ref(), Some(expected), "{method} with {token:?}, without HTTP");
                assert_eq!(asked.swap(0, Ordering::SeqCst), usize::from(asks), "{method} with {token:?}, without HTTP");
            }
        }
    }
}

#[test]
fn a_batch_mixes_what_its_token_may_and_may_not() {
    let calculator = start();
    let body = batch([call("administer", "[3]", "1"), call("secret", "[3]", "2"), call("who_am_i", "[]", "3")]);
    let answers = batch([error(-32001, "1"), result("3", "2"), result(r#""ann""#, "3")]);
    assert_eq!(post(&calculator, &[("X-Api-Token", "good")], &body), answers);
    assert_eq!(calculator.asked(), 1);
}

#[test]
fn nobody_is_asked_about_a_token_that_nothing_depends_on() {
    let calculator = start();
    let good = [("X-Api-Token", "good")];
    let bodies = [
        call("add", "[1,2]", "1"),
        call("nobody", "[]", "1"),
        call("secret", "5", "1"),
        call("get_service_specs", "[]", "1"),
        "{".to_owned(),
        "[]".to_owned(),
        batch([call("add", "[1,2]", "1"), call("nobody", "[]", "2"), "1".to_owned()]),
    ];
    for body in bodies {
        post(&calculator, &good, &body);
        assert_eq!(calculator.asked(), 0, "{body}");
    }
    request(calculator.server.address(), "POST", "/api", &good, notification("add", "[1,2]"));
    assert_eq!(calculator.asked(), 0);
    request(calculator.server.address(), "POST", "/api", &good, notification("secret", "[1]"));
    assert_eq!(calculator.asked(), 1, "but a private notification depends on it");
}

#[test]
fn tokens_that_differ_or_stand_in_the_url_are_none() {
    let calculator = start();
    let secret = call("secret", "[3]", "1");
    let differ = [("X-Api-Token", "good"), ("Authorization", "Bearer admin")];
    assert_eq!(post(&calculator, &differ, &secret), error(-32001, "1"));
    let in_url = "/api?X-Api-Token=good&token=good&access_token=good";
    let answer = request(calculator.server.address(), "POST", in_url, &[], &secret);
    assert_eq!(answer.body, error(-32001, "1"));
    let other_scheme = [("Authorization", "Basic good")];
    assert_eq!(post(&calculator, &other_scheme, &secret), error(-32001, "1"));
    assert_eq!(calculator.asked(), 0, "denied unasked");
}

#[test]
fn the_header_of_the_token_is_a_setting() {
    let calculator = start_with(|server| server.token_header("X-Key"));
    let secret = call("secret", "[3]", "1");
    assert_eq!(post(&calculator, &[("x-key", "good")], &secret), result("3", "1"));
    assert_eq!(post(&calculator, &[("Authorization", "bearer good")], &secret), result("3", "1"));
    assert_eq!(post(&calculator, &[("X-Api-Token", "good")], &secret), error(-32001, "1"));
}

#[test]
fn an_unknown_token_and_an_insufficient_one_get_one_answer() {
    let calculator = start();
    let answers: Vec<_> = [None, Some("bad"), Some("good")]
        .into_iter()
        .map(|token| {
            post(
                &calculator,
                &token.map_or(vec![], |token| vec![("X-Api-Token", token)]),
                &call("administer", "[]", "1"),
            )
        })
        .collect();
    assert_eq!(answers, [error(-32001, "1"), error(-32001, "1"), error(-32001, "1")]);
}

#[test]
fn the_service_sees_the_caller_of_each_call_and_of_no_other() {
    // All callers have one address, and one of them has no other than wrong tokens.
    let calculator = start_with(|server| server.token_failures(None));
    let who = json!({ "jsonrpc": "2.0", "method": "who_am_i", "id": 1 });
    std::thread::scope(|scope| {
        for (token, name) in [("good", json!("ann")), ("admin", json!("root")), ("bad", json!(null))] {
            let (client, who) = (calculator.server.with_token(token), &who);
            scope.spawn(move || {
                for _ in 0..100 {
                    assert_eq!(client.rpc(who)["result"], name);
                }
            });
        }
    });
}

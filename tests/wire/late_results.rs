//! Results that come after the deadline of their call: they are never sent.

use std::time::Duration;

use callbox::testing::{self, TestServer};
use callbox::{Server, service};
use callbox_test_support::http::request;
use serde_json::Value;

use crate::calculator::{batch, call};

struct Sleeper;

#[service(name = "test.sleeper")]
impl Sleeper {
    /// Holds the thread on which it runs.
    #[public_method]
    fn rest(&self, ms: u64) -> u64 {
        std::thread::sleep(Duration::from_millis(ms));
        ms
    }

    /// The same between two awaits.
    #[public_method]
    async fn rest_later(&self, ms: u64) -> u64 {
        tokio::task::yield_now().await;
        std::thread::sleep(Duration::from_millis(ms));
        ms
    }
}

/// A sleeper whose methods are known to be short, so that they run on the threads that read them.
fn wakeful() -> TestServer {
    let server = testing::start(Server::new(|| Sleeper));
    for method in ["rest", "rest_later"] {
        let inline = || {
            let stats = server.service::<Sleeper>().stats();
            stats.iter().any(|stats| stats.method == method && stats.inline > 0)
        };
        for _ in 0..1000 {
            server.post(call(method, "[0]", "1"));
            if inline() {
                break;
            }
        }
        assert!(inline(), "{method} runs where it arrives");
    }
    server
}

/// The code of an answer, or none if it is a result.
fn code(answer: &Value) -> Option<i64> {
    answer["error"]["code"].as_i64()
}

#[test]
fn a_call_that_runs_where_it_arrives_beyond_its_deadline_is_answered_with_that() {
    for method in ["rest", "rest_later"] {
        let server = wakeful();
        let timeout = [("Request-Timeout", "0.05")];
        let answer = request(server.address(), "POST", "/api", &timeout, call(method, "[100]", "1")).json();
        assert_eq!((code(&answer), &answer["error"]["data"]["deadline_ms"]), (Some(-32002), &50.into()), "{answer}");
        let stats = server.service::<Sleeper>().stats();
        let stats = stats.iter().find(|stats| stats.method == method).unwrap();
        assert_eq!(stats.expired, 1, "{stats:?}");
    }
}

#[test]
fn so_is_a_member_of_a_batch_and_those_behind_it_do_not_run() {
    let server = wakeful();
    let timeout = [("Request-Timeout", "0.05")];
    let members = [0, 0, 100, 0].map(|ms| call("rest", &format!("[{ms}]"), "1"));
    let answer = request(server.address(), "POST", "/api", &timeout, batch(members)).json();
    let codes: Vec<_> = answer.as_array().unwrap().iter().map(code).collect();
    assert_eq!(codes[2..], [Some(-32002), Some(-32002)], "{answer}");
}

//! Methods that fail in every way, and services that are not available.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use callbox::auth::Authenticate;
use callbox::testing::{self, InProcess};
use callbox::{BoxError, CallContext, Caller, FromCall, InternalError, RpcError, Server, service};
use callbox_test_support::wait::until;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};

use crate::assert_reveals_nothing;

/// Says its inner text wherever it is asked.
#[derive(Debug, thiserror::Error)]
#[error("inner error at /home/inner/file.rs:5")]
struct InnerError;

#[derive(RpcError)]
enum Failure {
    #[rpc(code = 7)]
    Told,
    #[rpc(transparent)]
    Internal(InternalError),
}

/// Results that cannot be written.
#[derive(Deserialize, JsonSchema)]
enum Unwritable {
    Panics,
    Fails,
    PanicsHalfWay,
}

impl Serialize for Unwritable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Panics => panic!("inner text of a panic"),
            Self::Fails => Err(serde::ser::Error::custom(InnerError)),
            Self::PanicsHalfWay => {
                serializer.collect_seq((0..100).inspect(|n| assert!(*n < 50, "inner text of a panic")))
            }
        }
    }
}

struct InnerTenant;

impl FromCall for InnerTenant {
    fn from_call(call: &CallContext) -> Result<Self, RpcError> {
        assert!(call.caller().is_authenticated(), "inner text of an injection");
        Ok(Self)
    }
}

#[derive(Default)]
struct Failing {
    inner: Option<u8>,
}

#[service(name = "test.failing")]
impl Failing {
    #[public_method]
    fn read(&self) {
        panic!("inner text of a panic")
    }

    #[public_method]
    fn write(&mut self) {
        std::panic::panic_any(InnerError)
    }

    #[public_method]
    async fn read_later(&self) {
        tokio::task::yield_now().await;
        self.inner.expect("inner text of an expectation");
    }

    #[public_method]
    async fn write_later(&mut self) {
        tokio::task::yield_now().await;
        std::env::var("INNER=NAME").expect("inner text of an expectation");
    }

    #[public_method(compute)]
    fn compute() -> usize {
        let inner: [u8; 0] = [];
        usize::from(inner[std::hint::black_box(5)])
    }

    #[public_method]
    fn open(&self) -> Result<String, InternalError> {
        Ok(std::fs::read_to_string("/nowhere/inner/file.rs")?)
    }

    #[public_method]
    fn text(&self) -> Result<(), InternalError> {
        Err(InternalError::new("inner text"))
    }

    #[public_method]
    fn chain(&self) -> Result<(), Failure> {
        Err(Failure::Internal(InnerError.into()))
    }

    #[public_method]
    fn own_error(&self) -> Result<(), Failure> {
        Err(Failure::Told)
    }

    #[public_method]
    fn unserializable(&self) -> HashMap<InnerKey, u8> {
        HashMap::from([(InnerKey { inner: 1 }, 1)])
    }

    #[public_method]
    fn result_panics(&self) -> Unwritable {
        Unwritable::Panics
    }

    #[public_method]
    fn result_fails(&self) -> Unwritable {
        Unwritable::Fails
    }

    #[public_method]
    async fn result_panics_half_way(&mut self) -> Unwritable {
        Unwritable::PanicsHalfWay
    }

    #[public_method]
    fn data_panics(&self) -> Result<(), RpcError> {
        Err(RpcError::new(7, "No").with_data(&Unwritable::Panics))
    }

    #[public_method]
    fn data_fails(&self) -> Result<(), RpcError> {
        Err(RpcError::new(7, "No").with_data(&Unwritable::Fails))
    }

    #[public_method]
    fn injected(&self, tenant: &InnerTenant) {
        let _ = tenant;
    }

    #[public_method(deadline = "20ms")]
    async fn never(&self) {
        std::future::pending::<()>().await;
    }

    #[public_method]
    fn ping(&self) {}

    #[private_api_method]
    fn secret(&self) {}
}

#[derive(PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
struct InnerKey {
    inner: u8,
}

/// The code of each method's error.
const METHODS: [(&str, i32); 18] = [
    ("read", -32603),
    ("write", -32603),
    ("read_later", -32603),
    ("write_later", -32603),
    ("compute", -32603),
    ("open", -32603),
    ("text", -32603),
    ("chain", -32603),
    ("own_error", 7),
    ("unserializable", -32603),
    ("result_panics", -32603),
    ("result_fails", -32603),
    ("result_panics_half_way", -32603),
    ("data_panics", -32603),
    ("data_fails", 7),
    ("injected", -32603),
    ("never", -32002),
    ("secret", -32001),
];

fn call(method: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","id":1}}"#)
}

#[test]
fn each_failure_has_its_code_and_its_id_and_nothing_else() {
    for placement in [callbox::Placement::Inline, callbox::Placement::Actor] {
        let failing = testing::in_process_with(Failing::default, move |server| server.placement(placement));
        let mut all = Vec::new();
        // The first call of a method runs on the thread of the service, later ones may run inline.
        for (method, code) in METHODS.into_iter().chain(METHODS) {
            let answer = failing.post(call(method)).expect("an answer");
            assert_reveals_nothing(method, &answer);
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(code), &json!(1)), "{method}: {answer}");
            let data = answer["error"]["data"].as_object();
            let keys: Vec<_> = data.into_iter().flat_map(serde_json::Map::keys).collect();
            match code {
                -32603 => assert_eq!(keys, ["correlation_id"], "{method}"),
                -32002 => assert_eq!(keys, ["deadline_ms", "queued_ms"], "{method}"),
                _ => assert_eq!(keys, [""; 0], "{method}"),
            }
            all.push(call(method));
            // So that a state that was lost is there again.
            until("the service is up", || failing.service().is_up());
        }
        all.push(call("ping"));
        let answers = failing.post(format!("[{}]", all.join(","))).expect("answers");
        assert_reveals_nothing("all of them in a batch", &answers);
        let answers: Vec<Value> = serde_json::from_str(&answers).unwrap();
        assert_eq!(answers.len(), all.len());
        for (method, code) in METHODS {
            let quiet = format!(r#"{{"jsonrpc":"2.0","method":"{method}"}}"#);
            assert_eq!(failing.post(quiet), None, "a notification of {method} ({code}) is not answered");
        }
    }
}

/// Fails to tell whose a token is.
struct InnerKeys;

impl Authenticate for InnerKeys {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        assert_ne!(token, "panic", "inner text of a panic");
        Err(InnerError.into())
    }
}

#[test]
fn an_authenticator_that_fails_does_not_tell_why() {
    let failing = testing::in_process_with(Failing::default, |server| server.tokens(InnerKeys));
    for token in ["panic", "away"] {
        let answer = failing.with_token(token).post(call("secret")).expect("an answer");
        assert_reveals_nothing(token, &answer);
        assert!(answer.contains("-32003"), "{answer}");
    }
}

/// Its second state cannot be made.
struct Barren(Arc<AtomicU32>);

#[service(name = "test.barren")]
impl Barren {
    #[on_start]
    fn begin(&mut self) -> Result<(), BoxError> {
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => Ok(()),
            _ => Err(InnerError.into()),
        }
    }

    #[public_method]
    fn break_it(&mut self) {
        panic!("inner text of a panic")
    }

    #[public_method(message = "PingBarren")]
    fn ping(&self) {}
}

fn assert_goes_down(barren: &InProcess<Barren>) {
    let broken = barren.post(call("break_it")).expect("an answer");
    assert_reveals_nothing("a panic", &broken);
    until("the service is down", || !barren.service().is_up());
    let answer = barren.post(call("ping")).expect("an answer");
    assert_reveals_nothing("a service that is down", &answer);
    assert!(answer.contains("-32003"), "{answer}");
}

#[test]
fn a_service_that_is_down_does_not_tell_why() {
    let made = AtomicU32::new(0);
    assert_goes_down(&testing::in_process(move || {
        assert_eq!(made.fetch_add(1, Ordering::SeqCst), 0, "inner text of a factory");
        Barren(Arc::default())
    }));
    let starts = Arc::<AtomicU32>::default();
    assert_goes_down(&testing::in_process(move || Barren(Arc::clone(&starts))));
}

struct Narrow;

#[service(name = "test.narrow")]
impl Narrow {
    #[public_method(mailbox = 1, deadline = "10s")]
    async fn hold(&mut self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }
}

#[test]
fn a_busy_service_says_only_what_its_caller_can_use() {
    let server = testing::start(Server::new(|| Narrow));
    let hold = |ms: u64| format!(r#"{{"jsonrpc":"2.0","method":"hold","params":[{ms}]"#);
    let busy = loop {
        // The first may run where it arrives. Then one runs, and one waits.
        for _notification in 0..3 {
            server.post(hold(300) + "}");
        }
        let answer = server.post(hold(0) + r#","id":1}"#).body;
        if answer.contains("error") {
            break answer;
        }
    };
    assert_reveals_nothing("a busy service", &busy);
    let data = serde_json::from_str::<Value>(&busy).unwrap()["error"]["data"].clone();
    let keys: Vec<_> = data.as_object().unwrap().keys().collect();
    assert_eq!(keys, ["capacity", "depth", "method", "reason", "retry_after_ms"]);
}

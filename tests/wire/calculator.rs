//! A service with everything that the rules of the wire mention, and who may call it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbox::auth::Authenticate;
use callbox::{BoxError, Caller, Dialect, RpcError, Server, ServiceRef, service, testing};
use serde_json::{Map, Value};
use testing::{InProcess, TestServer};
use tokio::sync::Semaphore;

/// What no answer may contain.
pub(crate) const INNER_TEXT: &str = "/home/ann/inner text";

#[derive(Clone)]
pub(crate) struct Calculator {
    /// Calls of `hold` wait for a permit, of which a test gives as many as it wants.
    gate: Arc<Semaphore>,
    total: i64,
}

#[service(name = "test.calculator")]
impl Calculator {
    /// Adds two numbers.
    #[public_method]
    fn add(&self, a: i64, b: i64) -> i64 {
        a + b
    }

    /// Adds to the total.
    #[public_method]
    fn add_up(&mut self, by: i64) -> i64 {
        self.total += by;
        self.total
    }

    #[public_method]
    fn nothing(&self) {}

    /// Says what it was given.
    #[public_method]
    fn label(
        &self,
        text: String,
        #[param(rename = "type")] kind: Option<String>,
        #[param(default = 2)] times: u8,
    ) -> String {
        format!("{}{}", kind.unwrap_or_else(|| "none".to_owned()), text.repeat(times.into()))
    }

    /// Says what else it was given.
    #[public_method]
    fn take_rest(&self, first: i64, #[param(rest)] rest: Map<String, Value>) -> Vec<String> {
        std::iter::once(first.to_string())
            .chain(rest.into_iter().map(|(name, value)| format!("{name}={value}")))
            .collect()
    }

    #[public_method]
    fn byte(&self, value: u8) -> u8 {
        value
    }

    #[public_method]
    fn half(&self, value: f64) -> f64 {
        value / 2.0
    }

    #[public_method]
    fn divide(&self, a: i64, b: i64) -> Result<i64, RpcError> {
        a.checked_div(b).ok_or_else(|| RpcError::new(7, "Not by zero").with_data(&a))
    }

    #[public_method]
    fn panics(&self) -> u8 {
        panic!("{INNER_TEXT}")
    }

    #[public_method]
    async fn wait(&self, ms: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        ms
    }

    #[public_method(deadline = "50ms")]
    async fn never(&self) {
        std::future::pending::<()>().await;
    }

    /// Waits for the test's permit, one call at a time and two more in the mailbox.
    #[public_method(mailbox = 2)]
    async fn hold(&mut self, n: u64) -> u64 {
        self.gate.clone().acquire_owned().await.expect("the gate stays open").forget();
        n
    }

    #[public_method]
    fn long_text(&self, length: usize) -> String {
        "x".repeat(length)
    }

    #[public_method]
    fn who_am_i(&self, caller: &Caller) -> Option<String> {
        caller.name().map(str::to_owned)
    }

    #[private_api_method]
    fn secret(&self, n: i64) -> i64 {
        n
    }

    /// For administrators.
    #[private_api_method(scope = "admin")]
    fn administer(&self, n: i64) -> i64 {
        n
    }

    #[private_api_method(mailbox = 1)]
    async fn secret_hold(&mut self, n: u64) -> u64 {
        self.hold(n).await
    }
}

/// Accepts `good` and `admin`, fails for `away`, panics for `panic`, and counts its calls.
struct Tokens(Arc<AtomicUsize>);

impl Authenticate for Tokens {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        self.0.fetch_add(1, Ordering::SeqCst);
        match token {
            "good" => Ok(Some(Caller::named("ann").with_scope("read"))),
            "admin" => Ok(Some(Caller::named("root").with_scope("admin"))),
            "away" => Err("the database is away".into()),
            "panic" => panic!("on purpose"),
            _ => Ok(None),
        }
    }
}

/// A calculator that listens, at `/api` and in the two older dialects.
pub(crate) struct Running {
    pub(crate) server: TestServer,
    pub(crate) gate: Arc<Semaphore>,
    asked: Arc<AtomicUsize>,
}

pub(crate) fn start() -> Running {
    start_with(|server| server)
}

/// The same without HTTP, and how often its authenticator was asked.
pub(crate) fn direct() -> (InProcess<Calculator>, Arc<AtomicUsize>) {
    let (gate, asked) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let (calculator, tokens) = (Calculator { gate, total: 0 }, Tokens(Arc::clone(&asked)));
    (testing::in_process_with(move || calculator.clone(), move |server| server.tokens(tokens)), asked)
}

pub(crate) fn start_with(build: impl FnOnce(Server) -> Server) -> Running {
    let (gate, asked) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let calculator = Calculator { gate: Arc::clone(&gate), total: 0 };
    let server = Server::new(move || calculator.clone())
        .tokens(Tokens(Arc::clone(&asked)))
        .add_endpoint("/api/py", Dialect::Pymicroservice)
        .add_endpoint("/api/v0", Dialect::Gemstone);
    Running { server: testing::start(build(server)), gate, asked }
}

impl Running {
    /// The text of the answer to a body.
    #[track_caller]
    pub(crate) fn answer(&self, body: impl AsRef<[u8]>) -> String {
        let page = self.server.post(body);
        assert_eq!(page.status, if page.body.is_empty() { 204 } else { 200 }, "{page:?}");
        page.body
    }

    /// How often the authenticator has been asked since the last time.
    pub(crate) fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }

    pub(crate) fn service(&self) -> ServiceRef<Calculator> {
        self.server.service()
    }

    /// Calls in the mailbox of a method, and its rejected calls.
    pub(crate) fn waiting_and_refused(&self, method: &str) -> (usize, u64) {
        let stats = self.service().stats();
        let stats = stats.iter().find(|stats| stats.method == method).expect("there is such a method");
        (stats.depth, stats.refused)
    }
}

/// The text of a call.
pub(crate) fn call(method: &str, params: &str, id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":{id}}}"#)
}

/// The text of a notification.
pub(crate) fn notification(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params}}}"#)
}

/// The text of a batch.
pub(crate) fn batch(members: impl IntoIterator<Item = String>) -> String {
    format!("[{}]", members.into_iter().collect::<Vec<_>>().join(","))
}

/// The text of a result.
pub(crate) fn result(result: &str, id: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{id}}}"#)
}

/// E(code, id) of the specification: an error without data, but for the reason of a refusal.
pub(crate) fn error(code: i32, id: &str) -> String {
    let message = match code {
        -32700 => "Parse error",
        -32600 => "Invalid Request",
        -32601 => "Method not found",
        -32001 => "Access denied",
        -32003 => "Service unavailable",
        -32004 => "Response too large",
        other => panic!("{other} has data"),
    };
    format!(r#"{{"jsonrpc":"2.0","error":{{"code":{code},"message":"{message}"}},"id":{id}}}"#)
}

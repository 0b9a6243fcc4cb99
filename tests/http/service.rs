//! A service whose calls wait until a test lets them go.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use callbox::auth::Authenticate;
use callbox::stats::MethodStats;
use callbox::{BoxError, Caller, Server, service, testing};
use testing::TestServer;
use tokio::sync::Semaphore;

#[derive(Clone)]
pub(crate) struct Patient {
    gate: Arc<Semaphore>,
    /// Calls of `read` that are between their start and their end.
    reading: Arc<AtomicUsize>,
    written: Vec<u64>,
}

#[service(name = "test.patient")]
impl Patient {
    /// Waits for a permit with the state to itself, then writes.
    #[public_method(mailbox = 4)]
    async fn write(&mut self, n: u64) -> u64 {
        self.gate.acquire().await.expect("the gate stays open").forget();
        self.written.push(n);
        n
    }

    /// Waits for a permit.
    #[public_method]
    async fn read(&self) -> u64 {
        self.reading.fetch_add(1, Ordering::SeqCst);
        let _reading = Leaves(&self.reading);
        self.gate.acquire().await.expect("the gate stays open").forget();
        0
    }

    /// What has been written.
    #[public_method]
    fn written(&self) -> Vec<u64> {
        self.written.clone()
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

    #[public_method]
    pub(crate) fn count_up(&mut self) -> usize {
        self.written.push(0);
        self.written.len()
    }

    #[public_method]
    fn long_text(&self, length: usize) -> String {
        "x".repeat(length)
    }

    #[public_method]
    fn panics(&self) {
        panic!("on purpose")
    }

    #[private_api_method]
    fn secret(&self) -> u8 {
        42
    }
}

/// Counts down when it is dropped.
struct Leaves<'a>(&'a AtomicUsize);

impl Drop for Leaves<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Knows nobody, and of `away` it cannot tell.
struct Tokens;

impl Authenticate for Tokens {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        if token == "away" { Err("the database is away".into()) } else { Ok(None) }
    }
}

pub(crate) struct Running {
    pub(crate) server: TestServer,
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) reading: Arc<AtomicUsize>,
}

pub(crate) fn start() -> Running {
    start_with(|server| server)
}

pub(crate) fn start_with(build: impl FnOnce(Server) -> Server) -> Running {
    let (gate, reading) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let patient = Patient { gate: Arc::clone(&gate), reading: Arc::clone(&reading), written: Vec::new() };
    let server = Server::new(move || patient.clone()).tokens(Tokens);
    Running { server: testing::start(build(server)), gate, reading }
}

impl Running {
    pub(crate) fn stats(&self, method: &str) -> MethodStats {
        let stats = self.server.service::<Patient>().stats();
        stats.into_iter().find(|stats| stats.method == method).expect("there is such a method")
    }
}

/// The text of a call with the id 1.
pub(crate) fn call(method: &str, params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#)
}

/// The text of its result.
pub(crate) fn result(result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","result":{result},"id":1}}"#)
}

//! A service that fails in every way, and a probe that sees it from outside.

// Each test uses a part of it.
#![allow(dead_code)]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use callbox::testing::{InProcess, in_process};
use callbox::{BoxError, MethodStats, RpcError, ServiceRef, service};
use tokio::sync::Notify;
use tokio::time::sleep;

/// What a test sees of a service, across its restarts.
#[derive(Default)]
pub(crate) struct Probe {
    pub(crate) made: AtomicU64,
    pub(crate) ran: AtomicU64,
    pub(crate) dropped: AtomicU64,
    /// Makes the factory panic.
    pub(crate) barren: AtomicBool,
    pub(crate) entered: Notify,
    pub(crate) go_on: Notify,
}

pub(crate) struct Shaky {
    probe: Arc<Probe>,
    value: u64,
}

impl Shaky {
    pub(crate) fn new(probe: &Arc<Probe>) -> Self {
        assert!(!probe.barren.load(Ordering::SeqCst), "the factory fails on purpose");
        probe.made.fetch_add(1, Ordering::SeqCst);
        Self { probe: Arc::clone(probe), value: 0 }
    }
}

/// Tells that a future was dropped.
struct Dropped(Arc<Probe>);

impl Drop for Dropped {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
        self.0.entered.notify_one();
    }
}

#[service(name = "shaky")]
impl Shaky {
    #[on_start]
    async fn begin(&mut self) -> Result<(), BoxError> {
        tokio::task::yield_now().await;
        Ok(())
    }

    #[public_method]
    pub(crate) fn value(&self) -> u64 {
        self.probe.ran.fetch_add(1, Ordering::SeqCst);
        self.value
    }

    #[public_method]
    pub(crate) fn set(&mut self, value: u64) {
        self.value = value;
    }

    #[public_method]
    pub(crate) fn panic_reading(&self) {
        panic!("on purpose");
    }

    #[public_method]
    pub(crate) fn panic_writing(&mut self) {
        self.value = 666;
        panic!("on purpose");
    }

    #[public_method(on_panic = "keep")]
    pub(crate) fn panic_and_keep(&mut self) {
        panic!("on purpose");
    }

    #[public_method]
    pub(crate) async fn panic_reading_later(&self) {
        tokio::task::yield_now().await;
        panic!("on purpose");
    }

    #[public_method]
    pub(crate) async fn panic_writing_later(&mut self) {
        self.value = 666;
        tokio::task::yield_now().await;
        panic!("on purpose");
    }

    #[public_method(compute)]
    pub(crate) fn panic_computing() {
        panic!("on purpose");
    }

    /// Holds the thread.
    #[public_method]
    pub(crate) fn block(&mut self, millis: u64) {
        self.probe.entered.notify_one();
        std::thread::sleep(Duration::from_millis(millis));
    }

    #[public_method(deadline = "100ms")]
    pub(crate) fn hurried(&self) -> u64 {
        self.probe.ran.fetch_add(1, Ordering::SeqCst);
        self.value
    }

    /// Takes 10 ms of the thread, and has 200.
    #[public_method(deadline = "200ms")]
    pub(crate) fn slog(&mut self) {
        std::thread::sleep(Duration::from_millis(10));
    }

    #[public_method(compute, mailbox = 2)]
    pub(crate) fn grind(millis: u64) {
        std::thread::sleep(Duration::from_millis(millis));
    }

    #[public_method(mailbox = 4)]
    pub(crate) fn narrow(&mut self) {
        self.probe.ran.fetch_add(1, Ordering::SeqCst);
    }

    #[public_method(deadline = "100ms")]
    pub(crate) async fn read_for_ever(&self) {
        let _dropped = Dropped(Arc::clone(&self.probe));
        self.probe.entered.notify_one();
        std::future::pending::<()>().await;
    }

    /// Starts, waits to be let go on, and only then writes.
    #[public_method(deadline = "200ms")]
    pub(crate) async fn write_in_the_end(&mut self, value: u64) {
        self.probe.entered.notify_one();
        self.probe.go_on.notified().await;
        self.value = value;
    }

    /// Ends the host's thread.
    #[public_method]
    pub(crate) fn lose_thread(&self) {
        actix::Arbiter::current().stop();
    }

    /// Ends the host's thread while the state is half-written.
    #[public_method]
    pub(crate) async fn lose_thread_writing(&mut self) {
        self.value = 666;
        actix::Arbiter::current().stop();
        std::future::pending::<()>().await;
    }
}

pub(crate) fn shaky() -> (InProcess<Shaky>, Arc<Probe>, ServiceRef<Shaky>) {
    let probe = Arc::new(Probe::default());
    let factory = Arc::clone(&probe);
    let held = in_process(move || Shaky::new(&factory));
    let service = held.service().clone();
    (held, probe, service)
}

pub(crate) fn code<T>(reply: Result<T, RpcError>) -> i32 {
    reply.err().map_or(0, |error| error.code())
}

pub(crate) fn stats(service: &ServiceRef<Shaky>, method: &str) -> MethodStats {
    service.stats().into_iter().find(|stats| stats.method == method).unwrap()
}

/// Waits for something that is on its way.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

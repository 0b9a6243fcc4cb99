//! A service that fails in every way.

use std::sync::atomic::Ordering;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use callbox::{BoxError, Server, service};
use callbox_test_support::panics::keep_quiet_about_panics_on_purpose;
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};

use crate::harness::{Asked, Site, Way};
use crate::probe::Probe;

/// What a state holds that a writer has left half-way.
pub(crate) const TORN: u64 = 666;

/// A parameter that has something happen while it is read.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
pub(crate) struct Trap {
    pub(crate) probe: u64,
}

impl<'de> Deserialize<'de> for Trap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Plain {
            probe: u64,
        }
        let Plain { probe } = Plain::deserialize(deserializer)?;
        let trap = Probe::find(probe).trap.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(happens) = trap {
            happens();
        }
        Ok(Self { probe })
    }
}

pub(crate) struct Shaky {
    probe: Arc<Probe>,
    value: u64,
}

impl Shaky {
    pub(crate) fn new(probe: &Arc<Probe>) -> Self {
        assert!(!probe.barren.load(Ordering::SeqCst), "on purpose: the factory");
        probe.made.add();
        Self { probe: Arc::clone(probe), value: 0 }
    }

    fn append_now(&self, number: u32) {
        self.probe.log.lock().unwrap_or_else(PoisonError::into_inner).push(number);
    }
}

#[service(name = "shaky")]
impl Shaky {
    #[on_start]
    async fn begin(&mut self) -> Result<(), BoxError> {
        tokio::task::yield_now().await;
        if self.probe.unwell.load(Ordering::SeqCst) { Err("on purpose: the start".into()) } else { Ok(()) }
    }

    #[on_stop]
    async fn end(&mut self) {
        tokio::task::yield_now().await;
        self.probe.stopped_with.store(self.value, Ordering::SeqCst);
        self.probe.stops.add();
    }

    #[public_method]
    pub(crate) fn value(&self) -> u64 {
        self.probe.ran.add();
        self.value
    }

    #[public_method]
    pub(crate) fn read_trap(&self, trap: Trap) -> u64 {
        trap.probe
    }

    #[public_method]
    pub(crate) async fn read_trap_later(&self, trap: Trap) -> u64 {
        trap.probe
    }

    #[public_method]
    pub(crate) fn set(&mut self, value: u64) {
        self.value = value;
    }

    /// The same with more to carry.
    #[public_method]
    pub(crate) fn keep(&mut self, text: String) {
        self.value = text.len() as u64;
    }

    #[public_method(mailbox = 4)]
    pub(crate) fn narrow(&mut self) {
        self.probe.ran.add();
        self.value += 1;
    }

    #[public_method(deadline = "100ms")]
    pub(crate) fn hurried(&self) {
        self.probe.ran.add();
    }

    /// Takes 40 ms of the thread, and has 800.
    #[public_method(deadline = "800ms")]
    pub(crate) fn slog(&mut self) {
        std::thread::sleep(Duration::from_millis(40));
    }

    /// Takes so much time of the thread, and is shed rather than wait for long.
    #[public_method(max_wait = "50ms")]
    pub(crate) fn impatient(&mut self, millis: u64) {
        std::thread::sleep(Duration::from_millis(millis));
    }

    /// The same with all the time there is.
    #[public_method]
    pub(crate) fn patient(&mut self, millis: u64) {
        std::thread::sleep(Duration::from_millis(millis));
    }

    /// Holds the thread and shares the state.
    #[public_method]
    pub(crate) fn hold_reading(&self) {
        self.probe.hold_thread();
    }

    /// Holds the thread, alone with the state, and writes in the end.
    #[public_method]
    pub(crate) fn hold(&mut self, value: u64) {
        self.value = TORN;
        self.probe.hold_thread();
        self.value = value;
    }

    #[public_method(deadline = "400ms")]
    pub(crate) fn hold_hurried(&mut self, value: u64) {
        self.hold(value);
    }

    /// Waits if `waits` is set, and shares the state.
    #[public_method]
    pub(crate) async fn linger(&self, waits: bool) -> u64 {
        if waits {
            self.probe.hold_await().await;
        }
        self.value
    }

    #[public_method(deadline = "400ms")]
    pub(crate) async fn linger_hurried(&self, waits: bool) -> u64 {
        self.linger(waits).await
    }

    /// Waits half-way, alone with the state.
    #[public_method]
    pub(crate) async fn change(&mut self, value: u64) {
        self.value = TORN;
        self.probe.hold_await().await;
        self.value = value;
    }

    #[public_method(deadline = "400ms")]
    pub(crate) async fn change_hurried(&mut self, value: u64) {
        self.change(value).await;
    }

    #[public_method(compute, mailbox = 2)]
    pub(crate) fn grind(probe: u64) {
        Probe::find(probe).hold_pool();
    }

    #[public_method(compute, mailbox = 2, deadline = "400ms")]
    pub(crate) fn grind_hurried(probe: u64) {
        Probe::find(probe).hold_pool();
    }

    #[public_method]
    pub(crate) fn panic_reading(&self, panics: bool) {
        assert!(!panics, "on purpose");
    }

    #[public_method]
    pub(crate) async fn panic_reading_later(&self, panics: bool) {
        if panics {
            tokio::task::yield_now().await;
        }
        assert!(!panics, "on purpose");
    }

    #[public_method]
    pub(crate) fn panic_writing(&mut self, panics: bool) {
        let before = std::mem::replace(&mut self.value, TORN);
        assert!(!panics, "on purpose");
        self.value = before;
    }

    #[public_method]
    pub(crate) async fn panic_writing_later(&mut self) {
        self.value = TORN;
        tokio::task::yield_now().await;
        panic!("on purpose");
    }

    #[public_method(on_panic = "keep")]
    pub(crate) fn panic_and_keep(&mut self, panics: bool) {
        assert!(!panics, "on purpose");
    }

    #[public_method(compute)]
    pub(crate) fn panic_computing() {
        panic!("on purpose");
    }

    #[public_method(mailbox_group = "log", mailbox = 6)]
    pub(crate) fn append(&mut self, number: u32) {
        self.append_now(number);
    }

    #[public_method(mailbox_group = "log", mailbox = 6)]
    pub(crate) async fn append_later(&mut self, number: u32) {
        tokio::task::yield_now().await;
        self.append_now(number);
    }

    #[public_method(mailbox_group = "log", mailbox = 6)]
    pub(crate) async fn append_reading(&self, number: u32) {
        self.append_now(number);
        tokio::task::yield_now().await;
    }

    #[public_method(mailbox_group = "log", mailbox = 6)]
    pub(crate) fn panic_in_log(&mut self) {
        panic!("on purpose");
    }

    /// Ends the host's thread.
    #[public_method]
    pub(crate) fn lose_thread(&self) {
        self.probe.hold_thread();
        actix::Arbiter::current().stop();
    }

    /// Ends the host's thread while the state is half-written.
    #[public_method]
    pub(crate) async fn lose_thread_writing(&mut self) {
        self.value = TORN;
        self.probe.hold_await().await;
        actix::Arbiter::current().stop();
        std::future::pending::<()>().await;
    }
}

/// A site of the service.
pub(crate) fn shaky(way: Way) -> Site<Shaky> {
    shaky_with(way, |server| server)
}

pub(crate) fn shaky_with(way: Way, settings: impl FnOnce(Server) -> Server) -> Site<Shaky> {
    keep_quiet_about_panics_on_purpose();
    let probe = Probe::new();
    let factory = Arc::clone(&probe);
    Site::start(way, settings(Server::new(move || Shaky::new(&factory))), &probe)
}

impl Site<Shaky> {
    /// A call that holds the service's thread; the state will be `value`.
    #[track_caller]
    pub(crate) fn hold(&self, value: u64) -> Asked<'_> {
        let before = self.probe.entered.get();
        let held = self.ask(Shaky_Hold { value });
        self.probe.until_entered(before + 1);
        held
    }
}

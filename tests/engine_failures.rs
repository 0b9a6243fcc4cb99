//! What becomes of a call, of the calls behind it, of the running ones and of the state when something goes wrong.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use callbox::testing::{InProcess, in_process};
use callbox::{BoxError, MethodStats, RpcError, ServiceRef, service};
use futures::future::{join, join_all};
use tokio::sync::Notify;
use tokio::time::sleep;

/// What a test sees of a service, across its restarts.
#[derive(Default)]
struct Probe {
    made: AtomicU64,
    ran: AtomicU64,
    dropped: AtomicU64,
    /// Makes the factory panic.
    barren: AtomicBool,
    entered: Notify,
    go_on: Notify,
}

struct Shaky {
    probe: Arc<Probe>,
    value: u64,
}

impl Shaky {
    fn new(probe: &Arc<Probe>) -> Self {
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
    fn value(&self) -> u64 {
        self.probe.ran.fetch_add(1, Ordering::SeqCst);
        self.value
    }

    #[public_method]
    fn set(&mut self, value: u64) {
        self.value = value;
    }

    #[public_method]
    fn panic_reading(&self) {
        panic!("on purpose");
    }

    #[public_method]
    fn panic_writing(&mut self) {
        self.value = 666;
        panic!("on purpose");
    }

    #[public_method(on_panic = "keep")]
    fn panic_and_keep(&mut self) {
        panic!("on purpose");
    }

    #[public_method]
    async fn panic_reading_later(&self) {
        tokio::task::yield_now().await;
        panic!("on purpose");
    }

    #[public_method]
    async fn panic_writing_later(&mut self) {
        self.value = 666;
        tokio::task::yield_now().await;
        panic!("on purpose");
    }

    #[public_method(compute)]
    fn panic_computing() {
        panic!("on purpose");
    }

    /// Holds the thread.
    #[public_method]
    fn block(&mut self, millis: u64) {
        self.probe.entered.notify_one();
        std::thread::sleep(Duration::from_millis(millis));
    }

    #[public_method(deadline = "100ms")]
    fn hurried(&self) -> u64 {
        self.probe.ran.fetch_add(1, Ordering::SeqCst);
        self.value
    }

    #[public_method(mailbox = 4)]
    fn narrow(&mut self) {
        self.probe.ran.fetch_add(1, Ordering::SeqCst);
    }

    #[public_method(deadline = "100ms")]
    async fn read_for_ever(&self) {
        let _dropped = Dropped(Arc::clone(&self.probe));
        self.probe.entered.notify_one();
        std::future::pending::<()>().await;
    }

    /// Starts, waits to be let go on, and only then writes.
    #[public_method(deadline = "200ms")]
    async fn write_in_the_end(&mut self, value: u64) {
        self.probe.entered.notify_one();
        self.probe.go_on.notified().await;
        self.value = value;
    }

    /// Ends the host's thread.
    #[public_method]
    fn lose_thread(&self) {
        actix::Arbiter::current().stop();
    }

    /// Ends the host's thread while the state is half-written.
    #[public_method]
    async fn lose_thread_writing(&mut self) {
        self.value = 666;
        actix::Arbiter::current().stop();
        std::future::pending::<()>().await;
    }
}

fn shaky() -> (InProcess<Shaky>, Arc<Probe>, ServiceRef<Shaky>) {
    let probe = Arc::new(Probe::default());
    let factory = Arc::clone(&probe);
    let held = in_process(move || Shaky::new(&factory));
    let service = held.service().clone();
    (held, probe, service)
}

fn code<T>(reply: Result<T, RpcError>) -> i32 {
    reply.err().map_or(0, |error| error.code())
}

fn stats(service: &ServiceRef<Shaky>, method: &str) -> MethodStats {
    service.stats().into_iter().find(|stats| stats.method == method).unwrap()
}

#[tokio::test]
async fn a_panic_in_a_reader_keeps_the_state() {
    let (_held, probe, shaky) = shaky();
    shaky.call(Set { value: 7 }).await.unwrap();
    for _ in 0..3 {
        assert_eq!(code(shaky.call(PanicReading {}).await), -32603);
        assert_eq!(code(shaky.call(PanicReadingLater {}).await), -32603);
        assert_eq!(code(shaky.call(PanicComputing {}).await), -32603);
    }
    assert_eq!(shaky.call(Value {}).await, Ok(7));
    assert_eq!(probe.made.load(Ordering::SeqCst), 1);
    assert_eq!(stats(&shaky, "panic_reading").panicked, 3);
}

#[tokio::test]
async fn a_panic_in_a_writer_makes_a_new_state_and_loses_no_queued_call() {
    for later in [false, true] {
        let (_held, probe, shaky) = shaky();
        shaky.call(Set { value: 7 }).await.unwrap();
        let block = shaky.call(Block { millis: 20 });
        let panic =
            async { if later { shaky.call(PanicWritingLater {}).await } else { shaky.call(PanicWriting {}).await } };
        let values = async { join_all((0..50).map(|_| shaky.call(Value {}))).await };
        let ((_, panicked), values) = join(join(block, panic), values).await;
        let error = panicked.unwrap_err();
        assert_eq!(error.code(), -32603);
        assert!(error.data().unwrap().get().contains("correlation_id") && !error.to_string().contains("purpose"));
        assert!(values.iter().all(|value| matches!(value, Ok(0 | 7))), "{values:?}");
        assert_eq!(shaky.call(Value {}).await, Ok(0), "a new state");
        assert_eq!(probe.made.load(Ordering::SeqCst), 2);
    }
}

#[tokio::test]
async fn a_writer_that_says_so_keeps_the_state_through_its_panic() {
    let (_held, probe, shaky) = shaky();
    shaky.call(Set { value: 7 }).await.unwrap();
    assert_eq!(code(shaky.call(PanicAndKeep {}).await), -32603);
    assert_eq!(shaky.call(Value {}).await, Ok(7));
    assert_eq!(probe.made.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_service_that_must_be_restarted_too_often_is_down_until_a_later_try() {
    let (_held, _probe, shaky) = shaky();
    let mut codes = Vec::new();
    for _ in 0..8 {
        codes.push(code(shaky.call(PanicWriting {}).await));
    }
    assert_eq!(codes[..6], [-32603; 6], "five restarts are borne; the sixth call runs, and is one too many");
    assert!(codes[6..].iter().all(|code| *code == -32003), "{codes:?}");
    assert!(!shaky.is_up());
    until("it is up again", || shaky.is_up()).await;
    assert_eq!(shaky.call(Value {}).await, Ok(0));
}

#[tokio::test]
async fn a_factory_that_fails_takes_the_service_down_and_a_later_try_brings_it_back() {
    let (_held, probe, shaky) = shaky();
    probe.barren.store(true, Ordering::SeqCst);
    let block = shaky.call(Block { millis: 20 });
    let panic = shaky.call(PanicWriting {});
    let set = shaky.call(Set { value: 1 });
    let ((_, panicked), set) = join(join(block, panic), set).await;
    assert_eq!(code(panicked), -32603);
    assert!(matches!(code(set), 0 | -32003), "it ran before the panic, or never");
    until("it is down", || !shaky.is_up()).await;
    assert_eq!(code(shaky.call(Value {}).await), -32003);
    probe.barren.store(false, Ordering::SeqCst);
    until("it is up again", || shaky.is_up()).await;
    assert_eq!(shaky.call(Value {}).await, Ok(0));
}

#[test]
fn a_factory_that_fails_at_the_start_stops_the_start() {
    let probe = Arc::new(Probe { barren: AtomicBool::new(true), ..Probe::default() });
    let launch = move || async move {
        callbox::Server::new(move || Shaky::new(&probe)).launch().await.map(drop).unwrap_err().to_string()
    };
    let error = actix::System::new().block_on(launch());
    assert!(error.contains("shaky") && error.contains("its factory panicked: the factory fails on purpose"), "{error}");
}

#[tokio::test]
async fn a_call_whose_deadline_passes_in_the_queue_is_answered_in_time_and_never_runs() {
    let (_held, probe, shaky) = shaky();
    shaky.notify(Block { millis: 400 }).unwrap();
    probe.entered.notified().await;
    let start = Instant::now();
    let error = shaky.call(Hurried {}).await.unwrap_err();
    assert_eq!(error.code(), -32002);
    assert!(start.elapsed() < Duration::from_millis(350), "while the host is still inside: {:?}", start.elapsed());
    assert!(error.data().unwrap().get().contains("\"deadline_ms\":100"), "{error:?}");
    shaky.settled().await;
    assert_eq!(probe.ran.load(Ordering::SeqCst), 0);
    assert_eq!(stats(&shaky, "hurried").expired, 1);
}

#[tokio::test]
async fn a_reader_is_dropped_at_its_await_when_its_deadline_passes() {
    let (_held, probe, shaky) = shaky();
    for _ in 0..2 {
        assert_eq!(code(shaky.call(ReadForEver {}).await), -32002);
        probe.entered.notified().await;
    }
    shaky.settled().await;
    assert_eq!(probe.dropped.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn a_notification_has_a_deadline_too() {
    let (_held, probe, shaky) = shaky();
    shaky.notify(ReadForEver {}).unwrap();
    shaky.settled().await;
    assert_eq!(probe.dropped.load(Ordering::SeqCst), 1);
    assert_eq!(stats(&shaky, "read_for_ever").expired, 1);
}

#[tokio::test]
async fn a_writer_finishes_although_its_caller_has_left_or_was_told_of_the_deadline() {
    for leave in [false, true] {
        let (_held, probe, shaky) = shaky();
        let mut write = Box::pin(shaky.call(WriteInTheEnd { value: 9 }));
        if leave {
            tokio::select! {
                _ = &mut write => panic!("it waits to be let go on"),
                () = probe.entered.notified() => drop(write),
            }
        } else {
            assert_eq!(code(write.await), -32002);
        }
        probe.go_on.notify_one();
        assert_eq!(shaky.call(Value {}).await, Ok(9), "never half-way");
    }
}

#[tokio::test]
async fn a_caller_that_leaves_while_queued_is_never_run_for() {
    let (_held, probe, shaky) = shaky();
    shaky.notify(Block { millis: 100 }).unwrap();
    probe.entered.notified().await;
    {
        let mut calls: Vec<_> = (0..10).map(|_| Box::pin(shaky.call(Value {}))).collect();
        for call in &mut calls {
            assert!(futures::poll!(call).is_pending());
        }
    }
    shaky.settled().await;
    assert_eq!(probe.ran.load(Ordering::SeqCst), 0);
    assert_eq!((stats(&shaky, "value").abandoned, stats(&shaky, "value").depth), (10, 0));
}

#[tokio::test]
async fn a_caller_that_leaves_while_a_reader_runs_ends_it() {
    let (_held, probe, shaky) = shaky();
    let mut read = Box::pin(shaky.call(ReadForEver {}));
    tokio::select! {
        _ = &mut read => panic!("it never ends"),
        () = probe.entered.notified() => drop(read),
    }
    probe.entered.notified().await;
    assert_eq!(probe.dropped.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_full_mailbox_turns_calls_away_at_once_and_says_how_full_it_is() {
    let (_held, probe, shaky) = shaky();
    shaky.notify(Block { millis: 200 }).unwrap();
    probe.entered.notified().await;
    let replies = join_all((0..6).map(|_| shaky.call(Narrow {}))).await;
    let refused: Vec<_> = replies.iter().filter_map(|reply| reply.as_ref().err()).collect();
    assert_eq!(refused.len(), 2, "four fit");
    let data: serde_json::Value = serde_json::from_str(refused[0].data().unwrap().get()).unwrap();
    assert_eq!(refused[0].code(), -32000);
    assert_eq!((&data["method"], &data["depth"], &data["capacity"]), (&"narrow".into(), &4.into(), &4.into()));
    assert!(data["retry_after_ms"].as_u64().unwrap() >= 1 && data["reason"] == "mailbox full", "{data}");
    assert_eq!(probe.ran.load(Ordering::SeqCst), 4);
    assert_eq!(stats(&shaky, "narrow").refused, 2);
}

#[tokio::test]
async fn when_the_host_loses_its_thread_the_queued_calls_may_be_retried_and_the_state_is_kept() {
    let (_held, probe, shaky) = shaky();
    shaky.call(Set { value: 7 }).await.unwrap();
    let lost = shaky.call(LoseThread {}).await;
    assert!(matches!(code(lost), 0 | -32603));
    until("there is a new host", || shaky.is_up()).await;
    let value = retry(|| shaky.call(Value {})).await;
    assert_eq!((value, probe.made.load(Ordering::SeqCst)), (7, 1));
}

#[tokio::test]
async fn when_the_host_loses_its_thread_under_a_writer_the_state_is_new() {
    let (_held, probe, shaky) = shaky();
    shaky.call(Set { value: 7 }).await.unwrap();
    let lost = shaky.call(LoseThreadWriting {});
    let queued = async {
        sleep(Duration::from_millis(1)).await;
        shaky.call(Value {}).await
    };
    let (lost, queued) = join(lost, queued).await;
    assert_eq!(code(lost), -32603, "it may have run");
    assert!(matches!(code(queued), -32003 | 0), "never started, or run on the new state");
    assert_eq!(retry(|| shaky.call(Value {})).await, 0);
    assert_eq!(probe.made.load(Ordering::SeqCst), 2);
}

/// Calls until the service is back.
async fn retry<F: Future<Output = Result<u64, RpcError>>>(call: impl Fn() -> F) -> u64 {
    let calls = async {
        loop {
            match call().await {
                Ok(value) => return value,
                Err(error) => assert_eq!(error.code(), -32003),
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), calls).await.expect("the service comes back")
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let wait = async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

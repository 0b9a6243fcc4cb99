//! Panics, failing factories and lost threads: what becomes of the call, of the calls behind it, and of the state.

#[path = "support/shaky.rs"]
mod shaky;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use callbox::RpcError;
use futures::future::{join, join_all};
use tokio::time::sleep;

use shaky::{
    Block, LoseThread, LoseThreadWriting, PanicAndKeep, PanicComputing, PanicReading, PanicReadingLater, PanicWriting,
    PanicWritingLater, Probe, Set, Shaky, Value, code, shaky, stats, until,
};

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

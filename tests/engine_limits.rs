//! Deadlines, callers that leave, and calls that are turned away.

#[path = "support/shaky.rs"]
mod shaky;

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use callbox::RpcError;
use futures::future::join_all;

use shaky::{Block, Grind, Hurried, Narrow, ReadForEver, Slog, Value, WriteInTheEnd, code, shaky, stats, until};

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
async fn hopeless_work_is_turned_away_at_once_and_the_rest_is_done_in_time() {
    let (_held, _probe, shaky) = shaky();
    for _ in 0..8 {
        shaky.call(Slog {}).await.unwrap();
    }
    let replies = join_all((0..100).map(|_| shaky.call(Slog {}))).await;
    let count =
        |wanted| replies.iter().filter(|reply| reply.as_ref().err().map_or(0, RpcError::code) == wanted).count();
    assert!((5..=20).contains(&count(0)), "20 fit into 200 ms: {} were done", count(0));
    assert!(count(-32000) >= 75, "the others need not wait for that: {} were told", count(-32000));
    let refused = replies.iter().find_map(|reply| reply.as_ref().err().filter(|error| error.code() == -32000)).unwrap();
    assert!(refused.data().unwrap().get().contains("cannot start before its deadline"), "{refused:?}");
}

#[tokio::test]
async fn a_blocked_worker_pool_holds_up_neither_the_service_nor_the_refusals() {
    let (_held, _probe, shaky) = shaky();
    for _ in 0..std::thread::available_parallelism().unwrap().get() {
        shaky.notify(Grind { millis: 300 }).unwrap();
        until("the pool has taken it", || stats(&shaky, "grind").depth == 0).await;
    }
    let start = Instant::now();
    shaky.notify(Grind { millis: 0 }).unwrap();
    shaky.notify(Grind { millis: 0 }).unwrap();
    assert_eq!(code(shaky.call(Grind { millis: 0 }).await), -32000, "two wait already");
    assert_eq!(shaky.call(Value {}).await, Ok(0));
    assert!(start.elapsed() < Duration::from_millis(250), "{:?}", start.elapsed());
    shaky.settled().await;
    assert_eq!(stats(&shaky, "grind").refused, 1);
}

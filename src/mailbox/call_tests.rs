//! The caller's side of a call, in paused time.

use std::pin::pin;
use std::time::Duration;

use callbox::service;
use tokio::time::{Instant, advance, sleep};

use super::call::Call;
use super::entry::Entry;
use super::{Bell, Charge, End, Limit, Quota};
use crate::auth::Caller;
use crate::service::{CallContext, MethodOptions};
use crate::sync::Arc;

const DEADLINE: Duration = Duration::from_secs(30);
/// To what a timer is exact.
const TICK: Duration = Duration::from_millis(2);

struct Mill;

#[service(name = "mill")]
impl Mill {
    #[public_method]
    fn grind(&self) -> u64 {
        0
    }
}

/// A call that has just arrived and waits, and the mailbox that it has a slot of.
fn queued() -> (Arc<Call<Grind>>, Arc<Limit>) {
    let entry = Arc::new(Entry::new::<Grind>("grind".into(), MethodOptions::public(), 0, Arc::<Charge>::default()));
    let (quota, mailbox) = (Quota::new(9, 9, Arc::new(Bell::new(1))), Arc::new(Limit::new(9)));
    let (method, caller, arrived) = (Arc::clone(&entry.name), Caller::anonymous(), Instant::now());
    let deadline = arrived + DEADLINE;
    let context = CallContext { method, caller, arrived, deadline, notification: false, chain: None };
    (Call::new(context, Grind {}, quota.take(&mailbox, 0).unwrap(), entry), mailbox)
}

/// How many calls ended with an answer, at their deadline, and without their caller.
fn ends(call: &Call<Grind>) -> (u64, u64, u64) {
    let counters = &call.entry().meter.counters;
    (counters.answered.get(), counters.expired.get(), counters.abandoned.get())
}

#[track_caller]
fn assert_late(reply: Result<u64, crate::RpcError>, queued_ms: u64) {
    let error = reply.unwrap_err();
    let data: serde_json::Value = serde_json::from_str(error.data().unwrap().get()).unwrap();
    assert_eq!((error.code(), &data["deadline_ms"]), (-32002, &30_000.into()));
    assert!(data["queued_ms"].as_u64().unwrap().abs_diff(queued_ms) <= 2, "{data}");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_waits_is_told_at_its_deadline_and_cannot_start_after_it() {
    let (call, mailbox) = queued();
    let (start, mut reply) = (Instant::now(), pin!(Arc::clone(&call).reply()));
    sleep(DEADLINE - TICK).await;
    assert!(futures::poll!(&mut reply).is_pending() && mailbox.used() == 1, "not before");
    let reply = reply.await;
    assert!(start.elapsed() <= DEADLINE + TICK);
    assert_late(reply, 30_000);
    assert_eq!(mailbox.used(), 0, "its slot is free");
    assert!(call.begin(start, false).is_none() && call.is_over());
    assert_eq!(ends(&call), (0, 1, 0));
    assert_eq!(call.entry().meter.wait.times().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_runs_is_told_at_its_deadline_and_its_end_is_heard_by_nobody() {
    let (call, _) = queued();
    let start = Instant::now();
    let runs = async {
        sleep(Duration::from_secs(10)).await;
        assert!(call.begin(Instant::now(), false).is_some());
    };
    let (reply, ()) = tokio::join!(Arc::clone(&call).reply(), runs);
    assert!(start.elapsed() >= DEADLINE && start.elapsed() <= DEADLINE + TICK);
    assert_late(reply, 10_000);
    assert!(call.is_over(), "a reader drops itself");
    assert!(call.end(Ok(5), End::Answered, Instant::now()).into_waker().is_none());
    assert_eq!(ends(&call), (0, 1, 0), "it ends once");
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_there_when_the_deadline_passes_is_given() {
    let (call, _) = queued();
    let mut reply = pin!(Arc::clone(&call).reply());
    assert!(futures::poll!(&mut reply).is_pending());
    assert!(call.begin(Instant::now(), false).is_some());
    advance(DEADLINE - TICK).await;
    call.end(Ok(5), End::Answered, Instant::now()).wake();
    // Its caller looks only after both.
    advance(TICK * 2).await;
    assert_eq!(reply.await, Ok(5));
    assert_eq!(ends(&call), (1, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_gives_its_call_up_at_once() {
    let (call, mailbox) = queued();
    {
        let mut reply = pin!(Arc::clone(&call).reply());
        assert!(futures::poll!(&mut reply).is_pending());
    }
    assert_eq!(mailbox.used(), 0, "its slot is free");
    assert!(call.begin(Instant::now(), false).is_none() && call.is_over());
    sleep(DEADLINE * 2).await;
    assert_eq!(ends(&call), (0, 0, 1), "it ends once");
}

//! Calls, in paused time.

use std::pin::pin;
use std::sync::OnceLock;
use std::time::Duration;

use callbox::service;
use tokio::time::{Instant, advance, sleep};

use super::super::backlog::MIN_SAMPLES;
use super::super::method_entry::MethodEntry;
use super::super::{Bell, MailboxShare, MailboxSlots, Quota};
use super::Call;
use crate::auth::Caller;
use crate::measure::{CallEnd, Counter};
use crate::service::{CallContext, CallerPlace, CancelFlag, MethodOptions, OwnTrace};
use crate::sync::Arc;

const DEADLINE: Duration = Duration::from_secs(30);
/// Resolution of a timer.
const TICK: Duration = Duration::from_millis(2);

struct Thermometer;

#[service(name = "thermometer")]
impl Thermometer {
    #[public_method]
    fn measure(&self) -> u64 {
        0
    }
}

fn entry() -> Arc<MethodEntry> {
    let slots = MailboxSlots::new(9, Quota::new(9, 9, Arc::new(Bell::new(1))));
    let share = MailboxShare::new(0, slots, 1);
    Arc::new(MethodEntry::new::<Thermometer, Thermometer_Measure>("measure", MethodOptions::public(), &share))
}

/// A call that has just arrived and waits.
fn queued(entry: &Arc<MethodEntry>) -> Arc<Call<Thermometer_Measure>> {
    let (method, caller, arrived) = (entry.name, Caller::anonymous(), Instant::now());
    let deadline = arrived + DEADLINE;
    let context = CallContext {
        method,
        caller,
        arrived,
        deadline,
        notification: false,
        chain: None,
        request: OnceLock::new(),
        number: None,
        services: None,
        progress: None,
        cancelled: CancelFlag::default(),
        place: CallerPlace::default(),
        trace: OwnTrace::default(),
    };
    Call::new(context, Thermometer_Measure {}, entry.slots.try_acquire(0).unwrap(), entry, None)
}

/// Number of calls that ended with a result, at their deadline, and without their caller.
fn ends(entry: &MethodEntry) -> [u64; 3] {
    [Counter::Answered, Counter::Expired, Counter::Abandoned].map(|count| entry.meter.counters.get(count))
}

#[track_caller]
fn assert_late(reply: Result<u64, crate::RpcError>, queued_ms: u64) {
    let error = reply.unwrap_err();
    let data: serde_json::Value = serde_json::from_str(error.data().unwrap().get()).unwrap();
    assert_eq!((error.code(), &data["deadline_ms"]), (-32002, &30_000.into()));
    assert!(data["queued_ms"].as_u64().unwrap().abs_diff(queued_ms) <= 2, "{data}");
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_expires_at_its_deadline_and_cannot_start_after_it() {
    let entry = entry();
    let call = queued(&entry);
    let (start, mut reply) = (Instant::now(), pin!(Arc::clone(&call).reply()));
    sleep(DEADLINE - TICK).await;
    assert!(futures::poll!(&mut reply).is_pending() && entry.slots.used() == 1, "not before");
    let reply = reply.await;
    assert!(start.elapsed() <= DEADLINE + TICK);
    assert_late(reply, 30_000);
    assert_eq!(entry.slots.used(), 0, "its slot is free");
    assert!(call.begin(start).is_none() && call.is_over());
    assert_eq!(ends(&entry), [0, 1, 0]);
    assert_eq!(entry.meter.counters.wait().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_running_call_expires_at_its_deadline_and_its_later_end_is_ignored() {
    let entry = entry();
    let call = queued(&entry);
    let start = Instant::now();
    let runs = async {
        sleep(Duration::from_secs(10)).await;
        assert!(call.begin(Instant::now()).is_some());
    };
    let (reply, ()) = tokio::join!(Arc::clone(&call).reply(), runs);
    assert!(start.elapsed() >= DEADLINE && start.elapsed() <= DEADLINE + TICK);
    assert_late(reply, 10_000);
    assert!(call.is_over(), "a reader drops itself");
    assert!(call.end(Ok(5), CallEnd::Answered, Instant::now()).into_waker().is_none());
    assert_eq!(ends(&entry), [0, 1, 0], "it ends once");
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_before_its_first_poll_gives_its_call_up() {
    let entry = entry();
    let call = queued(&entry);
    drop(Arc::clone(&call).reply());
    assert!(call.begin(Instant::now()).is_none());
    assert_eq!((ends(&entry), entry.slots.used()), ([0, 0, 1], 0));
}

/// As after a suspension of the process.
#[tokio::test(start_paused = true)]
async fn a_result_that_its_caller_finds_after_the_deadline_is_not_delivered() {
    let entry = entry();
    for looks_before in [true, false] {
        let call = queued(&entry);
        let mut reply = pin!(Arc::clone(&call).reply());
        assert!(!looks_before || futures::poll!(&mut reply).is_pending());
        assert!(call.begin(Instant::now()).is_some());
        advance(DEADLINE - TICK).await;
        call.end(Ok(5), CallEnd::Answered, Instant::now()).wake();
        advance(TICK * 2).await;
        assert_late(reply.await, 0);
    }
    assert_eq!(ends(&entry), [2, 0, 0], "the method did answer in time");
}

#[tokio::test(start_paused = true)]
async fn a_result_after_the_deadline_is_dropped_whether_its_caller_has_polled_or_not() {
    let entry = entry();
    let call = queued(&entry);
    let reply = Arc::clone(&call).reply();
    advance(Duration::from_secs(1)).await;
    assert!(call.begin(Instant::now()).is_some());
    advance(DEADLINE).await;
    call.end(Ok(5), CallEnd::Answered, Instant::now()).wake();
    assert_late(reply.await, 1000);
    assert_eq!(ends(&entry), [0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_leaves_gives_its_call_up_at_once() {
    let entry = entry();
    let call = queued(&entry);
    {
        let mut reply = pin!(Arc::clone(&call).reply());
        assert!(futures::poll!(&mut reply).is_pending());
    }
    assert_eq!(entry.slots.used(), 0, "its slot is free");
    assert!(call.begin(Instant::now()).is_none() && call.is_over());
    sleep(DEADLINE * 2).await;
    assert_eq!(ends(&entry), [0, 0, 1], "it ends once");
}

#[tokio::test(start_paused = true)]
async fn a_call_that_would_end_late_gives_way_to_the_calls_behind_it() {
    let entry = entry();
    let deadline = Instant::now() + DEADLINE;
    let usual = Duration::from_millis(30);
    let late = deadline - usual / 2;

    // Each call begins while it is alone, unless another one was made before.
    let begin = |at| queued(&entry).begin(at).is_some();
    assert!(begin(late), "nobody else would gain from its time");
    let other = queued(&entry);
    assert!(begin(late), "nobody knows yet how long it takes");
    (0..MIN_SAMPLES).for_each(|_| entry.meter.cost.record_run(usual));
    assert!(begin(deadline - usual * 2), "there is time enough");
    let first = queued(&entry);
    assert!(first.begin(late).is_none() && first.is_over());
    assert!(other.begin(late).is_some(), "nobody else would gain from its time");
    assert!(!begin(deadline), "there is no time at all");
}

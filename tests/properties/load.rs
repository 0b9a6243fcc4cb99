//! Random loads: the steps of callers, from several threads at once, and their results.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use callbox::{RpcError, ServiceRef};
use futures::future::join_all;
use proptest::prelude::*;
use tokio::time::{sleep, timeout};

use crate::observed_service::{
    Busy, Busy_Fail, Busy_Grind, Busy_LoseThread, Busy_PanicKeeping, Busy_PanicReading, Busy_PanicWriting,
    Busy_PanicWritingLater, Busy_Read, Busy_ReadHurried, Busy_ReadLater, Busy_Write, Busy_WriteHurried,
    Busy_WriteLater,
};

/// No caller waits for longer: one that does was forgotten.
const PATIENCE: Duration = Duration::from_secs(20);

/// Which method is called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Read,
    Write,
    ReadLater,
    WriteLater,
    ReadHurried,
    WriteHurried,
    Fail,
    PanicReading,
    PanicKeeping,
    Grind,
    /// The state is lost with it.
    PanicWriting,
    PanicWritingLater,
    LoseThread,
    LoseThreadHalfWay,
}

/// One call: of what, for how long, when, and after what time its caller leaves, if it does.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) what: What,
    micros: u64,
    pause: u64,
    leaves_after: Option<u64>,
}

/// A call after which the service goes on with the same state.
pub(crate) fn gentle() -> impl Strategy<Value = What> {
    use What::{
        Fail, Grind, PanicKeeping, PanicReading, Read, ReadHurried, ReadLater, Write, WriteHurried, WriteLater,
    };
    let frequent = [Read, Write, ReadLater, ReadLater, WriteLater, ReadHurried, WriteHurried, Grind];
    prop_oneof![
        3 => proptest::sample::select(frequent.to_vec()),
        1 => proptest::sample::select(vec![Fail, PanicReading, PanicKeeping]),
    ]
}

/// A call that costs the service its state, or its thread.
pub(crate) fn rough() -> impl Strategy<Value = What> {
    use What::{LoseThread, LoseThreadHalfWay, PanicWriting, PanicWritingLater};
    proptest::sample::select(vec![PanicWriting, PanicWritingLater, LoseThread, LoseThreadHalfWay])
}

pub(crate) fn step(what: impl Strategy<Value = What>) -> impl Strategy<Value = Step> {
    let leaves = prop_oneof![3 => Just(None), 1 => (0..400u64).prop_map(Some)];
    let pause = prop_oneof![1 => Just(0), 1 => 0..1500u64];
    (what, 0..300u64, pause, leaves).prop_map(|(what, micros, pause, leaves_after)| Step {
        what,
        micros,
        pause,
        leaves_after,
    })
}

/// How a call ended for its caller. `None`: the caller left.
pub(crate) type Told = Option<Result<u32, i32>>;

/// What became of a load. Calls have the numbers of their places here.
pub(crate) struct Outcome {
    /// What the calls on the worker pool know the load by.
    pub(crate) load: u64,
    pub(crate) calls: Vec<(What, Told)>,
}

/// Makes all calls, those of each list from a thread of its own.
pub(crate) fn run(busy: &ServiceRef<Busy>, lists: &[Vec<Step>]) -> Outcome {
    static LOADS: AtomicU64 = AtomicU64::new(0);
    let load = LOADS.fetch_add(1, Ordering::Relaxed);
    let steps: Arc<Vec<Step>> = Arc::new(lists.iter().flatten().cloned().collect());
    let mut first = 0;
    let mut threads = Vec::new();
    for list in lists {
        let (busy, steps, mine) = (busy.clone(), Arc::clone(&steps), first..first + list.len());
        first = mine.end;
        threads.push(std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
            runtime.block_on(join_all(mine.map(|index| caller(&busy, load, index as u32, &steps[index]))))
        }));
    }
    let calls = threads.into_iter().flat_map(|thread| thread.join().expect("no caller panics")).collect();
    Outcome { load, calls }
}

async fn caller(busy: &ServiceRef<Busy>, load: u64, number: u32, step: &Step) -> (What, Told) {
    sleep(Duration::from_micros(step.pause)).await;
    let reply = call(busy, load, number, step);
    let result = match step.leaves_after {
        None => match timeout(PATIENCE, reply).await {
            Ok(result) => Some(result),
            Err(_) => panic!("{number}, a call of {:?}, has no answer: {:?}", step.what, busy.stats()),
        },
        Some(micros) => timeout(Duration::from_micros(micros), reply).await.ok(),
    };
    for stats in busy.stats() {
        assert!(stats.depth <= stats.capacity, "{stats:?}");
    }
    (step.what, result)
}

async fn call(busy: &ServiceRef<Busy>, load: u64, call: u32, step: &Step) -> Result<u32, i32> {
    let micros = step.micros;
    let reply = match step.what {
        What::Read => busy.call(Busy_Read { call, micros }).await,
        What::Write => busy.call(Busy_Write { call, micros }).await,
        What::ReadLater => busy.call(Busy_ReadLater { call, micros }).await,
        What::WriteLater => busy.call(Busy_WriteLater { call, micros }).await,
        What::ReadHurried => busy.call(Busy_ReadHurried { call, micros }).await,
        What::WriteHurried => busy.call(Busy_WriteHurried { call, micros }).await,
        What::Fail => busy.call(Busy_Fail { call }).await,
        What::PanicReading => busy.call(Busy_PanicReading { call }).await,
        What::PanicKeeping => busy.call(Busy_PanicKeeping { call }).await,
        What::Grind => busy.call(Busy_Grind { load, call, micros }).await,
        What::PanicWriting => busy.call(Busy_PanicWriting { call }).await,
        What::PanicWritingLater => busy.call(Busy_PanicWritingLater { call }).await,
        What::LoseThread => busy.call(Busy_LoseThread { call, half_way: false }).await,
        What::LoseThreadHalfWay => busy.call(Busy_LoseThread { call, half_way: true }).await,
    };
    reply.map_err(|error: RpcError| error.code())
}

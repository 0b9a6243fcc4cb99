//! Experiment 3: methods of different costs, all with more calls than can be served, and how
//! they share the time of the actor.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use actix::{Actor, Addr, Arbiter, Context};
use callbox::{Handler, Handles, Message, MethodOptions, MethodTable, RpcError, Server, Service, ServiceRef, testing};
use futures::future::LocalBoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Run;
use crate::load::block_on;
use crate::service::spin;
use callbox_benches::bound::Bound;

/// Costs of a call of each method, in microseconds.
const EVEN: [u64; 8] = [10, 20, 40, 80, 160, 320, 640, 1000];
/// Costs of a call of the methods with weights, in microseconds, and their weights.
const WEIGHTED: [u64; 3] = [50, 200, 500];
const WEIGHTS: [u32; 3] = [4, 2, 1];

/// Number of callers of each method. Each calls again as soon as its call has ended.
const CALLERS: usize = 256;

pub(crate) fn run(run: &mut Run<'_>) {
    let time = run.secs(2.0, 0.6);
    for _ in 0..run.repeats() {
        run.calibrate();
        for ours in [true, false] {
            let name = if ours { "callbox" } else { "actix addr.send" };
            let target = |target| ours.then_some(target);

            let shares = measure::<false>(&EVEN, ours, time);
            run.note(&name, "8 methods of 10 µs to 1 ms: Jain index", "", jain(&shares), target(Bound::AtLeast(0.99)));

            let shares = measure::<true>(&WEIGHTED, ours, time);
            let off = worst_share(&shares);
            run.note(&name, "weights 4:2:1: worst share, off by", "%", off, target(Bound::AtMost(5.0)));
        }
    }
}

/// Returns Jain's index: 1 if all have the same, 1 ÷ n if one has everything.
fn jain(shares: &[f64]) -> f64 {
    let sum: f64 = shares.iter().sum();
    let squares: f64 = shares.iter().map(|time| time * time).sum();
    sum * sum / (shares.len() as f64 * squares)
}

/// Returns the largest deviation of a share from its weight, in percent of the weight.
fn worst_share(shares: &[f64]) -> f64 {
    let (all, weights) = (shares.iter().sum::<f64>(), f64::from(WEIGHTS.iter().sum::<u32>()));
    let off = |(shares, weight): (&f64, u32)| (shares / all * weights / f64::from(weight) - 1.0).abs();
    100.0 * shares.iter().zip(WEIGHTS).map(off).fold(0.0, f64::max)
}

/// Time on the actor's thread by method, in nanoseconds.
struct CpuTimes {
    costs: &'static [u64],
    nanos: Vec<AtomicU64>,
}

/// The state of callbox's service, and the plain actor.
struct FairnessService<const WEIGHTS: bool>(Arc<CpuTimes>);

impl<const W: bool> FairnessService<W> {
    fn burn(&self, method: usize) {
        let begin = Instant::now();
        spin(Duration::from_micros(self.0.costs[method]));
        self.0.nanos[method].fetch_add(u64::try_from(begin.elapsed().as_nanos()).unwrap_or(0), Ordering::Relaxed);
    }
}

/// The message of method number `INDEX`.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Burn<const W: bool, const INDEX: usize> {}

impl<const W: bool, const INDEX: usize> Message for Burn<W, INDEX> {
    type Output = ();
    type Error = RpcError;
    const NAME: &'static str = ["a", "b", "c", "d", "e", "f", "g", "h"][INDEX];
    const PARAMS: &'static [&'static str] = &[];
}

impl<const W: bool, const INDEX: usize> Handles<Burn<W, INDEX>> for FairnessService<W> {
    const HANDLER: Handler<Self, Burn<W, INDEX>> = Handler::Write(|service: &mut Self, _, _| {
        service.burn(INDEX);
        Ok(())
    });
}

impl<const W: bool> Service for FairnessService<W> {
    const NAME: &'static str = "bench.fairness";

    fn methods(table: &mut impl MethodTable<Self>) {
        let options = |method: usize| {
            let options = MethodOptions::public();
            if W { options.weight(WEIGHTS[method]) } else { options }
        };
        table.add::<Burn<W, 0>>(options(0));
        table.add::<Burn<W, 1>>(options(1));
        table.add::<Burn<W, 2>>(options(2));
        if !W {
            table.add::<Burn<W, 3>>(options(3));
            table.add::<Burn<W, 4>>(options(4));
            table.add::<Burn<W, 5>>(options(5));
            table.add::<Burn<W, 6>>(options(6));
            table.add::<Burn<W, 7>>(options(7));
        }
    }
}

impl<const W: bool> Actor for FairnessService<W> {
    type Context = Context<Self>;
}

impl<const W: bool, const INDEX: usize> actix::Message for Burn<W, INDEX> {
    type Result = ();
}

impl<const W: bool, const INDEX: usize> actix::Handler<Burn<W, INDEX>> for FairnessService<W> {
    type Result = ();

    fn handle(&mut self, _: Burn<W, INDEX>, _: &mut Self::Context) {
        self.burn(INDEX);
    }
}

/// Returns the time of each method, in seconds.
fn measure<const W: bool>(costs: &'static [u64], ours: bool, time: Duration) -> Vec<f64> {
    let times = Arc::new(CpuTimes { costs, nanos: costs.iter().map(|_| AtomicU64::new(0)).collect() });
    let for_state = Arc::clone(&times);
    if ours {
        let server = testing::start(Server::new(move || FairnessService::<W>(Arc::clone(&for_state))));
        let service = CallboxClient::<W>(server.service());
        return keep_mailboxes_full(&times, time, |method| call_method(method, &service));
    }
    let (sender, receiver) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix::System::new().block_on(async move {
            let arbiter = Arbiter::new();
            let _ = sender.send((
                FairnessService::<W>::start_in_arbiter(&arbiter.handle(), move |_| FairnessService(for_state)),
                arbiter,
            ));
        });
    });
    let (addr, arbiter) = receiver.recv().expect("the baseline starts");
    let shares = keep_mailboxes_full(&times, time, |method| call_method(method, &addr));
    drop(addr);
    arbiter.stop();
    let _ = (arbiter.join(), thread.join());
    shares
}

/// Keeps the mailboxes of all methods full.
fn keep_mailboxes_full<F: Future>(times: &CpuTimes, time: Duration, call: impl Fn(usize) -> F) -> Vec<f64> {
    let call = |method: usize| {
        let call = call(method);
        async move {
            call.await;
            method
        }
    };
    let now = || -> Vec<u64> { times.nanos.iter().map(|nanos| nanos.load(Ordering::Relaxed)).collect() };
    block_on(async {
        let service = 0..times.costs.len();
        let mut calls: FuturesUnordered<_> = (0..CALLERS).flat_map(|_| service.clone()).map(&call).collect();
        let warm = Instant::now() + time / 5;
        let (mut begin, mut end) = (None, None);
        while let Some(method) = calls.next().await {
            let instant = Instant::now();
            if begin.is_none() && instant >= warm {
                begin = Some(now());
            }
            if instant >= warm + time {
                end = Some(now());
                break;
            }
            calls.push(call(method));
        }
        let (begin, end) = (begin.unwrap_or_default(), end.unwrap_or_default());
        begin.iter().zip(end).map(|(begin, end)| (end - begin) as f64 / 1e9).collect()
    })
}

/// Calls a method, through callbox or as a plain actor.
trait CallMethod<const W: bool> {
    fn call<const INDEX: usize>(&self) -> LocalBoxFuture<'_, ()>;
}

struct CallboxClient<const W: bool>(ServiceRef<FairnessService<W>>);

impl<const W: bool> CallMethod<W> for CallboxClient<W> {
    fn call<const INDEX: usize>(&self) -> LocalBoxFuture<'_, ()> {
        Box::pin(async {
            let _ = self.0.call(Burn::<W, INDEX> {}).await;
        })
    }
}

impl<const W: bool> CallMethod<W> for Addr<FairnessService<W>> {
    fn call<const INDEX: usize>(&self) -> LocalBoxFuture<'_, ()> {
        let sent = self.send(Burn::<W, INDEX> {});
        Box::pin(async move {
            let _ = sent.await;
        })
    }
}

fn call_method<const W: bool, C: CallMethod<W>>(method: usize, to: &C) -> LocalBoxFuture<'_, ()> {
    match method {
        0 => to.call::<0>(),
        1 => to.call::<1>(),
        2 => to.call::<2>(),
        3 => to.call::<3>(),
        4 => to.call::<4>(),
        5 => to.call::<5>(),
        6 => to.call::<6>(),
        _ => to.call::<7>(),
    }
}

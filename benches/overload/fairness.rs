//! Experiment 3: methods of unlike costs, all with more calls than can be served. Who gets how much of the actor's time?

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
use crate::bodies::spin;
use crate::load::block_on;
use crate::report::Target;

/// What the calls of each method cost, in microseconds.
const EVEN: [u64; 8] = [10, 20, 40, 80, 160, 320, 640, 1000];
/// The same for the methods with weights, and their weights.
const WEIGHTED: [u64; 3] = [50, 200, 500];
const WEIGHTS: [u32; 3] = [4, 2, 1];

/// Callers of each method, each of which calls again as soon as it is answered.
const CALLERS: usize = 256;

pub(crate) fn run(run: &mut Run<'_>) {
    let time = run.secs(2.0, 0.6);
    for _ in 0..run.repeats() {
        run.calibrate();
        for ours in [true, false] {
            let name = if ours { "callbox" } else { "actix addr.send" };
            let target = |target| ours.then_some(target);

            let got = measure::<false>(&EVEN, ours, time);
            run.note(&name, "8 methods of 10 µs to 1 ms: Jain index", "", jain(&got), target(Target::AtLeast(0.99)));

            let got = measure::<true>(&WEIGHTED, ours, time);
            let off = worst_share(&got);
            run.note(&name, "weights 4:2:1: worst share, off by", "%", off, target(Target::AtMost(5.0)));
        }
    }
}

/// 1 if all have the same, 1 ÷ n if one has it all.
fn jain(got: &[f64]) -> f64 {
    let sum: f64 = got.iter().sum();
    let squares: f64 = got.iter().map(|time| time * time).sum();
    sum * sum / (got.len() as f64 * squares)
}

/// How far the worst share is from what its weight says, in percent of that.
fn worst_share(got: &[f64]) -> f64 {
    let (all, weights) = (got.iter().sum::<f64>(), f64::from(WEIGHTS.iter().sum::<u32>()));
    let off = |(got, weight): (&f64, u32)| (got / all * weights / f64::from(weight) - 1.0).abs();
    100.0 * got.iter().zip(WEIGHTS).map(off).fold(0.0, f64::max)
}

/// Time on the actor's thread by method, in nanoseconds.
struct Busy {
    costs: &'static [u64],
    nanos: Vec<AtomicU64>,
}

/// The state of callbox's service, and the plain actor.
struct Lanes<const WEIGHTS: bool>(Arc<Busy>);

impl<const W: bool> Lanes<W> {
    fn grind(&self, lane: usize) {
        let begin = Instant::now();
        spin(Duration::from_micros(self.0.costs[lane]));
        self.0.nanos[lane].fetch_add(u64::try_from(begin.elapsed().as_nanos()).unwrap_or(0), Ordering::Relaxed);
    }
}

/// The message of method number `LANE`.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Grind<const W: bool, const LANE: usize> {}

impl<const W: bool, const LANE: usize> Message for Grind<W, LANE> {
    type Output = ();
    type Error = RpcError;
    const NAME: &'static str = ["a", "b", "c", "d", "e", "f", "g", "h"][LANE];
    const PARAMS: &'static [&'static str] = &[];
}

impl<const W: bool, const LANE: usize> Handles<Grind<W, LANE>> for Lanes<W> {
    const HANDLER: Handler<Self, Grind<W, LANE>> = Handler::Write(|lanes: &mut Self, _, _| {
        lanes.grind(LANE);
        Ok(())
    });
}

impl<const W: bool> Service for Lanes<W> {
    const NAME: &'static str = "lanes";

    fn methods(table: &mut impl MethodTable<Self>) {
        let options = |lane: usize| {
            let options = MethodOptions::public();
            if W { options.weight(WEIGHTS[lane]) } else { options }
        };
        table.add::<Grind<W, 0>>(options(0));
        table.add::<Grind<W, 1>>(options(1));
        table.add::<Grind<W, 2>>(options(2));
        if !W {
            table.add::<Grind<W, 3>>(options(3));
            table.add::<Grind<W, 4>>(options(4));
            table.add::<Grind<W, 5>>(options(5));
            table.add::<Grind<W, 6>>(options(6));
            table.add::<Grind<W, 7>>(options(7));
        }
    }
}

impl<const W: bool> Actor for Lanes<W> {
    type Context = Context<Self>;
}

impl<const W: bool, const LANE: usize> actix::Message for Grind<W, LANE> {
    type Result = ();
}

impl<const W: bool, const LANE: usize> actix::Handler<Grind<W, LANE>> for Lanes<W> {
    type Result = ();

    fn handle(&mut self, _: Grind<W, LANE>, _: &mut Self::Context) {
        self.grind(LANE);
    }
}

/// What each method got, in seconds.
fn measure<const W: bool>(costs: &'static [u64], ours: bool, time: Duration) -> Vec<f64> {
    let busy = Arc::new(Busy { costs, nanos: costs.iter().map(|_| AtomicU64::new(0)).collect() });
    let for_state = Arc::clone(&busy);
    if ours {
        let server = testing::start(Server::new(move || Lanes::<W>(Arc::clone(&for_state))));
        let service = To::<W>(server.service());
        return keep_full(&busy, time, |lane| by_lane(lane, &service));
    }
    let (tell, told) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        actix::System::new().block_on(async move {
            let arbiter = Arbiter::new();
            let _ = tell.send((Lanes::<W>::start_in_arbiter(&arbiter.handle(), move |_| Lanes(for_state)), arbiter));
        });
    });
    let (addr, arbiter) = told.recv().expect("the baseline starts");
    let got = keep_full(&busy, time, |lane| by_lane(lane, &addr));
    drop(addr);
    arbiter.stop();
    let _ = (arbiter.join(), thread.join());
    got
}

/// Keeps the mailboxes of all methods full.
fn keep_full<F: Future>(busy: &Busy, time: Duration, call: impl Fn(usize) -> F) -> Vec<f64> {
    let call = |lane: usize| {
        let call = call(lane);
        async move {
            call.await;
            lane
        }
    };
    let now = || -> Vec<u64> { busy.nanos.iter().map(|nanos| nanos.load(Ordering::Relaxed)).collect() };
    block_on(async {
        let lanes = 0..busy.costs.len();
        let mut calls: FuturesUnordered<_> = (0..CALLERS).flat_map(|_| lanes.clone()).map(&call).collect();
        let warm = Instant::now() + time / 5;
        let (mut begin, mut end) = (None, None);
        while let Some(lane) = calls.next().await {
            let instant = Instant::now();
            if begin.is_none() && instant >= warm {
                begin = Some(now());
            }
            if instant >= warm + time {
                end = Some(now());
                break;
            }
            calls.push(call(lane));
        }
        let (begin, end) = (begin.unwrap_or_default(), end.unwrap_or_default());
        begin.iter().zip(end).map(|(begin, end)| (end - begin) as f64 / 1e9).collect()
    })
}

/// Either way to call a method.
trait Call<const W: bool> {
    fn call<const LANE: usize>(&self) -> LocalBoxFuture<'_, ()>;
}

struct To<const W: bool>(ServiceRef<Lanes<W>>);

impl<const W: bool> Call<W> for To<W> {
    fn call<const LANE: usize>(&self) -> LocalBoxFuture<'_, ()> {
        Box::pin(async {
            let _ = self.0.call(Grind::<W, LANE> {}).await;
        })
    }
}

impl<const W: bool> Call<W> for Addr<Lanes<W>> {
    fn call<const LANE: usize>(&self) -> LocalBoxFuture<'_, ()> {
        let sent = self.send(Grind::<W, LANE> {});
        Box::pin(async move {
            let _ = sent.await;
        })
    }
}

fn by_lane<const W: bool, C: Call<W>>(lane: usize, to: &C) -> LocalBoxFuture<'_, ()> {
    match lane {
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

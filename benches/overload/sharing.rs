//! Experiment 4: calls that wait, together, and what a writer among them costs the others.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::Run;
use crate::baseline::FOR_EVER;
use crate::bodies::{Bench_Change, Bench_Linger};
use crate::load::{End, Schedule, block_on, open_loop};
use crate::report::Target;
use crate::site::{Kind, Site};
use crate::stats::{Latencies, class, count};
use callbox_benches::figures::median;

/// How long a reader waits with the state in hand, and a writer.
const READ: u64 = 10;
const WRITE: u64 = 2;

const READERS: usize = 0;
const WRITERS: usize = 1;
pub(crate) fn run(run: &mut Run<'_>) {
    for _ in 0..run.repeats() {
        run.calibrate();
        for kind in [Kind::Inline, Kind::Plain] {
            together(run, kind);
        }
        among_writers(run);
    }
}

/// 64 readers at once.
fn together(run: &mut Run<'_>, kind: Kind) {
    let site = Site::start(kind);
    let rounds = if kind.is_ours() { 20 } else { 2 };
    let round = async || {
        let begin = Instant::now();
        join_all((0..64).map(|_| site.reach.call(Bench_Linger { millis: READ, seen: 0 }, FOR_EVER))).await;
        begin.elapsed().as_secs_f64() * 1e3
    };
    let times = block_on(async {
        let mut times = Vec::new();
        for _ in 0..rounds {
            times.push(round().await);
        }
        times
    });
    let name = if kind.is_ours() { "callbox" } else { "actix AtomicResponse" };
    let target = kind.is_ours().then_some(Target::AtMost(12.0));
    run.note(&name, "64 async &self calls of 10 ms: all of them", "ms", median(&times), target);
}

/// A writer for each nineteen readers.
fn among_writers(run: &mut Run<'_>) {
    let time = run.secs(3.0, 1.0);
    let site = Site::start(Kind::Inline);
    let (reach, watch) = (&site.reach, &site.watch);
    let schedule =
        Schedule::default().random(READERS, 760.0, Duration::ZERO, time).random(WRITERS, 40.0, Duration::ZERO, time);
    let records = open_loop(schedule, Duration::from_secs(2), |arrival| async move {
        if arrival.class == READERS {
            let seen = watch.writers.load(Ordering::Relaxed);
            reach.call(Bench_Linger { millis: READ, seen }, FOR_EVER).await
        } else {
            reach.call(Bench_Change { millis: WRITE }, FOR_EVER).await
        }
    });
    let name = "callbox";
    let phases = watch.writer_phases.load(Ordering::Relaxed) as f64;
    run.note(
        &name,
        "5 % writers: the most that began before a reader that waited",
        "",
        phases,
        Some(Target::AtMost(1.0)),
    );
    let lost = records.len() as f64 - count(records.iter(), End::Answered);
    run.note(&name, "5 % writers: calls without answer", "", lost, Some(Target::AtMost(0.0)));
    run.note(&name, "5 % writers: p99 of a reader", "ms", Latencies::of(class(&records, READERS)).p99(), None);
    run.note(&name, "5 % writers: p99 of a writer", "ms", Latencies::of(class(&records, WRITERS)).p99(), None);
}

//! Experiment 4: calls that wait concurrently, and the cost of a writer among them.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use futures::future::join_all;

use crate::Run;
use crate::baseline::NO_TIMEOUT;
use crate::latencies::{LatencyHistogram, class, count};
use crate::load::{Outcome, Schedule, block_on, open_loop};
use crate::service::{Bench_SlowRead, Bench_SlowWrite};
use crate::subject::{Subject, SubjectKind};
use callbox_benches::bound::Bound;
use callbox_benches::figures::median;

/// Times for which a reader and a writer wait with the state, in milliseconds.
const READ_MILLIS: u64 = 10;
const WRITE_MILLIS: u64 = 2;

const READER_CLASS: usize = 0;
const WRITER_CLASS: usize = 1;

pub(crate) fn run(run: &mut Run<'_>) {
    for _ in 0..run.repeats() {
        run.calibrate();
        for kind in [SubjectKind::Inline, SubjectKind::Plain] {
            read_concurrently(run, kind);
        }
        read_among_writers(run);
    }
}

/// Runs 64 readers at once.
fn read_concurrently(run: &mut Run<'_>, kind: SubjectKind) {
    let subject = Subject::start(kind);
    let rounds = if kind.is_callbox() { 20 } else { 2 };
    let round = async || {
        let begin = Instant::now();
        join_all((0..64).map(|_| subject.client.call(Bench_SlowRead { millis: READ_MILLIS, seen: 0 }, NO_TIMEOUT)))
            .await;
        begin.elapsed().as_secs_f64() * 1e3
    };
    let times = block_on(async {
        let mut times = Vec::new();
        for _ in 0..rounds {
            times.push(round().await);
        }
        times
    });
    let name = if kind.is_callbox() { "callbox" } else { "actix AtomicResponse" };
    let target = kind.is_callbox().then_some(Bound::AtMost(12.0));
    run.note(&name, "64 async &self calls of 10 ms: all of them", "ms", median(&times), target);
}

/// Runs one writer for every nineteen readers.
fn read_among_writers(run: &mut Run<'_>) {
    let time = run.secs(3.0, 1.0);
    let subject = Subject::start(SubjectKind::Inline);
    let (client, observations) = (&subject.client, &subject.observations);
    let schedule = Schedule::default().random(READER_CLASS, 760.0, Duration::ZERO, time).random(
        WRITER_CLASS,
        40.0,
        Duration::ZERO,
        time,
    );
    let records = open_loop(schedule, Duration::from_secs(2), |arrival| async move {
        if arrival.class == READER_CLASS {
            let seen = observations.writers.load(Ordering::Relaxed);
            client.call(Bench_SlowRead { millis: READ_MILLIS, seen }, NO_TIMEOUT).await
        } else {
            client.call(Bench_SlowWrite { millis: WRITE_MILLIS }, NO_TIMEOUT).await
        }
    });
    let name = "callbox";
    let phases = observations.writer_phases.load(Ordering::Relaxed) as f64;
    run.note(
        &name,
        "5 % writers: most writers that started before a queued reader",
        "",
        phases,
        Some(Bound::AtMost(1.0)),
    );
    let lost = records.len() as f64 - count(records.iter(), Outcome::Answered);
    run.note(&name, "5 % writers: calls without a result", "", lost, Some(Bound::AtMost(0.0)));
    run.note(
        &name,
        "5 % writers: p99 of a reader",
        "ms",
        LatencyHistogram::of(class(&records, READER_CLASS)).p99(),
        None,
    );
    run.note(
        &name,
        "5 % writers: p99 of a writer",
        "ms",
        LatencyHistogram::of(class(&records, WRITER_CLASS)).p99(),
        None,
    );
}

//! Experiment 2: goodput, which is the number of calls answered in time, over the offered load.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::Run;
use crate::latencies::{LatencyHistogram, due};
use crate::load::{CallRecord, Outcome, Schedule, open_loop};
use callbox_benches::bound::Bound;

use crate::report::write_chart;
use crate::service::{Bench_Timed, DEADLINE};
use crate::subject::{Subject, SubjectKind};
use callbox_benches::figures::median;
use callbox_cli::plot::{Axis, Chart, Line};

/// Cost of a call, in microseconds, and the capacity in calls per second.
const MICROS: u64 = 1000;
const CAPACITY: f64 = 1000.0;

/// The subjects. The semaphore has as many permits as calls can be served within three quarters of
/// the deadline.
const SUBJECTS: [SubjectKind; 4] =
    [SubjectKind::Inline, SubjectKind::Mailbox, SubjectKind::Plain, SubjectKind::Semaphore(150)];

pub(crate) fn run(run: &mut Run<'_>) {
    let time = run.secs(3.0, 0.8);
    let loads: &[f64] = if run.quick { &[1.0, 2.0, 10.0] } else { &[1.0, 1.5, 2.0, 4.0, 10.0] };
    let mut lines: Vec<_> = SUBJECTS.iter().map(|kind| Line { name: kind.to_string(), points: Vec::new() }).collect();
    let mut goodputs = vec![vec![Vec::new(); loads.len()]; SUBJECTS.len()];
    for _ in 0..run.repeats() {
        run.calibrate();
        for (goodputs, kind) in goodputs.iter_mut().zip(SUBJECTS) {
            for (goodputs, &load) in goodputs.iter_mut().zip(loads) {
                goodputs.push(measure(run, kind, load, time));
            }
            let now = |load: f64| {
                let at = loads.iter().position(|here| *here == load);
                at.and_then(|at| goodputs[at].last().copied()).unwrap_or(f64::NAN)
            };
            let peak = loads.iter().map(|load| now(*load)).fold(0.0, f64::max);
            for (load, min_percent) in [(2.0, 95.0), (10.0, 90.0)] {
                let target = kind.is_callbox().then_some(Bound::AtLeast(min_percent));
                let what = format!("{load} ×: goodput, of the peak");
                run.note(&kind, &what, "%", 100.0 * now(load) / peak, target);
            }
        }
    }
    for (line, goodputs) in lines.iter_mut().zip(goodputs) {
        line.points = loads.iter().zip(goodputs).map(|(load, values)| (*load, median(&values))).collect();
    }
    draw(lines, loads);
}

/// Returns the number of responses within the deadline per second, after the start of the run.
fn measure(run: &mut Run<'_>, kind: SubjectKind, load: f64, time: Duration) -> f64 {
    let subject = Subject::start(kind);
    let (client, observations) = (&subject.client, &subject.observations);
    let schedule = Schedule::default().random(0, CAPACITY * load, Duration::ZERO, time);
    let records = open_loop(schedule, DEADLINE * 2, |_| async move {
        client.call(Bench_Timed { micros: MICROS, sent: observations.stamp() }, DEADLINE).await
    });
    let settled = DEADLINE + DEADLINE / 4;
    let good = |record: &&CallRecord| {
        let ended = record.ended();
        // The generator's own lateness is not the fault of the subject.
        let in_time = record.latency <= DEADLINE + record.late;
        record.outcome == Outcome::Answered && in_time && ended > settled && ended <= time
    };
    let goodput = records.iter().filter(good).count() as f64 / (time - settled).as_secs_f64();
    run.note(&kind, &format!("{load} ×: goodput"), "calls/s", goodput, None);

    let late = observations.late.load(Ordering::Relaxed) as f64;
    let ours = |target| kind.is_callbox().then_some(target);
    run.note(&kind, "calls started after their deadline, at any load", "", late, ours(Bound::AtMost(0.0)));
    if load == 10.0 {
        let refused = due(&records, settled, time).filter(|record| record.outcome == Outcome::Refused);
        // The latency counts from the moment at which the generator sent the call: earlier lateness
        // is not the fault of the subject.
        let p99 = LatencyHistogram::of_times(refused.map(|record| record.latency.saturating_sub(record.late))).p99();
        let target = kind.is_callbox().then_some(Bound::AtMost(1.0));
        run.note(&kind, "10 ×: p99 of a rejection", "ms", p99, target);
        let own = LatencyHistogram::of_times(records.iter().map(|record| record.late)).p99();
        run.note(&kind, "10 ×: in addition, the generator's own lateness, p99", "ms", own, None);
    }
    observations.end();
    goodput
}

fn draw(lines: Vec<Line>, loads: &[f64]) {
    let chart = Chart {
        title: "Calls answered within 200 ms, of a method that takes 1 ms".to_owned(),
        x: Axis::ratios("offered load (× capacity)", loads),
        y: Axis::linear("goodput (calls/s)", CAPACITY * 1.1),
        lines,
        band: None,
        limit: None,
        dots: true,
    };
    write_chart(&chart, "2-goodput-over-load");
}

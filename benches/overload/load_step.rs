//! Experiment 7: the load steps from half of the capacity to 1.4 × of it, and back.

use std::time::Duration;

use crate::Run;
use crate::latencies::{LatencyHistogram, due, over_time};
use crate::load::{CallRecord, Outcome, Schedule, open_loop};
use callbox_benches::bound::Bound;

use crate::report::write_chart;
use crate::service::{Bench_Timed, Bench_TimedBriefly, DEADLINE};
use crate::subject::{Subject, SubjectKind};
use callbox_cli::plot::{Axis, Chart, Line};

const MICROS: u64 = 1000;
const CAPACITY: f64 = 1000.0;

/// Length of the windows for which p99 is computed.
const WINDOW: Duration = Duration::from_millis(100);

/// How long callers of a subject's method are willing to wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaitPolicy {
    /// Until their deadline.
    Deadline,
    /// `max_wait`: during an overload they prefer a rejection.
    MaxWait,
}

/// The subjects with their names.
const SUBJECTS: [(SubjectKind, WaitPolicy, &str); 4] = [
    (SubjectKind::Inline, WaitPolicy::MaxWait, "callbox, max_wait = 5 ms"),
    (SubjectKind::Inline, WaitPolicy::Deadline, "callbox"),
    (SubjectKind::Plain, WaitPolicy::Deadline, "actix addr.send"),
    (SubjectKind::Semaphore(16), WaitPolicy::Deadline, "semaphore(16) + addr.send"),
];

pub(crate) fn run(run: &mut Run<'_>) {
    let phase = run.secs(2.0, 0.6);
    let mut lines = Vec::new();
    for repeat in 0..run.repeats() {
        run.calibrate();
        for (kind, policy, name) in SUBJECTS {
            let records = measure(kind, policy, phase);
            note(run, policy, name, &records, phase);
            if repeat == 0 {
                let answered = records.iter().filter(|record| record.outcome != Outcome::Refused);
                lines.push(Line { name: name.to_owned(), points: over_time(answered, WINDOW) });
            }
        }
    }
    draw(lines, phase.as_secs_f64());
}

fn measure(kind: SubjectKind, policy: WaitPolicy, phase: Duration) -> Vec<CallRecord> {
    let subject = Subject::start(kind);
    let (client, observations) = (&subject.client, &subject.observations);
    let (half, above) = (CAPACITY / 2.0, CAPACITY * 1.4);
    let schedule = Schedule::default()
        .random(0, half, Duration::ZERO, phase)
        .random(0, above, phase, 2 * phase)
        .random(0, half, 2 * phase, 3 * phase);
    let records = open_loop(schedule, DEADLINE * 2, |_| async move {
        let (micros, sent) = (MICROS, observations.stamp());
        if policy == WaitPolicy::MaxWait {
            client.call(Bench_TimedBriefly { micros, sent }, DEADLINE).await
        } else {
            client.call(Bench_Timed { micros, sent }, DEADLINE).await
        }
    });
    observations.end();
    records
}

fn note(run: &mut Run<'_>, policy: WaitPolicy, name: &str, records: &[CallRecord], phase: Duration) {
    let admitted = |from, to| due(records, from, to).filter(|record| record.outcome != Outcome::Refused);
    let warm = phase / 10;
    let normal = LatencyHistogram::of(admitted(warm, phase)).p99();
    run.note(&name, "half load: p99 of admitted calls", "ms", normal, None);
    let above = LatencyHistogram::of(admitted(phase + DEADLINE, 2 * phase)).p99();
    run.note(&name, "1.4 ×, after 200 ms: p99 of admitted calls", "ms", above, None);

    let good = records.iter().filter(|r| r.outcome == Outcome::Answered && r.latency <= DEADLINE);
    let good = good.filter(|r| r.ended() > phase && r.ended() <= 2 * phase).count() as f64;
    run.note(&name, "1.4 ×: goodput, of the capacity", "%", 100.0 * good / (CAPACITY * phase.as_secs_f64()), None);
    // Without `max_wait`, every call waits that can be served before its deadline, so p99 stays at
    // the deadline.
    let target = (policy == WaitPolicy::MaxWait).then_some(Bound::AtMost(200.0));
    let windows = over_time(records.iter().filter(|record| record.outcome != Outcome::Refused), WINDOW);
    for (what, from) in
        [("1.4 ×: until p99 is normal again", phase), ("back at half load: until p99 is normal again", 2 * phase)]
    {
        let time = recovery_time(&windows, 2.0 * normal, from, from + phase);
        run.note(&name, what, "ms", time, target);
    }
}

/// Returns the milliseconds from the step until the first window after which at most one window in
/// twenty is above `normal`.
fn recovery_time(windows: &[(f64, f64)], normal: f64, from: Duration, to: Duration) -> f64 {
    let (from, to) = (from.as_secs_f64(), to.as_secs_f64());
    let here: Vec<_> = windows.iter().filter(|(at, _)| *at > from && *at < to).collect();
    let stays_normal = |rest: &[&(f64, f64)]| {
        let high = rest.iter().filter(|(_, p99)| *p99 > normal).count();
        high * 20 <= rest.len()
    };
    let recovered = (0..here.len()).find(|first| here[*first].1 <= normal && stays_normal(&here[*first..]));
    recovered.map_or(f64::INFINITY, |first| first as f64 * WINDOW.as_secs_f64() * 1e3)
}

fn draw(lines: Vec<Line>, phase: f64) {
    let values: Vec<f64> = lines.iter().flat_map(|line| &line.points).map(|(_, y)| *y).collect();
    let chart = Chart {
        title: "Admitted calls of a 1 ms method while the load steps up and down".to_owned(),
        x: Axis::linear("time (s)", 3.0 * phase),
        y: Axis::log("p99 latency (ms)", values.iter().copied()),
        lines,
        band: Some((phase, 2.0 * phase, "1.4 × capacity; half of it before and after")),
        limit: None,
        dots: false,
    };
    write_chart(&chart, "7-step");
}

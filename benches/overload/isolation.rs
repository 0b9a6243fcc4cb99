//! Experiment 1: a ping beside a flooded method.

use std::io;
use std::time::Duration;

use crate::Run;
use crate::baseline::NO_TIMEOUT;
use crate::dashboard::Scrapes;
use crate::http::{Client, request};
use crate::latencies::{LatencyHistogram, class, count, over_time};
use crate::load::{Arrival, CallRecord, Outcome, Schedule, open_loop};
use callbox_benches::bound::Bound;

use crate::report::write_chart;
use crate::service::{Bench_Ping, Bench_Work};
use crate::subject::{Subject, SubjectKind};
use callbox_cli::plot::{Axis, Chart, Line};

const PING: usize = 0;
const WORK: usize = 1;

/// Cost of a call of the flooded method.
const COST: Duration = Duration::from_millis(5);
const CAPACITY: f64 = 200.0;
const PINGS: f64 = 200.0;

const SUBJECTS: [SubjectKind; 4] =
    [SubjectKind::Inline, SubjectKind::Mailbox, SubjectKind::Plain, SubjectKind::Semaphore(32)];

pub(crate) fn run(run: &mut Run<'_>) {
    let time = run.secs(5.0, 1.0);
    let mut lines = Vec::new();
    for repeat in 0..run.repeats() {
        for times in [2, 10] {
            run.calibrate();
            for kind in SUBJECTS {
                let records = in_process(kind, times, time);
                note(run, kind, &format!("{times} ×"), &records, time);
                if times == 10 && repeat == 0 {
                    let points = over_time(
                        class(&records, PING).filter(|ping| ping.outcome != Outcome::Refused),
                        Duration::from_millis(100),
                    );
                    lines.push(Line { name: kind.to_string(), points });
                }
            }
            for kind in [SubjectKind::Inline, SubjectKind::Plain] {
                let records = over_http(kind, times, time);
                note(run, kind, &format!("{times} × over HTTP"), &records, time);
            }
        }
    }
    draw(lines, time);
    on_the_dashboard(run);
}

/// Notes whether the dashboard shows which method is flooded. Scrapes would disturb what is timed
/// above.
fn on_the_dashboard(run: &mut Run<'_>) {
    let (kind, time) = (SubjectKind::Inline, run.secs(5.0, 2.0));
    let subject = Subject::start(kind);
    let scrapes = std::thread::scope(|scope| {
        let scrapes = scope.spawn(|| Scrapes::take(subject.address, time));
        flood_over_http(&subject, 10, time);
        scrapes.join().unwrap_or_else(|_| Err(io::Error::other("the scrapes panicked")))
    });
    match scrapes.and_then(|scrapes| scrapes.check("bench", "work")) {
        Ok(Some(panels)) => run.note(&kind, "panels of the dashboard that show the flood", "", panels as f64, None),
        Ok(None) => println!("promtool is missing: nobody has looked whether the dashboard shows the flood"),
        Err(error) => run.fail(format!("the dashboard does not show the flood: {error}")),
    }
}

fn schedule(times: u32, time: Duration) -> Schedule {
    let work = CAPACITY * f64::from(times);
    Schedule::default().random(PING, PINGS, Duration::ZERO, time).random(WORK, work, Duration::ZERO, time)
}

fn in_process(kind: SubjectKind, times: u32, time: Duration) -> Vec<CallRecord> {
    let subject = Subject::start(kind);
    let client = &subject.client;
    let micros = u64::try_from(COST.as_micros()).unwrap_or(u64::MAX);
    let records = open_loop(schedule(times, time), time / 2, |arrival: Arrival| async move {
        match arrival.class {
            PING => client.call(Bench_Ping {}, NO_TIMEOUT).await,
            _ => client.call(Bench_Work { micros }, NO_TIMEOUT).await,
        }
    });
    subject.observations.end();
    records
}

fn over_http(kind: SubjectKind, times: u32, time: Duration) -> Vec<CallRecord> {
    flood_over_http(&Subject::start(kind), times, time)
}

fn flood_over_http(subject: &Subject, times: u32, time: Duration) -> Vec<CallRecord> {
    let client = &Client::new(subject.address);
    let (ping, work) = (&request("ping", "{}"), &request("work", &format!(r#"{{"micros":{}}}"#, COST.as_micros())));
    let records = open_loop(schedule(times, time), time / 2, |arrival: Arrival| {
        client.call(if arrival.class == PING { ping } else { work })
    });
    subject.observations.end();
    records
}

fn note(run: &mut Run<'_>, kind: SubjectKind, load: &str, records: &[CallRecord], time: Duration) {
    let target = |target| kind.is_callbox().then_some(target);
    let pings = class(records, PING);
    // A rejection is fast, but it is not a result.
    let p99 = LatencyHistogram::of(pings.clone().filter(|ping| ping.outcome != Outcome::Refused)).p99();
    run.note(&kind, &format!("{load}: ping p99"), "ms", p99, target(Bound::AtMost(7.0)));
    let late = LatencyHistogram::of_times(pings.clone().map(|ping| ping.late)).p99();
    run.note(&kind, &format!("{load}: of which the generator's own lateness, p99"), "ms", late, None);
    let lost = pings.clone().count() as f64 - count(pings, Outcome::Answered);
    run.note(&kind, &format!("{load}: pings without a result"), "", lost, target(Bound::AtMost(0.0)));
    let done = class(records, WORK).filter(|record| record.outcome == Outcome::Answered && record.ended() <= time);
    let share = 100.0 * done.count() as f64 / (CAPACITY * time.as_secs_f64());
    run.note(&kind, &format!("{load}: flooded method, of its capacity"), "%", share, target(Bound::AtLeast(95.0)));
}

fn draw(lines: Vec<Line>, time: Duration) {
    let values: Vec<f64> = lines.iter().flat_map(|line| &line.points).map(|(_, y)| *y).collect();
    let chart = Chart {
        title: "ping at 200/s beside a 5 ms method that is offered 10 × its capacity".to_owned(),
        x: Axis::linear("time since the flood began (s)", time.as_secs_f64()),
        y: Axis::log("p99 latency of ping (ms)", values.iter().copied()),
        lines,
        band: None,
        limit: Some((7.0, "target: 7 ms")),
        dots: false,
    };
    write_chart(&chart, "1-ping-beside-a-flood");
}

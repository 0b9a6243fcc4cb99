//! Experiment 1: a ping beside a method that is flooded.

use std::time::Duration;

use crate::Run;
use crate::baseline::FOR_EVER;
use crate::bodies::{Bench_Ping, Bench_Work};
use crate::http::{Client, request};
use crate::load::{Arrival, End, Record, Schedule, open_loop};
use crate::report::{Target, draw_or_say};
use crate::site::{Kind, Site};
use crate::stats::{Latencies, class, count, over_time};
use callbox_cli::plot::{Axis, Chart, Line};

const PING: usize = 0;
const WORK: usize = 1;

/// What a call of the flooded method costs.
const COST: Duration = Duration::from_millis(5);
const CAPACITY: f64 = 200.0;
const PINGS: f64 = 200.0;

const KINDS: [Kind; 4] = [Kind::Inline, Kind::Mailbox, Kind::Plain, Kind::Semaphore(32)];

pub(crate) fn run(run: &mut Run<'_>) {
    let time = run.secs(5.0, 1.0);
    let mut lines = Vec::new();
    for repeat in 0..run.repeats() {
        for times in [2, 10] {
            run.calibrate();
            for kind in KINDS {
                let records = in_process(kind, times, time);
                note(run, kind, &format!("{times} ×"), &records, time);
                if times == 10 && repeat == 0 {
                    let points = over_time(
                        class(&records, PING).filter(|ping| ping.end != End::Refused),
                        Duration::from_millis(100),
                    );
                    lines.push(Line { name: kind.to_string(), points });
                }
            }
            for kind in [Kind::Inline, Kind::Plain] {
                let records = over_http(kind, times, time);
                note(run, kind, &format!("{times} × over HTTP"), &records, time);
            }
        }
    }
    draw(lines, time);
}

fn schedule(times: u32, time: Duration) -> Schedule {
    let work = CAPACITY * f64::from(times);
    Schedule::default().random(PING, PINGS, Duration::ZERO, time).random(WORK, work, Duration::ZERO, time)
}

fn in_process(kind: Kind, times: u32, time: Duration) -> Vec<Record> {
    let site = Site::start(kind);
    let reach = &site.reach;
    let micros = u64::try_from(COST.as_micros()).unwrap_or(u64::MAX);
    let records = open_loop(schedule(times, time), time / 2, |arrival: Arrival| async move {
        match arrival.class {
            PING => reach.call(Bench_Ping {}, FOR_EVER).await,
            _ => reach.call(Bench_Work { micros }, FOR_EVER).await,
        }
    });
    site.watch.end();
    records
}

fn over_http(kind: Kind, times: u32, time: Duration) -> Vec<Record> {
    let site = Site::start(kind);
    let client = &Client::new(site.address);
    let (ping, work) = (&request("ping", "{}"), &request("work", &format!(r#"{{"micros":{}}}"#, COST.as_micros())));
    let records = open_loop(schedule(times, time), time / 2, |arrival: Arrival| {
        client.call(if arrival.class == PING { ping } else { work })
    });
    site.watch.end();
    records
}

fn note(run: &mut Run<'_>, kind: Kind, load: &str, records: &[Record], time: Duration) {
    let target = |target| kind.is_ours().then_some(target);
    let pings = class(records, PING);
    // A refusal is quick, but no answer.
    let p99 = Latencies::of(pings.clone().filter(|ping| ping.end != End::Refused)).p99();
    run.note(&kind, &format!("{load}: ping p99"), "ms", p99, target(Target::AtMost(7.0)));
    let late = Latencies::of_times(pings.clone().map(|ping| ping.late)).p99();
    run.note(&kind, &format!("{load}: of which the generator's own lateness, p99"), "ms", late, None);
    let lost = pings.clone().count() as f64 - count(pings, End::Answered);
    run.note(&kind, &format!("{load}: pings without answer"), "", lost, target(Target::AtMost(0.0)));
    let done = class(records, WORK).filter(|record| record.end == End::Answered && record.ended() <= time);
    let share = 100.0 * done.count() as f64 / (CAPACITY * time.as_secs_f64());
    run.note(&kind, &format!("{load}: flooded method, of its capacity"), "%", share, target(Target::AtLeast(95.0)));
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
    draw_or_say(&chart, "1-ping-beside-a-flood");
}

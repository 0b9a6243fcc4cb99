//! Calls on a connection that receives 10,000 items a second.

use std::io;
use std::time::{Duration, Instant};

use super::pacing::Pacing;
use crate::Bench;
use crate::client::{Subscriber, Swarm, reply, wrong};
use crate::servers::{CAPACITY, Subject};
use callbox_benches::closed_loop::latencies;
use callbox_benches::workload::call;

pub(crate) const NAME: &str = "beside";

const P50: &str = "p50 µs";
pub(crate) const P99: &str = "p99 µs";
const ITEMS: &str = "items/s";

pub(crate) const WITHOUT: &str = "callbox, without items";
pub(crate) const WITH: &str = "callbox, beside items";

/// The measurements, and whether there are items.
const CASES: [(&str, Subject, bool); 4] = [
    (WITHOUT, Subject::Callbox, false),
    (WITH, Subject::Callbox, true),
    ("jsonrpsee, without items", Subject::Jsonrpsee, false),
    ("jsonrpsee, beside items", Subject::Jsonrpsee, true),
];

/// Time between two items.
const INTERVAL: Duration = Duration::from_micros(100);

/// Numbers of the connections.
const PUBLISHER: usize = 0;
const CALLER: usize = 1;

/// Id of the calls.
const ID: usize = 7;

pub(crate) fn run(bench: &mut Bench<'_>) -> io::Result<()> {
    let time = Duration::from_millis(bench.options.pick(300, 2000));
    for round in 0..bench.options.rounds(7) {
        for at in 0..CASES.len() {
            let (name, subject, items) = CASES[(at + round) % CASES.len()];
            measure(bench, name, subject, items, time)?;
        }
    }
    bench.report.print(NAME, "A trivial call on a connection that receives 10,000 items a second");
    Ok(())
}

fn measure(
    bench: &mut Bench<'_>,
    name: &'static str,
    subject: Subject,
    has_items: bool,
    time: Duration,
) -> io::Result<()> {
    let server = subject.start(&bench.cores, CAPACITY)?;
    let mut swarm = Swarm::open(server.address, 1)?;
    swarm.add_subscribers(1)?;
    let (mut subscriber, mut latencies) = (Subscriber::after(0), latencies());
    let ping = call("ping", "{}", ID);
    let mut pacing = Pacing::new(INTERVAL, 0, CAPACITY);
    let begin = Instant::now();
    let mut sent = begin;
    swarm.send(CALLER, &ping)?;
    while begin.elapsed() < time {
        if has_items {
            pacing.publish_due(&mut swarm, PUBLISHER)?;
        }
        swarm.serve(|at, message, outbox| {
            if at == PUBLISHER {
                return pacing.receive(message);
            }
            if subscriber.receive(message)?.is_some() {
                return Ok(());
            }
            let Some((ID, true)) = reply(message)? else { return Err(wrong("no result", message)) };
            let now = Instant::now();
            latencies.saturating_record(now.duration_since(sent).as_nanos() as u64);
            sent = now;
            outbox.push(&ping);
            Ok(())
        })?;
    }
    if subscriber.gaps > 0 {
        return Err(io::Error::other("a client that keeps up missed items"));
    }
    bench.report.note(NAME, name, P50, latencies.value_at_quantile(0.5) as f64 / 1e3);
    bench.report.note(NAME, name, P99, latencies.value_at_quantile(0.99) as f64 / 1e3);
    bench.report.note(NAME, name, ITEMS, subscriber.last.unwrap_or(0) as f64 / time.as_secs_f64());
    Ok(())
}

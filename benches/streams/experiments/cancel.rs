//! From the wish of a client to the end of what it is about: a call that it cancels, and a call and
//! a subscription whose client is gone.

use std::io;
use std::time::Instant;

use crate::Bench;
use crate::client::{Swarm, cancel, check_patience, is_cancelled, wrong};
use crate::servers::{CAPACITY, Sleeper, Subject, now};
use callbox_benches::closed_loop::latencies;
use callbox_benches::workload::call;

pub(crate) const NAME: &str = "cancel";

const P50: &str = "p50 ms";
pub(crate) const P99: &str = "p99 ms";

/// What is ended, and how.
pub(crate) const CANCELLED: &str = "a call, by `$/cancelRequest`";
pub(crate) const CALL_GONE: &str = "a call whose client is gone";
pub(crate) const SUBSCRIPTION_GONE: &str = "a subscription whose client is gone";

/// The connection that asks what has become of the others.
const OBSERVER: usize = 0;

/// The connection whose call or subscription ends.
const CLIENT: usize = 1;

pub(crate) fn run(bench: &mut Bench<'_>) -> io::Result<()> {
    let times = bench.options.pick(100, 1000);
    for _ in 0..bench.options.rounds(3) {
        for (name, method) in [(CANCELLED, "sleep"), (CALL_GONE, "sleep"), (SUBSCRIPTION_GONE, "watch")] {
            let server = Subject::Callbox.start(&bench.cores, CAPACITY)?;
            let mut swarm = Swarm::open(server.address, 2)?;
            let mut latencies = latencies();
            for number in 1..=times {
                swarm.send(CLIENT, &call(method, &format!(r#"{{"number":{number}}}"#), number))?;
                wait_for(&mut swarm, |sleeper| sleeper.begun == number as u64)?;
                let begin = if name == CANCELLED { cancel_call(&mut swarm, number)? } else { swarm.reopen(CLIENT)? };
                let sleeper = wait_for(&mut swarm, |sleeper| sleeper.dropped == number as u64)?;
                latencies.saturating_record(sleeper.dropped_at.saturating_sub(begin));
            }
            bench.report.note(NAME, name, P50, latencies.value_at_quantile(0.5) as f64 / 1e6);
            bench.report.note(NAME, name, P99, latencies.value_at_quantile(0.99) as f64 / 1e6);
        }
    }
    bench.report.print(NAME, "What sleeps: from the wish of its client to its drop");
    Ok(())
}

/// Cancels a call, and returns when the request was sent.
fn cancel_call(swarm: &mut Swarm, number: usize) -> io::Result<u64> {
    let begin = now();
    swarm.send(CLIENT, &cancel(number))?;
    swarm.serve_until(
        |_, message, _| {
            if is_cancelled(message, number) { Ok(true) } else { Err(wrong("not cancelled", message)) }
        },
    )?;
    Ok(begin)
}

/// Asks what has become of the calls until `is_there`.
fn wait_for(swarm: &mut Swarm, is_there: impl Fn(&Sleeper) -> bool) -> io::Result<Sleeper> {
    let begin = Instant::now();
    loop {
        let sleeper = swarm.call(OBSERVER, "sleeper", "{}")?;
        if is_there(&sleeper) {
            return Ok(sleeper);
        }
        check_patience(begin)?;
    }
}

//! From the request to cancel a call to the end of its future.

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
pub(crate) const CALLBOX: &str = "callbox";

pub(crate) fn run(bench: &mut Bench<'_>) -> io::Result<()> {
    let calls = bench.options.pick(100, 1000);
    for _ in 0..bench.options.rounds(3) {
        let server = Subject::Callbox.start(&bench.cores, CAPACITY)?;
        let mut swarm = Swarm::open(server.address, 1)?;
        let mut latencies = latencies();
        for number in 1..=calls {
            swarm.send(0, &call("sleep", &format!(r#"{{"number":{number}}}"#), number))?;
            wait_for(&mut swarm, |sleeper| sleeper.begun == number as u64)?;
            let sent = now();
            swarm.send(0, &cancel(number))?;
            swarm.serve_until(|_, message, _| {
                if is_cancelled(message, number) { Ok(true) } else { Err(wrong("not cancelled", message)) }
            })?;
            let sleeper = wait_for(&mut swarm, |sleeper| sleeper.dropped == number as u64)?;
            latencies.saturating_record(sleeper.dropped_at.saturating_sub(sent));
        }
        bench.report.note(NAME, CALLBOX, P50, latencies.value_at_quantile(0.5) as f64 / 1e6);
        bench.report.note(NAME, CALLBOX, P99, latencies.value_at_quantile(0.99) as f64 / 1e6);
    }
    bench.report.print(NAME, "An async call that sleeps: from `$/cancelRequest` to the drop of its future");
    Ok(())
}

/// Asks what has become of the calls until `is_there`.
fn wait_for(swarm: &mut Swarm, is_there: impl Fn(&Sleeper) -> bool) -> io::Result<Sleeper> {
    let begin = Instant::now();
    loop {
        let sleeper = swarm.call(0, "sleeper", "{}")?;
        if is_there(&sleeper) {
            return Ok(sleeper);
        }
        check_patience(begin)?;
    }
}

//! From the request to cancel a call to the end of its future.

use std::io;

use crate::Bench;
use crate::client::{Swarm, cancel, is_cancelled, reply, wrong};
use crate::servers::{CAPACITY, Dropped, Subject, now};
use callbox_benches::closed_loop::latencies;
use callbox_benches::workload::call;

pub(crate) const NAME: &str = "cancel";

const P50: &str = "p50 ms";
pub(crate) const P99: &str = "p99 ms";
pub(crate) const CALLBOX: &str = "callbox";

/// Id of the calls that are not cancelled.
const PING: usize = 0;

pub(crate) fn run(bench: &mut Bench<'_>) -> io::Result<()> {
    let calls = bench.options.pick(100, 1000);
    for _ in 0..bench.options.rounds(3) {
        let server = Subject::Callbox.start(&bench.cores, CAPACITY)?;
        let mut swarm = Swarm::open(server.address, 1)?;
        let mut latencies = latencies();
        for number in 1..=calls {
            swarm.send(0, &call("sleep", &format!(r#"{{"number":{number}}}"#), number))?;
            // When this has a response, the call before it has begun.
            swarm.send(0, &call("ping", "{}", PING))?;
            swarm.serve_until(|_, message, _| Ok(reply(message)? == Some((PING, true))))?;
            let sent = now();
            swarm.send(0, &cancel(number))?;
            swarm.serve_until(|_, message, _| {
                if is_cancelled(message, number) { Ok(true) } else { Err(wrong("not cancelled", message)) }
            })?;
            let dropped: Dropped = swarm.call(0, "dropped", "{}")?;
            if dropped.number != number as u64 {
                return Err(io::Error::other(format!("call {number} is cancelled, and its future still there")));
            }
            latencies.saturating_record(dropped.at.saturating_sub(sent));
        }
        bench.report.note(NAME, CALLBOX, P50, latencies.value_at_quantile(0.5) as f64 / 1e6);
        bench.report.note(NAME, CALLBOX, P99, latencies.value_at_quantile(0.99) as f64 / 1e6);
    }
    bench.report.print(NAME, "An async call that sleeps: from `$/cancelRequest` to the drop of its future");
    Ok(())
}

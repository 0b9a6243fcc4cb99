//! Thousands of subscribers of few items: how late the last of them gets one, and what each costs.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use super::calls::workload;
use crate::Bench;
use crate::client::{Subscriber, Swarm, reply};
use crate::servers::{CAPACITY, Subject, now};
use callbox_benches::closed_loop::latencies;
use callbox_benches::idle_memory::{self, UNCOUNTED};
use callbox_benches::workload::call;

pub(crate) const NAME: &str = "many";

const P50: &str = "p50 ms";
pub(crate) const P99: &str = "p99 ms";
const CPU: &str = "CPU µs/item";
pub(crate) const MEMORY: &str = "KiB/connection";

pub(crate) const CALLBOX_FEW: &str = "callbox, 1,000";
pub(crate) const CALLBOX_MANY: &str = "callbox, 9,000";
pub(crate) const JSONRPSEE_FEW: &str = "jsonrpsee, 1,000";
pub(crate) const JSONRPSEE_MANY: &str = "jsonrpsee, 9,000";
pub(crate) const BARE_FEW: &str = "bare writes, 1,000";
pub(crate) const BARE_MANY: &str = "bare writes, 9,000";
const IDLE_HTTP: &str = "callbox, an idle HTTP connection";
pub(crate) const BEYOND_HTTP: &str = "callbox, beyond an idle HTTP one";

/// Number of connections of each size.
const FEW: usize = 1000;
const MANY: usize = 9000;

/// Number of the connection that publishes.
const PUBLISHER: usize = 0;

/// Time between two items.
const INTERVAL: Duration = Duration::from_secs(1);

pub(crate) fn run(bench: &mut Bench<'_>) -> io::Result<()> {
    let sizes: &[_] = bench.options.pick(
        &[(FEW, [CALLBOX_FEW, JSONRPSEE_FEW, BARE_FEW])],
        &[(FEW, [CALLBOX_FEW, JSONRPSEE_FEW, BARE_FEW]), (MANY, [CALLBOX_MANY, JSONRPSEE_MANY, BARE_MANY])],
    );
    for round in 0..bench.options.rounds(3) {
        for (connections, [callbox, jsonrpsee, bare]) in sizes {
            let mut subjects = [(Subject::Callbox, callbox), (Subject::Jsonrpsee, jsonrpsee), (Subject::Bare, bare)];
            subjects.rotate_left(round % 3);
            for (subject, name) in subjects {
                let memory = measure(bench, subject, name, *connections)?;
                if subject == Subject::Callbox && Some(connections) == sizes.last().map(|(size, ..)| size) {
                    let server = subject.start(&bench.cores, CAPACITY)?;
                    let request = workload(1).request();
                    let idle = idle_memory::kib_per_connection(&server, &request, *connections - UNCOUNTED)?;
                    bench.report.note(NAME, IDLE_HTTP, MEMORY, idle);
                    bench.report.note(NAME, BEYOND_HTTP, MEMORY, memory - idle);
                }
            }
        }
    }
    bench.report.print(NAME, "One item a second to all connections: from its publication to its arrival");
    Ok(())
}

/// Returns the server's memory per connection, in KiB.
fn measure(bench: &mut Bench<'_>, subject: Subject, name: &'static str, connections: usize) -> io::Result<f64> {
    let server = subject.start(&bench.cores, CAPACITY)?;
    let mut swarm = Swarm::open(server.address, 1)?;
    swarm.add_subscribers(UNCOUNTED)?;
    let before = server.memory()?.resident;
    swarm.add_subscribers(connections - UNCOUNTED)?;

    let mut subscribers: Vec<_> = (0..=connections).map(|_| Subscriber::after(0)).collect();
    let mut latencies = latencies();
    let items = bench.options.pick(2, 10);
    let publish = call("publish", r#"{"count":1,"length":0}"#, 1);
    let cpu = server.cpu()?;
    for _ in 0..items {
        sleep(INTERVAL);
        let mut missing = connections;
        swarm.send(PUBLISHER, &publish)?;
        swarm.serve_until(|at, message, _| {
            if at == PUBLISHER {
                reply::<u64>(message)?;
            } else if let Some(item) = subscribers[at].receive(message)? {
                latencies.saturating_record(now().saturating_sub(item.at));
                missing -= 1;
            }
            Ok(missing == 0)
        })?;
    }
    let cpu = (server.cpu()? - cpu).as_secs_f64();

    let memory = server.memory()?.resident.saturating_sub(before) as f64 / (connections - UNCOUNTED) as f64;
    bench.report.note(NAME, name, P50, latencies.value_at_quantile(0.5) as f64 / 1e6);
    bench.report.note(NAME, name, P99, latencies.value_at_quantile(0.99) as f64 / 1e6);
    bench.report.note(NAME, name, CPU, cpu * 1e6 / (connections * items) as f64);
    bench.report.note(NAME, name, MEMORY, memory);
    Ok(memory)
}

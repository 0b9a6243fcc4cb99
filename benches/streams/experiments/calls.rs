//! Calls of a trivial method over WebSocket, beside HTTP.

use std::io;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use crate::Bench;
use crate::client::{Swarm, reply, wrong};
use crate::servers::{CAPACITY, Subject};
use callbox_benches::closed_loop;
use callbox_benches::server_process::ServerProcess;
use callbox_benches::workload::{Expected, Workload, call};

pub(crate) const NAME: &str = "calls";

pub(crate) const RATE: &str = "calls/s";
const CPU: &str = "CPU µs";
const BUSY: &str = "busy %";
const P99: &str = "p99 ms";

pub(crate) const WEBSOCKET: &str = "callbox, 64 connections";
pub(crate) const HTTP: &str = "callbox over HTTP, 64";
pub(crate) const JSONRPSEE: &str = "jsonrpsee, 64";
const AGAIN: &str = "callbox, 64, again";
pub(crate) const ONE_WEBSOCKET: &str = "callbox, 1, 64 calls in flight";
pub(crate) const ONE_HTTP: &str = "callbox over HTTP, 1";
const ONE_JSONRPSEE: &str = "jsonrpsee, 1, 64 calls in flight";

/// Calls of one kind.
struct Load {
    name: &'static str,
    subject: Subject,
    connections: usize,
    transport: Transport,
}

enum Transport {
    Http,
    /// With so many calls of each connection in flight.
    WebSocket(usize),
}

use Transport::{Http, WebSocket};

const fn load(name: &'static str, subject: Subject, connections: usize, transport: Transport) -> Load {
    Load { name, subject, connections, transport }
}

const LOADS: [Load; 7] = [
    load(WEBSOCKET, Subject::Callbox, 64, WebSocket(1)),
    load(HTTP, Subject::Callbox, 64, Http),
    load(JSONRPSEE, Subject::Jsonrpsee, 64, WebSocket(1)),
    // The same once more: differences between the two are noise.
    load(AGAIN, Subject::Callbox, 64, WebSocket(1)),
    load(ONE_WEBSOCKET, Subject::Callbox, 1, WebSocket(64)),
    load(ONE_HTTP, Subject::Callbox, 1, Http),
    load(ONE_JSONRPSEE, Subject::Jsonrpsee, 1, WebSocket(64)),
];

pub(crate) fn run(bench: &mut Bench<'_>) -> io::Result<()> {
    let (warm_up, time) = bench.options.pick((100, 200), (150, 650));
    for round in 0..bench.options.rounds(15) {
        for at in 0..LOADS.len() {
            let load = &LOADS[(at + round) % LOADS.len()];
            let server = load.subject.start(&bench.cores, CAPACITY)?;
            load.measure(bench, &server, Duration::from_millis(warm_up))?;
            let (cpu, begin) = (server.cpu()?, Instant::now());
            let latencies = load.measure(bench, &server, Duration::from_millis(time))?;
            let (took, cpu) = (begin.elapsed().as_secs_f64(), (server.cpu()? - cpu).as_secs_f64());
            let calls = latencies.len() as f64;
            bench.report.note(NAME, load.name, RATE, calls / took);
            bench.report.note(NAME, load.name, CPU, cpu * 1e6 / calls);
            bench.report.note(NAME, load.name, BUSY, 100.0 * cpu / took);
            bench.report.note(NAME, load.name, P99, latencies.value_at_quantile(0.99) as f64 / 1e6);
        }
    }
    bench.report.print(NAME, "A trivial method, over WebSocket and over HTTP");
    Ok(())
}

impl Load {
    /// Returns the latency of each call.
    fn measure(&self, bench: &Bench<'_>, server: &ServerProcess, time: Duration) -> io::Result<Histogram<u64>> {
        match self.transport {
            Http => {
                let workload = workload(self.connections);
                let result = closed_loop::run(server.address, &workload, time, bench.cores.wait_mode)?;
                if result.wrong > 0 {
                    return Err(io::Error::other(format!("{} responses over HTTP were wrong", result.wrong)));
                }
                Ok(result.latencies)
            }
            WebSocket(in_flight) => over_websocket(server, self.connections, in_flight, time),
        }
    }
}

/// Returns the calls over HTTP.
pub(super) fn workload(connections: usize) -> Workload {
    Workload {
        name: "http",
        title: "A trivial method over HTTP",
        connections,
        calls: 1,
        body: || call("ping", "{}", 1),
        expected: |_| Expected::True,
    }
}

/// Makes calls, so that each connection always has as many in flight.
fn over_websocket(
    server: &ServerProcess,
    connections: usize,
    in_flight: usize,
    time: Duration,
) -> io::Result<Histogram<u64>> {
    let calls: Vec<_> = (0..in_flight).map(|id| call("ping", "{}", id)).collect();
    let mut swarm = Swarm::open(server.address, connections)?;
    let mut latencies = closed_loop::latencies();
    let begin = Instant::now();
    let mut sent = vec![begin; connections * in_flight];
    for at in 0..connections {
        calls.iter().try_for_each(|call| swarm.send(at, call))?;
    }
    while begin.elapsed() < time {
        swarm.serve(|at, message, outbox| {
            let Some((id, true)) = reply(message)? else { return Err(wrong("no result", message)) };
            let Some(call) = calls.get(id) else { return Err(wrong("an unknown id", message)) };
            let sent = &mut sent[at * in_flight + id];
            let now = Instant::now();
            latencies.saturating_record(now.duration_since(*sent).as_nanos() as u64);
            *sent = now;
            outbox.push(call);
            Ok(())
        })?;
    }
    if latencies.is_empty() {
        return Err(io::Error::other("no call has ended"));
    }
    Ok(latencies)
}

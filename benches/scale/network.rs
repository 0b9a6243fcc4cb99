//! The cost of a call over HTTP, by the number of workers and connections.

use std::io;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use callbox::{Server, testing};

use crate::Effort;
use crate::series::Series;
use crate::service::Eight;
use callbox_benches::closed_loop::{self, WaitMode};
use callbox_benches::process::allow_many_files;
use callbox_benches::server_process::ServerProcess;
use callbox_benches::workload::{Expected, Workload, call};

const WORKERS: [usize; 4] = [1, 2, 4, 8];

const CONNECTIONS: [usize; 6] = [1, 4, 16, 64, 256, 1024];

/// Runs a server with this number of workers, until it is killed.
pub(crate) fn serve(workers: &str) -> ExitCode {
    let Ok(workers) = workers.parse() else { return ExitCode::from(2) };
    let server = Server::new(|| Eight::<0>).workers(workers).max_connections(20_000).max_connections_per_peer(20_000);
    let server = testing::start(server);
    println!("{}", server.address());
    loop {
        std::thread::park();
    }
}

pub(crate) fn workers(effort: Effort) -> io::Result<Vec<Series>> {
    let title = "What a call costs as workers are added, 64 connections";
    let mut cpu = Series::new(title, "server", "workers", "µs of CPU per call");
    for _ in 0..effort.rounds {
        for workers in WORKERS {
            cpu.note(workers, cost(workers, 64, effort.time)?);
        }
    }
    Ok(vec![cpu])
}

pub(crate) fn connections(effort: Effort) -> io::Result<Vec<Series>> {
    allow_many_files()?;
    let title = "What a call costs as connections are added, two workers";
    let mut cpu = Series::new(title, "server", "connections", "µs of CPU per call");
    for _ in 0..effort.rounds {
        for connections in CONNECTIONS {
            cpu.note(connections, cost(2, connections, effort.time)?);
        }
    }
    Ok(vec![cpu])
}

/// Returns the server's CPU time for a call, in microseconds.
fn cost(workers: usize, connections: usize, time: Duration) -> io::Result<f64> {
    let workload = Workload {
        name: "trivial",
        title: "A trivial method",
        connections,
        calls: 1,
        body: || call("a.000", "{}", 1),
        expected: |_| Expected::True,
    };
    let server = ServerProcess::start(&[&workers.to_string()])?;
    // Warm-up: opens the connections and makes a first call on each.
    closed_loop::run(server.address, &workload, Duration::from_millis(200), WaitMode::Sleep)?;
    let (cpu, begin) = (server.cpu()?, Instant::now());
    let result = closed_loop::run(server.address, &workload, time, WaitMode::Sleep)?;
    if result.wrong > 0 {
        return Err(io::Error::other(format!("{} answers were wrong after {:?}", result.wrong, begin.elapsed())));
    }
    Ok((server.cpu()? - cpu).as_secs_f64() * 1e6 / result.latencies.len() as f64)
}

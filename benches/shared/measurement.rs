//! One measurement of a server under load.

use std::io;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::closed_loop::{self, WaitMode};
use crate::server_process::ServerProcess;
use crate::workload::Workload;

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Sample {
    /// Calls per second.
    pub calls_per_second: f64,
    /// The server's CPU time per call, in microseconds.
    pub cpu_micros: f64,
    /// The median latency, in milliseconds.
    pub p50_ms: f64,
    /// The latency that one call of a hundred exceeds, in milliseconds.
    pub p99_ms: f64,
    /// The server's largest resident memory so far, in MiB.
    pub peak_mib: f64,
    /// Number of calls without a response, or with a wrong one.
    pub wrong: u64,
}

/// Loads a server, and measures it after a warm-up.
///
/// # Errors
/// If the server cannot be reached, or its process cannot be read.
pub fn measure(
    server: &ServerProcess,
    workload: &Workload,
    (warm_up, time): (Duration, Duration),
    wait_mode: WaitMode,
) -> io::Result<Sample> {
    closed_loop::run(server.address, workload, warm_up, wait_mode)?;
    let (cpu, begin) = (server.cpu()?, Instant::now());
    let result = closed_loop::run(server.address, workload, time, wait_mode)?;
    let (took, cpu) = (begin.elapsed(), server.cpu()? - cpu);
    let calls = (result.latencies.len() * workload.calls as u64) as f64;
    Ok(Sample {
        calls_per_second: calls / took.as_secs_f64(),
        cpu_micros: cpu.as_secs_f64() * 1e6 / calls,
        p50_ms: result.latencies.value_at_quantile(0.5) as f64 / 1e6,
        p99_ms: result.latencies.value_at_quantile(0.99) as f64 / 1e6,
        peak_mib: server.memory()?.peak as f64 / 1024.0,
        wrong: result.wrong,
    })
}

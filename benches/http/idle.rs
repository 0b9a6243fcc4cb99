//! The memory of an idle connection.

use std::io;

use crate::Options;
use crate::report::Report;
use crate::servers::Subject;
use crate::workloads;
use callbox_benches::idle_memory;
use callbox_benches::server_process::ServerProcess;

pub(crate) const NAME: &str = "idle";

/// Number of connections, if a process may open enough files: two for each connection, of which one
/// stays free, and a few others.
const MAX_CONNECTIONS: u64 = 10_000;
const FILES_PER_CONNECTION: u64 = 2;
const OTHER_FILES: u64 = 200;

pub(crate) fn run(report: &mut Report, options: &Options, cores: &str, files: u64) -> io::Result<()> {
    let max_count = MAX_CONNECTIONS.min(files.saturating_sub(OTHER_FILES) / FILES_PER_CONNECTION);
    let count = if options.quick { 500 } else { max_count as usize };
    for round in 0..options.rounds.min(3) {
        for at in 0..Subject::ALL.len() {
            let subject = Subject::ALL[(at + round) % Subject::ALL.len()];
            report.note_idle(subject, kib_per_connection(subject, cores, count)?);
        }
    }
    report.print_idle(count);
    Ok(())
}

/// Returns the server's memory per idle connection that has had a response, in KiB.
fn kib_per_connection(subject: Subject, cores: &str, count: usize) -> io::Result<f64> {
    let server = ServerProcess::start(&[subject.name(), cores])?;
    idle_memory::kib_per_connection(&server, &workloads::ALL[0].request(), count)
}

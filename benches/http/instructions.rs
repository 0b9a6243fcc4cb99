//! What a call costs in instructions, which other work on the machine does not move.

use std::io;
use std::thread::sleep;
use std::time::Duration;

use crate::Options;
use crate::callgrind::{self, CallgrindServer};
use crate::report::Report;
use crate::servers::Subject;
use crate::workloads;
use callbox_benches::closed_loop::Connection;
use callbox_benches::workload::Workload;

pub(crate) const NAME: &str = "instructions";

/// Those that are measured. One takes some seconds.
const SUBJECTS: [Subject; 4] = [Subject::Bare, Subject::Callbox, Subject::AddrSend, Subject::Jsonrpsee];

/// Calls that are not counted, over the connection of those that are.
const WARM_UP_CALLS: usize = 1000;

/// Calls that are counted, in stretches.
const COUNTED_CALLS: usize = 4000;
const SEGMENTS: usize = 16;

/// Number of stretches after which it is given up. A machine that is busy takes the thread off its
/// core while it runs a method, which is then taken for a slow one, and the next calls go through the
/// mailbox: what is to be measured is the way of a call that does not.
const MAX_SEGMENTS: usize = 6 * SEGMENTS;

/// How long a method goes to the service's own thread after a run that was not short, and a little
/// more.
const PAUSE_AFTER_SLOW_RUN: Duration = Duration::from_millis(1100);

/// Measures all subjects, if there is a valgrind.
///
/// # Errors
/// If there is none although this is the form for CI or the measurement was asked for by its name.
pub(crate) fn run(report: &mut Report, options: &Options, cores: &str) -> io::Result<()> {
    let Some(version) = callgrind::version()? else {
        let what = "instructions per call were NOT MEASURED, as there is no valgrind: apt-get install valgrind";
        if options.quick || !options.only.is_empty() {
            return Err(io::Error::other(what));
        }
        report.note_unmeasured(what);
        return Ok(());
    };
    for subject in SUBJECTS {
        let (per_call, dropped) = per_call(subject, cores)?;
        report.note_instructions(subject, per_call, dropped);
    }
    report.print_instructions(&version);
    Ok(())
}

/// Returns the instructions of one call in each stretch, and how many stretches do not count, as not
/// all of their calls ran where they arrived.
fn per_call(subject: Subject, cores: &str) -> io::Result<(Vec<f64>, usize)> {
    let mut server = CallgrindServer::start(subject, cores)?;
    let workload = &workloads::ALONE;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let mut client = Client::open(&server, workload).await?;
        client.calls(WARM_UP_CALLS).await?;
        let calls = COUNTED_CALLS / SEGMENTS;
        let (mut per_call, mut inline) = (Vec::new(), server.mark()?.inline);
        for tried in 1..=MAX_SEGMENTS {
            client.calls(calls).await?;
            let segment = server.mark()?;
            if subject != Subject::Callbox || segment.inline == inline + calls as u64 {
                per_call.push(segment.instructions as f64 / calls as f64);
            } else {
                sleep(PAUSE_AFTER_SLOW_RUN);
            }
            if per_call.len() == SEGMENTS {
                return Ok((per_call, tried - SEGMENTS));
            }
            inline = segment.inline;
        }
        let counted = per_call.len();
        Err(io::Error::other(format!(
            "the machine is too busy to count the instructions of {subject}: only {counted} of {MAX_SEGMENTS} stretches of \
             {calls} calls ran where they arrived"
        )))
    })
}

/// One connection, whose answers are looked at.
struct Client<'a> {
    connection: Connection,
    workload: &'a Workload,
    request: Vec<u8>,
}

impl<'a> Client<'a> {
    async fn open(server: &CallgrindServer, workload: &'a Workload) -> io::Result<Self> {
        Ok(Self { connection: Connection::open(server.address).await?, workload, request: workload.request() })
    }

    async fn calls(&mut self, calls: usize) -> io::Result<()> {
        for _ in 0..calls {
            let answer = self.connection.exchange(&self.request).await?;
            if self.workload.count_wrong(answer, &mut 0) > 0 {
                return Err(io::Error::other(format!("a wrong answer: {:?}", String::from_utf8_lossy(answer))));
            }
        }
        Ok(())
    }
}

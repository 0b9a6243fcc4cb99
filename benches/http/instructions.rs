//! The cost of a call in instructions, which other work on the machine does not disturb.

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

/// The subjects that are measured. Each takes some seconds.
const SUBJECTS: [Subject; 5] =
    [Subject::Bare, Subject::Callbox, Subject::CallboxTraced, Subject::AddrSend, Subject::Jsonrpsee];

/// Number of calls that are not counted, on the same connection as those that are.
const WARM_UP_CALLS: usize = 1000;

/// Number of calls that are counted, and of the segments into which they are divided.
const COUNTED_CALLS: usize = 4000;
const SEGMENTS: usize = 16;

/// Number of segments after which the measurement fails. On a busy machine the thread may lose its
/// core while it runs a method, which then looks slow, so the next calls go through the mailbox;
/// only inline calls are to be measured.
const MAX_SEGMENTS: usize = 6 * SEGMENTS;

/// Time for which a method goes to the service's own thread after a slow run, and a little more.
const PAUSE_AFTER_SLOW_RUN: Duration = Duration::from_millis(1100);

/// Measures all subjects, if valgrind is installed.
///
/// # Errors
///
/// If it is not installed, although this is the form for CI or the measurement was requested by
/// name.
pub(crate) fn run(report: &mut Report, options: &Options, cores: &str) -> io::Result<()> {
    let Some(version) = callgrind::version()? else {
        let what =
            "instructions per call were NOT MEASURED, because valgrind is not installed: apt-get install valgrind";
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

/// Returns the instructions per call in each segment, and the number of segments that were dropped
/// because some of their calls did not run inline.
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
            let is_callbox = matches!(subject, Subject::Callbox | Subject::CallboxTraced);
            if !is_callbox || segment.inline == inline + calls as u64 {
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
            "the machine is too busy to count the instructions of {subject}: only {counted} of {MAX_SEGMENTS} segments of \
             {calls} calls ran inline"
        )))
    })
}

/// One connection, whose responses are checked.
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

//! A log that cannot be written, and a caller that tries to fill the log.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::process::Stdio;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::{Connection, call};
use crate::report::Report;
use crate::server_process::ServerProcess;

/// The methods that fail, which is logged.
const METHODS: [&str; 2] = ["read", "write"];

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let (reader, writer) = io::pipe()?;
    drop(reader);
    unwritable(report, "a closed pipe", writer.into())?;
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full")?;
    unwritable(report, "a full disk", full.into())?;
    flood(report)
}

/// Standard error cannot be written: calls that fail get their error, later calls get their
/// results, and the server shuts down properly.
fn unwritable(report: &mut Report, name: &str, log: Stdio) -> io::Result<()> {
    let count: u64 = report.pick(1_000, 50);
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let server = ServerProcess::start_with_log(address, log)?;
    let mut ready = Connection::open(address)?;
    while ready.get("/health/ready")?.status != 200 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let mut answered = 0;
    for _ in 0..count {
        for method in METHODS {
            answered += u64::from(panics(address, method)?);
        }
        let mut connection = Connection::open(address)?;
        connection.post(br#"{"jsonrpc":"2.0","method":"read","params":[0]}"#)?;
        answered += u64::from(connection.post(&call("read", "[1]"))?.json()?["result"] == 1);
    }
    let all = count * (METHODS.len() as u64 + 1);
    let target = format!("standard error is {name}: {all} calls among failures are answered as usual");
    report.exact(target, format!("{answered} of {all}"), answered == all);
    server.signal(Signal::TERM)?;
    let (status, _) = server.ended()?;
    let code = status.code().map_or_else(|| status.to_string(), |code| code.to_string());
    report.exact("… and SIGTERM ends it with 0", code, status.success());
    Ok(())
}

/// A caller makes a method panic as often as possible, with backtraces.
fn flood(report: &mut Report) -> io::Result<()> {
    let count: u64 = report.pick(30_000, 2_000);
    let server = ServerProcess::start_with_backtraces(&["hook", "usual"])?;
    let (begin, before) = (Instant::now(), server.logged_bytes());
    let mut connection = Connection::open(server.address)?;
    let calls = vec![call("read", "[0]"); 100].join(&b',');
    let batch = [b"[".as_slice(), &calls, b"]"].concat();
    let mut internal = 0;
    for _ in 0..count / 100 {
        let answers = connection.post(&batch)?.json()?;
        let answers = answers.as_array().map_or(&[][..], Vec::as_slice);
        internal += answers.iter().filter(|answer| answer["error"]["code"] == -32603).count() as u64;
    }
    let seconds = begin.elapsed().as_secs() + 1;
    report.exact(format!("{count} panics get -32603"), format!("{internal} of {count}"), internal == count);
    let bytes = server.logged_bytes() - before;
    let target = "… and at most 100 KiB of log for each second that it takes";
    report.exact(target, format!("{:.1} KiB in {seconds} s", bytes as f64 / 1024.0), bytes <= seconds * 100 * 1024);
    Ok(())
}

/// Returns whether a call that panics gets its error.
fn panics(address: SocketAddr, method: &str) -> io::Result<bool> {
    Ok(Connection::open(address)?.post(&call(method, "[0]"))?.json()?["error"]["code"] == -32603)
}

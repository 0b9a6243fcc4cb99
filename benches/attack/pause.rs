//! The server process is stopped for longer than the deadline of its calls, and continued.

use std::io;
use std::thread;
use std::time::Duration;

use rustix::process::Signal;

use crate::client::{Connection, call, head};
use crate::report::Report;
use crate::server_process::ServerProcess;

const CALLS: usize = 100;

/// How long the calls take, and their deadline.
const WAIT: Duration = Duration::from_millis(1500);
const TIMEOUT: Duration = Duration::from_secs(2);

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let stop = Duration::from_secs(report.pick(35, 3));
    let server = ServerProcess::start(&[])?;
    let body = call("wait", &format!("[{}]", WAIT.as_millis()));
    let timeout = format!("\r\nRequest-Timeout: {}\r\n\r\n", TIMEOUT.as_secs());
    let head = head(body.len()).trim_end().to_owned() + &timeout;
    let mut connections = (0..CALLS).map(|_| Connection::open(server.address)).collect::<io::Result<Vec<_>>>()?;
    for connection in &mut connections {
        connection.wait_at_most(stop + Duration::from_secs(30))?;
        connection.send(&[head.as_bytes(), &body].concat())?;
    }
    // By then all calls have arrived, and none has ended.
    thread::sleep(WAIT / 5);
    server.signal(Signal::STOP)?;
    thread::sleep(stop);
    server.signal(Signal::CONT)?;
    let (mut late, mut results) = (0, 0);
    for connection in &mut connections {
        let answer = connection.answer()?.json()?;
        late += usize::from(answer["error"]["code"] == -32002);
        results += usize::from(answer.get("result").is_some());
    }
    let target = format!("stopped for {} s: no call gets a result after its deadline", stop.as_secs());
    let reached = format!("{results} did, and {late} of {CALLS} got the deadline error");
    report.exact(target, reached, results == 0 && late == CALLS);
    Ok(())
}

//! A shutdown under load: admitted calls get their results, and no new ones are admitted.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use rustix::process::Signal;

use crate::client::{Connection, call};
use crate::load::{LoadPlan, Outcome, open_loop};
use crate::report::Report;
use crate::server::SHUTDOWN_TIMEOUT;
use crate::server_process::ServerProcess;

const RATE: f64 = 500.0;

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    for (signal, name) in [(Signal::TERM, "SIGTERM"), (Signal::INT, "SIGINT")] {
        let before = Duration::from_secs(report.pick(5, 1));
        stop(report, signal, name, before)?;
    }
    Ok(())
}

fn stop(report: &mut Report, signal: Signal, name: &str, before: Duration) -> io::Result<()> {
    let server = ServerProcess::start(&[])?;
    let address = server.address;
    Connection::open(address)?.get("/watch")?;
    let load = LoadPlan { rate: RATE, time: before + Duration::from_secs(1) };
    let (records, stopped) = std::thread::scope(|scope| {
        let stopped = scope.spawn(|| -> io::Result<_> {
            std::thread::sleep(before);
            server.signal(signal)?;
            let sent = Instant::now();
            while TcpStream::connect(address).is_ok() && sent.elapsed() < SHUTDOWN_TIMEOUT {
                std::thread::sleep(Duration::from_millis(1));
            }
            let refused = sent.elapsed();
            let (status, printed) = server.ended()?;
            Ok((refused, sent.elapsed(), status, printed))
        });
        // Each call takes 50 ms, so about 25 are in progress when the signal arrives.
        (open_loop(address, load, &call("wait", "[50]")), stopped.join())
    });
    let (refused, took, status, printed) = stopped.map_err(|_| io::Error::other("the stop panicked"))??;

    let count = |end: Outcome| records.iter().filter(|record| record.outcome == end).count();
    let admitted = printed.split(' ').next().and_then(|number| number.parse::<usize>().ok());
    let answered = count(Outcome::Result);
    let reached =
        format!("{answered} of {}", admitted.map_or("an unknown number".to_owned(), |count| count.to_string()));
    let target = format!("{name} at {RATE} calls/s: every admitted call is answered");
    report.exact(target, reached, admitted == Some(answered) && answered > 0);
    let rejected = [Outcome::Error(-32003), Outcome::NoConnection, Outcome::Unanswered].map(count);
    let [unavailable, none, closed] = rejected;
    let reached = format!("{unavailable} × -32003, {none} × no connection, {closed} × closed");
    let all = answered + rejected.iter().sum::<usize>() == records.len();
    report.exact("… and the others are rejected without running", reached, all);
    let reached = format!("{:.0} ms after it", refused.as_secs_f64() * 1e3);
    report.exact("… and new connections are refused", reached, refused < SHUTDOWN_TIMEOUT);
    let code = status.code().map_or("by a signal".to_owned(), |code| code.to_string());
    let reached = format!("{code}, after {:.1} s", took.as_secs_f64());
    report.exact(
        format!("… and it ends with 0 within {} s", SHUTDOWN_TIMEOUT.as_secs()),
        reached,
        status.success() && took < SHUTDOWN_TIMEOUT,
    );
    Ok(())
}

//! More connections than the server has file descriptors for.

use std::io;
use std::time::{Duration, Instant};

use crate::client::{Connection, call};
use crate::report::{Report, ms};
use crate::server_process::{ServerProcess, TIMEOUT};

/// Maximum number of files that the server may open. A connection takes one.
const LIMIT: &str = "128";

/// Number of connections: more than that, and no more than fit into the accept backlog of the
/// system.
const CONNECTIONS: usize = 150;

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let mut server = ServerProcess::start(&["descriptors", LIMIT])?;
    let hold = Duration::from_secs(report.pick(10, 3));
    let before = server.cpu()?;
    let begin = Instant::now();
    // The system accepts them all, even if the server does not.
    let mut connections = Vec::new();
    while begin.elapsed() < hold {
        connections.retain(|connection: &Connection| is_open(connection));
        while connections.len() < CONNECTIONS {
            let connection = Connection::open(server.address)?;
            connection.stream.set_nonblocking(true)?;
            connections.push(connection);
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    let (cpu, held) = (server.cpu()?.saturating_sub(before), begin.elapsed());
    let mut late = Connection::open(server.address)?;
    late.wait_at_most(Duration::from_millis(200))?;
    let answered = late.post(&call("add", "[1,2]")).is_ok();
    report.exact(
        format!("no descriptor is left for a new connection of {CONNECTIONS}"),
        if answered { "one is" } else { "none is" },
        !answered,
    );
    let share = 100.0 * cpu.as_secs_f64() / held.as_secs_f64();
    report.exact(
        "no spin: less than 10 % of a core",
        format!("{share:.1} % for {:.0} s", held.as_secs_f64()),
        share < 10.0,
    );
    drop((connections, late));

    let gone = Instant::now();
    let back = loop {
        if let Ok(mut connection) = Connection::open(server.address)
            && connection.wait_at_most(Duration::from_millis(100)).is_ok()
            && connection.post(&call("add", "[1,2]")).is_ok_and(|answer| answer.status == 200)
        {
            break Some(gone.elapsed());
        }
        if gone.elapsed() > TIMEOUT {
            break None;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    report.timed(
        "it responds again within 2 s after they are closed",
        back.map_or("never".to_owned(), ms),
        back.is_some_and(|time| time < Duration::from_secs(2)),
    );
    let running = server.is_running()?;
    let panics = Connection::open(server.address)?.result("panics")?;
    let reached = format!("{}, {panics} panics", if running { "it runs" } else { "it has ended" });
    report.exact("no crash", reached, running && panics == 0);
    Ok(())
}

fn is_open(connection: &Connection) -> bool {
    connection.stream.peek(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}

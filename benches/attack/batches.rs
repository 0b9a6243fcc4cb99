//! Batches: many concurrent ones to an idle service, and some with results of the maximum size.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Connection, call};
use crate::report::Report;
use crate::server_process::ServerProcess;

/// Number of calls in a batch: the maximum.
const MEMBERS: usize = 100;

const CONNECTIONS: usize = 16;

/// Length of a result that just fits into a response, in bytes.
const LARGE: usize = (10 << 20) - 64;

/// Maximum memory for each connection, in MiB: a batch holds two responses, the value that is being
/// created, and the response that is being sent.
const MEMORY: f64 = 64.0;

fn batch(method: &str, params: &str) -> Vec<u8> {
    let members = vec![call(method, params); MEMBERS];
    [&b"["[..], &members.join(&b','), b"]"].concat()
}

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let time = Duration::from_secs(report.pick(20, 2));
    let server = ServerProcess::start(&[])?;
    let counted = all(CONNECTIONS, || flood(server.address, time))?;
    let (members, refused) = counted.iter().fold((0, 0), |(m, r), (members, refused)| (m + members, r + refused));
    let target = format!("{CONNECTIONS} connections with batches of {MEMBERS}: no call is rejected");
    report.exact(target, format!("{refused} of {members}"), refused == 0 && members > 0);

    for connections in [1, 4] {
        let server = ServerProcess::start(&[])?;
        Connection::open(server.address)?.post(&call("blank", "[1]"))?;
        let before = server.memory()?;
        let batches = all(connections, || large(server.address))?;
        let growth = server.memory()?.growth_since(before);
        let max_memory = MEMORY * connections as f64;
        let target = format!("{connections} × {MEMBERS} results of 10 MiB each take less than {max_memory} MiB");
        report.exact(target, format!("{growth:.0} MiB"), growth < max_memory);
        let whole = batches.iter().filter(|results| **results == 1).count();
        report.exact("one of each fits, and the others get -32004", format!("{whole}"), whole == connections);
    }
    Ok(())
}

/// Runs the function on this number of threads, and returns the results.
fn all<T: Send>(count: usize, run: impl Fn() -> io::Result<T> + Sync) -> io::Result<Vec<T>> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(&run)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join();
        threads.into_iter().map(|thread| join(thread).map_err(|_| io::Error::other("a caller panicked"))?).collect()
    })
}

/// Sends one batch after another. Returns the number of calls, and of those that failed.
fn flood(address: SocketAddr, time: Duration) -> io::Result<(usize, usize)> {
    let (body, mut connection) = (batch("subtract", "[3,1]"), Connection::open(address)?);
    let (begin, mut members, mut failed) = (Instant::now(), 0, 0);
    while begin.elapsed() < time {
        let answer = connection.post(&body)?.body;
        let results = answer.windows(b"\"result\":2".len()).filter(|part| *part == b"\"result\":2").count();
        members += MEMBERS;
        failed += MEMBERS - results;
    }
    Ok((members, failed))
}

/// Sends one batch of large results. Returns how many fit; all others must be too large.
fn large(address: SocketAddr) -> io::Result<usize> {
    let mut connection = Connection::open(address)?;
    connection.wait_at_most(Duration::from_secs(60))?;
    let answers: Vec<Value> = serde_json::from_slice(&connection.post(&batch("blank", &format!("[{LARGE}]")))?.body)?;
    let results = answers.iter().filter(|answer| answer["result"].as_str().is_some_and(|text| text.len() == LARGE));
    let too_large = answers.iter().filter(|answer| answer["error"]["code"] == -32004).count();
    let results = results.count();
    if results + too_large == MEMBERS { Ok(results) } else { Err(io::Error::other("other answers than these")) }
}

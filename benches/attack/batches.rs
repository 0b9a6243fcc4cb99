//! Batches: many at once to a service that has nothing else to do, and some whose results are as
//! large as they may be.

use std::io;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::client::{Connection, call};
use crate::report::Report;
use crate::server_process::ServerProcess;

/// The members of a batch, as many as there may be.
const MEMBERS: usize = 100;

const CONNECTIONS: usize = 16;

/// The length of a result that just fits into a response.
const LARGE: usize = (10 << 20) - 64;

/// A batch holds two responses; beside them are the value that is made and the response that is
/// sent.
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
    let target = format!("{CONNECTIONS} connections with batches of {MEMBERS}: no member is refused");
    report.exact(target, format!("{refused} of {members}"), refused == 0 && members > 0);

    for connections in [1, 4] {
        let server = ServerProcess::start(&[])?;
        Connection::open(server.address)?.post(&call("blank", "[1]"))?;
        let before = server.memory()?;
        let batches = all(connections, || large(server.address))?;
        let growth = server.memory()?.growth_since(before);
        let most = MEMORY * connections as f64;
        let target = format!("{connections} × {MEMBERS} results of 10 MiB each take less than {most} MiB");
        report.exact(target, format!("{growth:.0} MiB"), growth < most);
        let whole = batches.iter().filter(|results| **results == 1).count();
        report.exact("one of each fits, and the others are told so", format!("{whole}"), whole == connections);
    }
    Ok(())
}

/// The outcomes of so many threads.
fn all<T: Send>(count: usize, run: impl Fn() -> io::Result<T> + Sync) -> io::Result<Vec<T>> {
    thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|_| scope.spawn(&run)).collect();
        let join = |thread: thread::ScopedJoinHandle<'_, _>| thread.join();
        threads.into_iter().map(|thread| join(thread).map_err(|_| io::Error::other("a caller panicked"))?).collect()
    })
}

/// Sends one batch after the other; how many members there were, and how many of them failed.
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

/// Sends one batch of large results; how many there were, if all others were too large.
fn large(address: SocketAddr) -> io::Result<usize> {
    let mut connection = Connection::open(address)?;
    connection.wait_at_most(Duration::from_secs(60))?;
    let answers: Vec<Value> = serde_json::from_slice(&connection.post(&batch("blank", &format!("[{LARGE}]")))?.body)?;
    let results = answers.iter().filter(|answer| answer["result"].as_str().is_some_and(|text| text.len() == LARGE));
    let too_large = answers.iter().filter(|answer| answer["error"]["code"] == -32004).count();
    let results = results.count();
    if results + too_large == MEMBERS { Ok(results) } else { Err(io::Error::other("other answers than these")) }
}

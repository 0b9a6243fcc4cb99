//! Open-loop load: calls are sent on a schedule, regardless of the outcome of earlier calls, and
//! the latency of a call counts from the moment at which it was due. So a server that stalls cannot
//! hide it by slowing its callers down.

use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use async_io::{Async, Timer};
use futures::{AsyncReadExt, AsyncWriteExt, StreamExt, stream};

use crate::client::{request, take_response};

/// The outcome of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Result,
    /// An error with this code.
    Error(i64),
    /// No connection could be opened.
    NoConnection,
    /// The connection was closed without a response.
    Unanswered,
}

/// A call that was made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CallRecord {
    pub(crate) due: Duration,
    /// Time from when it was due until its end.
    pub(crate) latency: Duration,
    pub(crate) outcome: Outcome,
}

/// Calls at even intervals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LoadPlan {
    /// Calls per second.
    pub(crate) rate: f64,
    pub(crate) time: Duration,
}

/// Makes the calls and waits for their ends.
pub(crate) fn open_loop(address: SocketAddr, load: LoadPlan, body: &[u8]) -> Vec<CallRecord> {
    let request = request(body);
    let (idle, records) = (RefCell::default(), RefCell::default());
    let begin = Instant::now();
    let count = (load.rate * load.time.as_secs_f64()) as usize;
    let arrivals = stream::iter(0..count).then(|number| async move {
        let due = Duration::from_secs_f64(number as f64 / load.rate);
        Timer::at(begin + due).await;
        due
    });
    let calls = arrivals.for_each_concurrent(None, |due| {
        let (request, idle, records): (_, _, &RefCell<Vec<CallRecord>>) = (&request, &idle, &records);
        async move {
            let outcome = exchange(address, idle, request).await;
            let latency = begin.elapsed().saturating_sub(due);
            records.borrow_mut().push(CallRecord { due, latency, outcome });
        }
    });
    async_io::block_on(calls);
    records.into_inner()
}

async fn exchange(address: SocketAddr, idle: &RefCell<Vec<Async<TcpStream>>>, request: &[u8]) -> Outcome {
    let Ok(mut stream) = connection(address, idle).await else { return Outcome::NoConnection };
    let Ok(outcome) = send_request(&mut stream, request).await else { return Outcome::Unanswered };
    idle.borrow_mut().push(stream);
    outcome
}

async fn connection(address: SocketAddr, idle: &RefCell<Vec<Async<TcpStream>>>) -> io::Result<Async<TcpStream>> {
    loop {
        let stream = idle.borrow_mut().pop();
        let Some(stream) = stream else { break };
        // The server closes connections that were idle for long.
        let quiet = stream.get_ref().peek(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock);
        if quiet {
            return Ok(stream);
        }
    }
    let stream = Async::<TcpStream>::connect(address).await?;
    stream.get_ref().set_nodelay(true)?;
    Ok(stream)
}

async fn send_request(stream: &mut Async<TcpStream>, request: &[u8]) -> io::Result<Outcome> {
    stream.write_all(request).await?;
    let mut buffer = Vec::new();
    loop {
        let filled = buffer.len();
        buffer.resize(filled + 1024, 0);
        let count = stream.read(&mut buffer[filled..]).await?;
        buffer.truncate(filled + count);
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(answer) = take_response(&mut buffer)? {
            return Ok(match answer.json()?["error"]["code"].as_i64() {
                Some(code) => Outcome::Error(code),
                None => Outcome::Result,
            });
        }
    }
}

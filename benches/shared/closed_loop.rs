//! Closed-loop load: each connection sends its next request when it has the answer to the last one.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::yield_now;

use crate::workload::Workload;

/// What came back.
pub struct LoadResult {
    /// Of each request, in nanoseconds.
    pub latencies: Histogram<u64>,
    /// Calls without a right answer.
    pub wrong: u64,
}

/// Latencies from a nanosecond to a minute, to three digits.
fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("these bounds are possible")
}

/// What the load does while it waits for answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitMode {
    /// It sleeps. Whoever answers has to wake it, and pays for that: the more, the less the load has to do.
    Sleep,
    /// It looks for answers all the time. For a load with a core for itself, which is no work to wake, as one on another
    /// machine is none.
    BusyPoll,
}

/// Loads a server for so long.
pub fn run(address: SocketAddr, workload: &Workload, time: Duration, wait_mode: WaitMode) -> io::Result<LoadResult> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let request = workload.request();
        let opened = (0..workload.connections).map(|_| Connection::open(address));
        let connections = try_join_all(opened).await?;
        let end = Instant::now() + time;
        let finished = connections.into_iter().map(|connection| connection.repeat(workload, &request, end));
        if wait_mode == WaitMode::BusyPoll {
            tokio::spawn(busy_poll());
        }
        let mut all = LoadResult { latencies: latencies(), wrong: 0 };
        for LoadResult { latencies, wrong } in try_join_all(finished).await? {
            all.latencies += latencies;
            all.wrong += wrong;
        }
        Ok(all)
    })
}

/// Keeps the runtime from going to sleep: whenever this waits for its next turn, the runtime looks for what has arrived.
async fn busy_poll() -> Infallible {
    loop {
        yield_now().await;
    }
}

/// A connection that is kept alive.
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    async fn repeat(mut self, workload: &Workload, request: &[u8], end: Instant) -> io::Result<LoadResult> {
        let (mut result, mut last) = (LoadResult { latencies: latencies(), wrong: 0 }, 0);
        loop {
            let begin = Instant::now();
            if begin >= end {
                return Ok(result);
            }
            let body = self.exchange(request).await?;
            let took = u64::try_from(begin.elapsed().as_nanos()).unwrap_or(u64::MAX);
            result.latencies.saturating_record(took);
            result.wrong += workload.count_wrong(body, &mut last);
        }
    }

    /// Gives back what a connection that rests needs not.
    pub fn shrink(&mut self) {
        self.buffer = Vec::new();
    }

    /// Sends a request; the body of the answer.
    pub async fn exchange(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        let range = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(range) = body(&self.buffer)?.filter(|range| self.buffer.len() >= range.end) {
                break range;
            }
        };
        Ok(&self.buffer[range])
    }
}

/// Where the body of an answer is, as soon as its head is there.
fn body(answer: &[u8]) -> io::Result<Option<std::ops::Range<usize>>> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(begin) = response.parse(answer).map_err(io::Error::other)? else { return Ok(None) };
    if response.code != Some(200) {
        return Err(io::Error::other(format!("the server answered {:?}", response.code)));
    }
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    let length = length.ok_or_else(invalid)?;
    Ok(Some(begin..begin + length))
}

//! Closed-loop load: each connection sends its next request when it has received the response to
//! the last one.

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

/// The result of a load.
#[derive(Debug)]
pub struct LoadResult {
    /// Latency of each request, in nanoseconds.
    pub latencies: Histogram<u64>,
    /// Number of calls without a correct response.
    pub wrong: u64,
}

/// Returns a histogram for latencies from a nanosecond to a minute, with three significant digits.
pub fn latencies() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000_000, 3).expect("these bounds are possible")
}

/// What the load does while it waits for responses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitMode {
    /// It sleeps. The server has to wake it, and pays for that: the less the load has to do, the
    /// more often.
    Sleep,
    /// It polls for responses all the time. This is for a load with its own core: like a load on
    /// another machine, it costs the server no wake-ups.
    BusyPoll,
}

/// Loads a server for the given time.
///
/// # Errors
///
/// If a connection fails, or a response is not HTTP with the status 200.
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

/// Keeps the runtime from sleeping: whenever this task yields, the runtime polls for events.
async fn busy_poll() -> Infallible {
    loop {
        yield_now().await;
    }
}

/// A keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// If the server cannot be reached.
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

    /// Frees the buffer, which an idle connection does not need.
    pub fn shrink(&mut self) {
        self.buffer = Vec::new();
    }

    /// Sends a request, and returns the body of the response.
    ///
    /// # Errors
    ///
    /// If the connection fails, or the response is not HTTP with the status 200.
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

/// Returns the range of the body of a response, once its head is complete.
fn body(answer: &[u8]) -> io::Result<Option<std::ops::Range<usize>>> {
    let invalid = || io::Error::from(io::ErrorKind::InvalidData);
    let mut headers = [httparse::EMPTY_HEADER; 16];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(begin) = response.parse(answer).map_err(io::Error::other)? else { return Ok(None) };
    if response.code != Some(200) {
        return Err(io::Error::other(format!("the server responded with the status {:?}", response.code)));
    }
    let length = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|header| std::str::from_utf8(header.value).ok()?.parse::<usize>().ok());
    let length = length.ok_or_else(invalid)?;
    Ok(Some(begin..begin + length))
}

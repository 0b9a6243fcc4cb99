//! A keep-alive connection that carries one call at a time.

use std::io::{self, Read};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use async_io::Async;
use futures::AsyncWriteExt;

use super::http1::{MAX_RESPONSE_SIZE, MalformedResponse, Response, parse_response};
use super::outcome::Outcome;

/// Idle time after which a connection is checked before it is used: the server may have closed it.
const IDLE_BEFORE_CHECK: Duration = Duration::from_millis(500);

/// A connection to the server, which is opened again when necessary.
#[derive(Debug)]
pub(crate) struct Connection {
    address: SocketAddr,
    open: Option<OpenConnection>,
    buffer: Vec<u8>,
}

#[derive(Debug)]
struct OpenConnection {
    stream: Async<TcpStream>,
    last_used: Instant,
}

impl Connection {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, open: None, buffer: vec![0; 4096] }
    }

    pub(crate) async fn connect(&mut self) -> io::Result<()> {
        let stream = Async::<TcpStream>::connect(self.address).await?;
        stream.get_ref().set_nodelay(true)?;
        self.open = Some(OpenConnection { stream, last_used: Instant::now() });
        Ok(())
    }

    /// Sends a request and returns the outcome of its response.
    pub(crate) async fn call(&mut self, request: &[u8]) -> Outcome {
        // The connection is taken out of `self`, so that a cancelled call leaves no connection
        // behind that still has half a response on it.
        let open = self.open.take().filter(OpenConnection::is_alive);
        let open = match open {
            Some(open) => Some(open),
            None => self.connect().await.ok().and_then(|()| self.open.take()),
        };
        let Some(mut open) = open else { return Outcome::NoConnection };
        match open.exchange(request, &mut self.buffer, |response| (response.outcome(), response.keep_alive)).await {
            Ok((outcome, keep_alive)) => {
                open.last_used = Instant::now();
                self.open = keep_alive.then_some(open);
                outcome
            }
            Err(_) => Outcome::ConnectionLost,
        }
    }
}

impl OpenConnection {
    /// Checks the socket only after an idle time, because the check costs as much as sending.
    fn is_alive(&self) -> bool {
        self.last_used.elapsed() < IDLE_BEFORE_CHECK
            || self.stream.get_ref().peek(&mut [0]).is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
    }

    /// Sends the request and reads until the response is complete.
    async fn exchange<T>(
        &mut self,
        request: &[u8],
        buffer: &mut Vec<u8>,
        read: impl FnOnce(Response<'_>) -> T,
    ) -> io::Result<T> {
        self.stream.write_all(request).await?;
        let mut filled = 0;
        loop {
            // The response has rarely arrived yet, so trying to read first would be a wasted system
            // call.
            self.stream.readable().await?;
            if filled == buffer.len() {
                buffer.resize(filled * 2, 0);
            }
            let count = match self.stream.get_ref().read(&mut buffer[filled..]) {
                Ok(count) => count,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                    continue;
                }
                Err(error) => return Err(error),
            };
            filled += count;
            if let Some(response) =
                parse_response(&buffer[..filled], count == 0).map_err(|MalformedResponse| io::ErrorKind::InvalidData)?
            {
                return Ok(read(response));
            }
            if filled > MAX_RESPONSE_SIZE {
                return Err(io::ErrorKind::InvalidData.into());
            }
        }
    }
}

//! A light HTTP/1.1 client: prebuilt requests over keep-alive connections.

use std::cell::RefCell;
use std::io;
use std::net::{SocketAddr, TcpStream};

use async_io::Async;
use futures::{AsyncReadExt, AsyncWriteExt};

use crate::load::Outcome;

/// Returns a JSON-RPC request with its HTTP head.
pub(crate) fn request(method: &str, params: &str) -> Vec<u8> {
    let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#);
    let length = body.len();
    format!(
        "POST /api HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
    )
    .into_bytes()
}

/// The connections to one server. Each carries one call at a time, so there are as many as
/// concurrent calls.
pub(crate) struct Client {
    address: SocketAddr,
    idle: RefCell<Vec<Async<TcpStream>>>,
}

impl Client {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self { address, idle: RefCell::default() }
    }

    /// Sends a request and returns the outcome of its response.
    pub(crate) async fn call(&self, request: &[u8]) -> Outcome {
        self.exchange(request).await.unwrap_or(Outcome::Unavailable)
    }

    async fn exchange(&self, request: &[u8]) -> io::Result<Outcome> {
        let idle = self.idle.borrow_mut().pop();
        let mut stream = match idle {
            Some(stream) => stream,
            None => {
                let stream = Async::<TcpStream>::connect(self.address).await?;
                stream.get_ref().set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request).await?;
        let end = read_answer(&mut stream).await?;
        self.idle.borrow_mut().push(stream);
        Ok(end)
    }
}

async fn read_answer(stream: &mut Async<TcpStream>) -> io::Result<Outcome> {
    let (mut buffer, mut filled) = ([0; 2048], 0);
    loop {
        let count = stream.read(&mut buffer[filled..]).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        filled += count;
        if let Some(body) = body(&buffer[..filled])? {
            return Ok(outcome_of(body));
        }
    }
}

/// Returns the body, once it is complete.
fn body(answer: &[u8]) -> io::Result<Option<&[u8]>> {
    let Some(head) = answer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = std::str::from_utf8(&answer[..head]).map_err(|_| io::ErrorKind::InvalidData)?;
    let mut headers = text.lines().filter_map(|line| line.split_once(':'));
    let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.and_then(|(_, value)| value.trim().parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    Ok(answer[head + 4..].get(..length))
}

fn outcome_of(body: &[u8]) -> Outcome {
    let body = String::from_utf8_lossy(body);
    if body.contains("\"result\"") {
        return Outcome::Answered;
    }
    let code = body.split_once("\"code\":").map(|(_, rest)| rest.trim_start());
    let code = code.and_then(|rest| rest.split(|c: char| c != '-' && !c.is_ascii_digit()).next()?.parse().ok());
    code.map_or(Outcome::Unavailable, Outcome::of_code)
}

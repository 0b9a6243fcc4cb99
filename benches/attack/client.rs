//! A minimal HTTP client, with one connection at a time.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

use crate::server::TOKEN;

/// The response of a server.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn json(&self) -> io::Result<Value> {
        Ok(serde_json::from_slice(&self.body)?)
    }
}

/// Returns the body of a call with the id 1.
pub(crate) fn call(method: &str, params: &str) -> Vec<u8> {
    format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#).into_bytes()
}

/// Returns the head of a request to the endpoint, with a valid token.
pub(crate) fn head(length: usize) -> String {
    head_with(TOKEN, length)
}

fn head_with(token: &str, length: usize) -> String {
    format!(
        "POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-Api-Token: {token}\r\nContent-Length: {length}\r\n\r\n"
    )
}

/// Returns a request with another token than the valid one.
pub(crate) fn request_with(token: &str, body: &[u8]) -> Vec<u8> {
    [head_with(token, body.len()).as_bytes(), body].concat()
}

pub(crate) fn request(body: &[u8]) -> Vec<u8> {
    [head(body.len()).as_bytes(), body].concat()
}

/// Takes a response from the front of the received bytes, once it is complete.
pub(crate) fn take_response(buffer: &mut Vec<u8>) -> io::Result<Option<Response>> {
    let Some(end) = buffer.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&buffer[..end]).map_err(|_| io::ErrorKind::InvalidData)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let length = head.lines().filter_map(|line| line.split_once(':')).find_map(|(name, value)| {
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
    });
    let whole = end + 4 + length.unwrap_or_default();
    if buffer.len() < whole {
        return Ok(None);
    }
    let body = buffer.drain(..whole).skip(end + 4).collect();
    Ok(Some(Response { status, body }))
}

/// One connection.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        Self::from_stream(TcpStream::connect(address)?)
    }

    pub(crate) fn from_stream(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        let connection = Self { stream, buffer: Vec::new() };
        connection.wait_at_most(Duration::from_secs(10))?;
        Ok(connection)
    }

    pub(crate) fn wait_at_most(&self, time: Duration) -> io::Result<()> {
        self.stream.set_read_timeout(Some(time))?;
        self.stream.set_write_timeout(Some(time))
    }

    pub(crate) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Waits for one response.
    pub(crate) fn answer(&mut self) -> io::Result<Response> {
        let mut piece = [0; 16 * 1024];
        loop {
            if let Some(answer) = take_response(&mut self.buffer)? {
                return Ok(answer);
            }
            match self.stream.read(&mut piece)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => self.buffer.extend_from_slice(&piece[..count]),
            }
        }
    }

    pub(crate) fn post(&mut self, body: &[u8]) -> io::Result<Response> {
        self.send(&request(body))?;
        self.answer()
    }

    /// Returns the result of a call.
    pub(crate) fn result(&mut self, method: &str) -> io::Result<Value> {
        let mut answer = self.post(&call(method, "[]"))?.json()?;
        Ok(answer["result"].take())
    }

    pub(crate) fn get(&mut self, path: &str) -> io::Result<Response> {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes())?;
        self.answer()
    }
}

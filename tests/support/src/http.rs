//! HTTP by hand, for what a well-behaved client would not send.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Nothing that a test waits for takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// What a server answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: String,
}

impl Answer {
    /// The value of a header, whatever the case of its name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let values = self.head.lines().filter_map(|line| line.split_once(": "));
        values.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// The body as JSON; `null` if there is none.
    pub(crate) fn json(&self) -> serde_json::Value {
        match self.body.as_str() {
            "" => serde_json::Value::Null,
            body => serde_json::from_str(body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}")),
        }
    }
}

/// The head of a request, with the headers that it needs, unless `headers` has others, and the empty line at its end.
/// A length or an encoding of the body is up to the caller.
pub(crate) fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    let needed = [("Host", "localhost"), ("Content-Type", "application/json")];
    let other = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    for (name, value) in needed.iter().filter(|(name, _)| !other(name)).chain(headers) {
        // Without a value a header is left out.
        if !value.is_empty() {
            head += &format!("{name}: {value}\r\n");
        }
    }
    head + "\r\n"
}

/// One connection to a server, over TCP or what is above it.
pub(crate) struct Connection<S = TcpStream>(pub(crate) S);

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server listens");
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Self(stream)
    }
}

impl<S: Read + Write> Connection<S> {
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("the server reads");
    }

    /// A whole request with a body.
    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) {
        let length = body.as_ref().len().to_string();
        let headers = [headers, &[("Content-Length", &length)]].concat();
        self.send([head(method, path, &headers).as_bytes(), body.as_ref()].concat());
    }

    /// Waits for one answer.
    pub(crate) fn answer(&mut self) -> Answer {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                end => panic!("no answer ({end:?}): {}", String::from_utf8_lossy(&head)),
            }
        }
        let head = String::from_utf8(head).expect("a head of text");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut answer = Answer { status, head, body: String::new() };
        let length = answer.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the whole body");
        answer.body = String::from_utf8(body).expect("a body of text");
        answer
    }
}

/// One request on a connection of its own, and its answer.
pub(crate) fn ask(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Answer {
    let mut connection = Connection::open(address);
    connection.ask(method, path, headers, body);
    connection.answer()
}

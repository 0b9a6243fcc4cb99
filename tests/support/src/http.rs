//! HTTP by hand, for what a well-behaved client would not send.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// Maximum time to wait for the server.
const PATIENCE: Duration = Duration::from_secs(30);

/// The response of a server.
#[derive(Debug)]
pub struct Response {
    /// The HTTP status.
    pub status: u16,
    head: String,
    /// The body as text; empty if there is none.
    pub body: String,
}

impl Response {
    /// Returns the value of a header. The case of its name does not matter.
    pub fn header(&self, name: &str) -> Option<&str> {
        let values = self.head.lines().filter_map(|line| line.split_once(": "));
        values.into_iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    /// Returns the body as JSON, or `null` if there is none.
    ///
    /// # Panics
    /// If the body is not JSON.
    pub fn json(&self) -> serde_json::Value {
        match self.body.as_str() {
            "" => serde_json::Value::Null,
            body => serde_json::from_str(body).unwrap_or_else(|error| panic!("no JSON ({error}): {self:?}")),
        }
    }
}

/// Returns the head of a request, up to the empty line at its end.
///
/// It has the headers `Host` and `Content-Type` unless `headers` has them; a header with an empty
/// value is left out. The caller adds the length or the encoding of the body.
pub fn head(method: &str, path: &str, headers: &[(&str, &str)]) -> String {
    let mut head = format!("{method} {path} HTTP/1.1\r\n");
    let needed = [("Host", "localhost"), ("Content-Type", "application/json")];
    let other = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    for (name, value) in needed.iter().filter(|(name, _)| !other(name)).chain(headers) {
        if !value.is_empty() {
            head += &format!("{name}: {value}\r\n");
        }
    }
    head + "\r\n"
}

/// A connection to a server, over TCP or a protocol on top of it.
#[derive(Debug)]
pub struct Connection<S = TcpStream>(
    /// The stream under the connection.
    pub S,
);

impl Connection {
    /// Connects to a server.
    ///
    /// # Panics
    /// If nobody listens at the address.
    pub fn open(address: SocketAddr) -> Self {
        Self::over(TcpStream::connect(address).expect("the server listens"))
    }

    /// Connects to a server from another address of this machine, such as `[127, 0, 0, 2]`, as
    /// another client does.
    ///
    /// # Panics
    /// If this machine has no such address, or nobody listens at the other one.
    pub fn open_from(own: [u8; 4], address: SocketAddr) -> Self {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
        socket.bind(&SocketAddr::from((own, 0)).into()).expect("an address of this machine");
        socket.connect(&address.into()).expect("the server listens");
        Self::over(socket.into())
    }

    /// Waits for a while at most, in both directions.
    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).expect("a timeout");
        stream.set_write_timeout(Some(PATIENCE)).expect("a timeout");
        Self(stream)
    }

    /// Closes the connection in both directions at once.
    pub fn shut_down(self) {
        // Fails if the server has closed the connection first, which is as good.
        let _ = self.0.shutdown(Shutdown::Both);
    }

    /// Waits until the server closes the connection, after whatever it still sends.
    ///
    /// # Panics
    /// If the server keeps the connection open.
    #[track_caller]
    pub fn assert_closed(&mut self) {
        let end = self.0.read_to_end(&mut Vec::new());
        let reset = end.as_ref().is_err_and(|error| error.kind() == ErrorKind::ConnectionReset);
        assert!(end.is_ok() || reset, "still open: {end:?}");
    }
}

impl<S: Read + Write> Connection<S> {
    /// Sends these bytes as they are.
    ///
    /// # Panics
    /// If the server has closed the connection.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).expect("the server reads");
    }

    /// Sends a whole request with a body and its length.
    ///
    /// # Panics
    /// If the server has closed the connection.
    pub fn send_request(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: impl AsRef<[u8]>) {
        let length = body.as_ref().len().to_string();
        let headers = [headers, &[("Content-Length", &length)]].concat();
        self.send([head(method, path, &headers).as_bytes(), body.as_ref()].concat());
    }

    /// Waits for the next response.
    ///
    /// # Panics
    /// If the connection ends before, or if the response is not valid.
    pub fn read_response(&mut self) -> Response {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.0.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                end => panic!("no response ({end:?}): {}", String::from_utf8_lossy(&head)),
            }
        }
        let head = String::from_utf8(head).expect("a head of text");
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok()).expect("a status");
        let mut response = Response { status, head, body: String::new() };
        let length = response.header("content-length").map_or(0, |length| length.parse().expect("a length"));
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).expect("the whole body");
        response.body = String::from_utf8(body).expect("a body of text");
        response
    }
}

/// Sends one request on a connection of its own, and returns the response.
///
/// # Panics
/// If there is no valid response.
pub fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl AsRef<[u8]>,
) -> Response {
    let mut connection = Connection::open(address);
    connection.send_request(method, path, headers, body);
    connection.read_response()
}

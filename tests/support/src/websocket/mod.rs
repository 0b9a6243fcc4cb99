//! WebSockets by hand, for what a well-behaved client would not send.

use std::collections::VecDeque;
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

pub use frame::{BINARY, CLOSE, Frame, PING, PONG, TEXT, frame, frame_head};

use crate::http::Connection;

mod frame;

/// Maximum time to wait for the server.
const PATIENCE: Duration = Duration::from_secs(20);

/// How a WebSocket has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// A close frame with this code arrived, and then nothing more.
    Code(u16),
    /// The connection was closed without a close frame.
    Cut,
}

/// A WebSocket.
#[derive(Debug)]
pub struct WebSocket {
    /// The connection under the WebSocket.
    pub connection: Connection,
    input: Vec<u8>,
    /// Notifications that arrived while a reply was awaited.
    notices: VecDeque<Value>,
    last_id: u64,
}

/// Returns the request that opens a WebSocket at the path `/api`.
pub fn handshake(headers: &[(&str, &str)]) -> String {
    handshake_at("/api", headers)
}

/// Returns the request that opens a WebSocket at a path.
pub fn handshake_at(path: &str, headers: &[(&str, &str)]) -> String {
    let needed = [
        ("Connection", "Upgrade"),
        ("Upgrade", "websocket"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Content-Type", ""),
    ];
    let other = |name: &str| headers.iter().any(|(key, _)| key.eq_ignore_ascii_case(name));
    let needed = needed.into_iter().filter(|(name, _)| !other(name));
    crate::http::head("GET", path, &needed.chain(headers.iter().copied()).collect::<Vec<_>>())
}

impl WebSocket {
    /// Opens a WebSocket at the path `/api`.
    ///
    /// # Panics
    /// If the server refuses it.
    pub fn open(address: SocketAddr) -> Self {
        Self::open_with(address, &[])
    }

    /// Opens a WebSocket with a token.
    ///
    /// # Panics
    /// If the server refuses it.
    pub fn with_token(address: SocketAddr, token: &str) -> Self {
        Self::open_with(address, &[("X-Api-Token", token)])
    }

    /// Opens a WebSocket with these headers.
    ///
    /// # Panics
    /// If the server refuses it.
    pub fn open_with(address: SocketAddr, headers: &[(&str, &str)]) -> Self {
        Self::open_at(address, "/api", headers)
    }

    /// Opens a WebSocket at a path, with these headers.
    ///
    /// # Panics
    /// If the server refuses it.
    pub fn open_at(address: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Self {
        let mut connection = Connection::open(address);
        connection.send(handshake_at(path, headers));
        Self::accepted(connection)
    }

    /// Waits for the response to a handshake that was sent on this connection.
    ///
    /// # Panics
    /// If the server refuses it.
    pub fn accepted(mut connection: Connection) -> Self {
        let response = connection.read_response();
        assert_eq!(response.status, 101, "{response:?}");
        Self::accepted_already(connection)
    }

    /// Wraps a connection whose handshake was answered.
    ///
    /// # Panics
    /// If the socket is broken.
    pub fn accepted_already(connection: Connection) -> Self {
        connection.0.set_nodelay(true).expect("a socket");
        Self { connection, input: Vec::new(), notices: VecDeque::new(), last_id: 0 }
    }

    /// Sends a frame.
    ///
    /// # Panics
    /// If the server has closed the connection.
    pub fn send_frame(&mut self, first: u8, payload: impl AsRef<[u8]>) {
        self.connection.send(frame(first, payload));
    }

    /// Sends a text message.
    ///
    /// # Panics
    /// If the server has closed the connection.
    pub fn send(&mut self, text: impl AsRef<str>) {
        self.send_frame(TEXT, text.as_ref());
    }

    /// Sends a call with the next id, and returns that.
    ///
    /// # Panics
    /// If the server has closed the connection.
    pub fn start(&mut self, method: &str, params: impl Into<Value>) -> u64 {
        self.last_id += 1;
        let (id, params) = (self.last_id, params.into());
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": id }).to_string());
        id
    }

    /// Sends a notification.
    ///
    /// # Panics
    /// If the server has closed the connection.
    pub fn notify(&mut self, method: &str, params: impl Into<Value>) {
        let params = params.into();
        self.send(json!({ "jsonrpc": "2.0", "method": method, "params": params }).to_string());
    }

    /// Makes a call, and waits for its response. Notifications that come before it are kept.
    ///
    /// # Panics
    /// If there is no response.
    #[track_caller]
    pub fn call(&mut self, method: &str, params: impl Into<Value>) -> Value {
        let id = self.start(method, params);
        let reply = self.reply();
        assert_eq!(reply["id"], id, "{method} has the answer {reply}");
        reply
    }

    /// Makes a call that succeeds, and returns its result.
    ///
    /// # Panics
    /// If the response is an error.
    #[track_caller]
    pub fn result(&mut self, method: &str, params: impl Into<Value>) -> Value {
        let mut reply = self.call(method, params);
        assert!(reply.get("result").is_some(), "{method}: {reply}");
        reply["result"].take()
    }

    /// Makes a call that fails, and returns the code of its error.
    ///
    /// # Panics
    /// If the response is not an error.
    #[track_caller]
    pub fn error_code(&mut self, method: &str, params: impl Into<Value>) -> i64 {
        let reply = self.call(method, params);
        reply["error"]["code"].as_i64().unwrap_or_else(|| panic!("{method}: {reply}"))
    }

    /// Starts a subscription, and returns its id.
    ///
    /// # Panics
    /// If it does not start.
    #[track_caller]
    pub fn subscribe(&mut self, method: &str, params: impl Into<Value>) -> String {
        let id = self.result(method, params);
        id.as_str().unwrap_or_else(|| panic!("{method} has the id {id}")).to_owned()
    }

    /// Waits for the next response. Notifications that come before it are kept.
    ///
    /// # Panics
    /// If there is none.
    #[track_caller]
    pub fn reply(&mut self) -> Value {
        loop {
            let message = self.received();
            if message.get("method").is_none() {
                return message;
            }
            self.notices.push_back(message);
        }
    }

    /// Returns the notifications that were kept because they came before a response.
    pub fn take_notices(&mut self) -> Vec<Value> {
        std::mem::take(&mut self.notices).into()
    }

    /// Waits for the next notification, and returns its parameters.
    ///
    /// # Panics
    /// If a response comes first, or nothing.
    #[track_caller]
    pub fn notice(&mut self) -> Value {
        let mut message = self.message();
        assert!(message.get("method").is_some(), "not a notification: {message}");
        message["params"].take()
    }

    /// Waits for the next notification of this subscription. Those of others are kept.
    ///
    /// # Panics
    /// If a response comes first, or nothing.
    #[track_caller]
    pub fn notice_of(&mut self, subscription: &str) -> Value {
        let is_of = |message: &Value| message["params"]["subscription"] == subscription;
        if let Some(at) = self.notices.iter().position(is_of) {
            return self.notices.remove(at).expect("it is there")["params"].take();
        }
        loop {
            let mut message = self.received();
            assert!(message.get("method").is_some(), "not a notification: {message}");
            if is_of(&message) {
                return message["params"].take();
            }
            self.notices.push_back(message);
        }
    }

    /// Waits for the next item of this subscription, and returns the item.
    ///
    /// # Panics
    /// If something else comes first.
    #[track_caller]
    pub fn item_of(&mut self, subscription: &str) -> Value {
        let mut notice = self.notice_of(subscription);
        assert!(notice.get("result").is_some(), "not an item: {notice}");
        notice["result"].take()
    }

    /// Returns the next message that has not been returned yet, notifications that were kept first.
    ///
    /// # Panics
    /// If there is none in time.
    #[track_caller]
    pub fn message(&mut self) -> Value {
        self.notices.pop_front().unwrap_or_else(|| self.received())
    }

    /// Waits for the next message from the server.
    #[track_caller]
    fn received(&mut self) -> Value {
        let mut frame = self.frame().unwrap_or_else(|| panic!("the server closed the connection"));
        while frame.first == PING {
            self.send_frame(PONG, frame.payload);
            frame = self.frame().unwrap_or_else(|| panic!("the server closed the connection"));
        }
        assert_eq!(frame.first, TEXT, "not a text: {frame:?}");
        serde_json::from_slice(&frame.payload).unwrap_or_else(|error| panic!("no JSON ({error}): {frame:?}"))
    }

    /// Waits for the next frame. Returns `None` if the connection is closed.
    ///
    /// # Panics
    /// If nothing comes in time.
    #[track_caller]
    pub fn frame(&mut self) -> Option<Frame> {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(frame) = Frame::take(&mut self.input) {
                return Some(frame);
            }
            assert!(Instant::now() < end, "the server sends nothing more");
            let mut bytes = [0; 64 * 1024];
            match self.connection.0.read(&mut bytes) {
                Ok(0) => return None,
                Ok(count) => self.input.extend_from_slice(&bytes[..count]),
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return None,
                Err(error) => panic!("the server sends nothing more: {error}"),
            }
        }
    }

    /// Returns all messages that arrive within this time, notifications that were kept first.
    ///
    /// # Panics
    /// If the connection is closed meanwhile.
    #[track_caller]
    pub fn messages_for(&mut self, time: Duration) -> Vec<Value> {
        let (end, mut messages) = (Instant::now() + time, self.take_notices());
        loop {
            let buffered = std::iter::from_fn(|| Frame::take(&mut self.input));
            let texts = buffered.filter(|frame| frame.first == TEXT);
            messages.extend(texts.map(|frame| serde_json::from_slice::<Value>(&frame.payload).expect("JSON")));
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                self.connection.0.set_read_timeout(Some(PATIENCE)).expect("a timeout");
                return messages;
            }
            self.connection.0.set_read_timeout(Some(left)).expect("a timeout");
            let mut bytes = [0; 64 * 1024];
            match self.connection.0.read(&mut bytes) {
                Ok(0) => panic!("the server closed the connection: {messages:?}"),
                Ok(count) => self.input.extend_from_slice(&bytes[..count]),
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(error) => panic!("the connection is broken: {error}"),
            }
        }
    }

    /// Reads up to the end of the connection. Returns the messages before it, and how it ended.
    ///
    /// # Panics
    /// If the server keeps the connection open.
    #[track_caller]
    pub fn rest(&mut self) -> (Vec<Value>, End) {
        let (mut messages, end) = self.close_code();
        if let End::Code(code) = end {
            // Fails if the server has closed its end already.
            let _ = std::io::Write::write_all(&mut self.connection.0, &frame(CLOSE, code.to_be_bytes()));
        }
        messages.extend(self.close_code().0);
        (messages, end)
    }

    /// Reads up to a close frame, or to the end of the connection. Returns the messages before it.
    ///
    /// # Panics
    /// If the server keeps the connection open.
    #[track_caller]
    pub fn close_code(&mut self) -> (Vec<Value>, End) {
        let mut messages = self.take_notices();
        while let Some(Frame { first, payload }) = self.frame() {
            match first {
                TEXT => messages.push(serde_json::from_slice(&payload).expect("JSON")),
                CLOSE => {
                    let code = payload.first_chunk().map_or(1005, |code| u16::from_be_bytes(*code));
                    return (messages, End::Code(code));
                }
                _ => {}
            }
        }
        (messages, End::Cut)
    }

    /// Closes the WebSocket, and waits for the server to do so.
    ///
    /// # Panics
    /// If the server does not answer with a close frame of the same code.
    #[track_caller]
    pub fn close(mut self) -> Vec<Value> {
        self.send_frame(CLOSE, 1000_u16.to_be_bytes());
        let (messages, end) = self.rest();
        assert_eq!(end, End::Code(1000));
        messages
    }
}

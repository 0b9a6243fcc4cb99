//! Server-sent events by hand.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};

use serde_json::Value;

use crate::http::{Connection, Response};

/// An event of a stream.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Its id: the cursor of the item.
    pub id: Option<String>,
    /// The message in it.
    pub message: Value,
}

/// The response of a server that answers with events.
#[derive(Debug)]
pub struct EventStream {
    /// The status and the headers.
    pub response: Response,
    reader: BufReader<TcpStream>,
    /// What has been read of the chunks, without their lengths.
    lines: Vec<u8>,
    has_ended: bool,
    /// Number of comment lines so far.
    pub comments: usize,
}

impl EventStream {
    /// Sends a body to the path `/api`, for a client that takes events.
    ///
    /// # Panics
    /// If the server does not answer.
    pub fn open(address: SocketAddr, headers: &[(&str, &str)], body: impl AsRef<[u8]>) -> Self {
        let mut connection = Connection::open(address);
        let headers = [headers, &[("Accept", "text/event-stream")]].concat();
        connection.send_request("POST", "/api", &headers, body);
        let response = connection.read_response();
        let has_ended = response.header("transfer-encoding").is_none();
        Self { response, reader: BufReader::new(connection.0), lines: Vec::new(), has_ended, comments: 0 }
    }

    /// Returns the next event, or `None` at the end of the stream.
    ///
    /// # Panics
    /// If nothing comes in time, or something else than events.
    #[track_caller]
    pub fn event(&mut self) -> Option<Event> {
        let mut id = None;
        let mut message = None;
        loop {
            let line = self.line()?;
            if line.is_empty() {
                if let Some(message) = message.take() {
                    return Some(Event { id, message });
                }
            } else if let Some(data) = line.strip_prefix("data: ") {
                let data = serde_json::from_str(data).unwrap_or_else(|error| panic!("no JSON ({error}): {data}"));
                assert_eq!(message.replace(data), None, "a message is one line of data");
            } else if let Some(value) = line.strip_prefix("id: ") {
                id = Some(value.to_owned());
            } else {
                assert!(line.starts_with(':'), "{line}");
                self.comments += 1;
            }
        }
    }

    /// Returns the parameters of the next message, which is a notification.
    ///
    /// # Panics
    /// If something else comes first.
    #[track_caller]
    pub fn notice(&mut self) -> Value {
        let mut event = self.event().expect("another event");
        assert!(event.message.get("method").is_some(), "not a notification: {event:?}");
        event.message["params"].take()
    }

    fn line(&mut self) -> Option<String> {
        loop {
            if let Some(end) = self.lines.iter().position(|byte| *byte == b'\n') {
                let line = self.lines.drain(..=end).collect::<Vec<_>>();
                return Some(String::from_utf8(line).expect("text").trim_end_matches('\n').to_owned());
            }
            if self.has_ended {
                assert!(self.lines.is_empty(), "half an event");
                return None;
            }
            let mut length = String::new();
            self.reader.read_line(&mut length).expect("the server sends more");
            let length = usize::from_str_radix(length.trim_end(), 16).expect("a chunk");
            let mut chunk = vec![0; length + 2];
            self.reader.read_exact(&mut chunk).expect("a whole chunk");
            self.lines.extend_from_slice(&chunk[..length]);
            self.has_ended = length == 0;
        }
    }
}

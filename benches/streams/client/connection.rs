//! One connection of the load.

use std::io::{self, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

use mio::net::TcpStream;

use super::frames::{self, Frame};
use super::messages::Outbox;

/// Time after which a handshake fails.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(20);

/// A WebSocket.
pub(super) struct Connection {
    stream: TcpStream,
    /// The beginning of a frame whose rest has not arrived.
    rest: Vec<u8>,
    outbox: Outbox,
    /// Whether what arrives is not read.
    paused: bool,
    /// Whether there may have been events that were ignored during a pause.
    was_paused: bool,
}

impl Connection {
    /// Opens a connection, and waits for the end of the handshake.
    pub(super) fn open(address: SocketAddr) -> io::Result<Self> {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(HANDSHAKE_TIMEOUT))?;
        stream.write_all(
            b"GET /api HTTP/1.1\r\nhost: localhost\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
            sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        )?;
        let (mut answer, mut length) = ([0; 1024], 0);
        // Nothing follows the head before the first message of the client.
        while !answer[..length].ends_with(b"\r\n\r\n") {
            match stream.read(&mut answer[length..])? {
                0 => return Err(ErrorKind::UnexpectedEof.into()),
                read => length += read,
            }
        }
        if !answer.starts_with(b"HTTP/1.1 101 ") {
            let answer = String::from_utf8_lossy(&answer[..length]);
            return Err(io::Error::other(format!("no WebSocket: {answer}")));
        }
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream: TcpStream::from_std(stream),
            rest: Vec::new(),
            outbox: Outbox::default(),
            paused: false,
            was_paused: false,
        })
    }

    pub(super) fn stream(&mut self) -> &mut TcpStream {
        &mut self.stream
    }

    /// Sends a message.
    pub(super) fn send(&mut self, text: &str) -> io::Result<()> {
        self.outbox.push(text);
        self.flush()
    }

    /// Leaves what arrives where it is, or reads it again.
    pub(super) fn set_paused(&mut self, paused: bool) {
        self.paused = paused;
    }

    /// Handles the messages that have arrived.
    pub(super) fn serve(
        &mut self,
        buffer: &mut [u8],
        mut handle: impl FnMut(&[u8], &mut Outbox) -> io::Result<()>,
    ) -> io::Result<()> {
        while !self.paused {
            let begin = self.rest.len();
            buffer[..begin].copy_from_slice(&self.rest);
            let read = match self.stream.read(&mut buffer[begin..]) {
                Ok(0) => return Err(io::Error::other("the server has ended a connection")),
                Ok(read) => read,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            };
            let end = begin + read;
            let mut at = 0;
            while let Some((frame, payload)) = frames::read(&buffer[at..end])? {
                let next = at + payload.end;
                let payload = &buffer[at + payload.start..next];
                match frame {
                    Frame::Text => handle(payload, &mut self.outbox)?,
                    Frame::Ping => self.outbox.pong(payload),
                    Frame::Pong => {}
                }
                at = next;
            }
            self.rest.clear();
            self.rest.extend_from_slice(&buffer[at..end]);
            // There was less than there was room for, so the next event tells of more.
            if end < buffer.len() && !self.was_paused {
                break;
            }
        }
        self.was_paused = self.paused;
        self.flush()
    }

    /// Sends what is in the outbox. What the load sends always fits into the buffer of the socket.
    fn flush(&mut self) -> io::Result<()> {
        let frames = self.outbox.frames();
        if !frames.is_empty() {
            self.stream.write_all(frames)?;
            frames.clear();
        }
        Ok(())
    }
}

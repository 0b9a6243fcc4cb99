//! The least that a server can do for many connections: one thread that writes a frame, made once,
//! to each of them. It shows what the machine allows.

use std::io::{self, ErrorKind, Read, Write};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use serde_json::{Value, json};

use super::{Price, print_address};

const LISTENER: Token = Token(usize::MAX);

const TEXT: u8 = 0x81;

/// A connection, and what has arrived of its next message.
struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    is_open: bool,
}

/// All connections, each of which is a subscriber once it has asked for anything but `publish`.
struct Server {
    poll: Poll,
    listener: TcpListener,
    connections: Vec<Connection>,
    subscribers: Vec<usize>,
    published: u64,
}

/// Serves until the process is killed.
pub(super) fn serve() -> io::Result<()> {
    let mut listener = TcpListener::bind("127.0.0.1:0".parse().expect("an address"))?;
    let poll = Poll::new()?;
    poll.registry().register(&mut listener, LISTENER, Interest::READABLE)?;
    print_address(listener.local_addr()?);
    let mut server = Server { poll, listener, connections: Vec::new(), subscribers: Vec::new(), published: 0 };
    let mut events = Events::with_capacity(1024);
    loop {
        server.poll.poll(&mut events, None)?;
        for event in &events {
            match event.token() {
                LISTENER => server.accept()?,
                Token(at) => server.read(at)?,
            }
        }
    }
}

impl Server {
    fn accept(&mut self) -> io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            self.poll.registry().register(&mut stream, Token(self.connections.len()), Interest::READABLE)?;
            self.connections.push(Connection { stream, input: Vec::new(), is_open: false });
        }
    }

    /// Answers what has arrived on a connection.
    fn read(&mut self, at: usize) -> io::Result<()> {
        let connection = &mut self.connections[at];
        let mut buffer = [0; 4096];
        loop {
            match connection.stream.read(&mut buffer) {
                Ok(0) => return self.poll.registry().deregister(&mut connection.stream),
                Ok(read) => connection.input.extend_from_slice(&buffer[..read]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error),
            }
        }
        if !connection.is_open {
            connection.is_open = connection.input.ends_with(b"\r\n\r\n");
            if connection.is_open {
                connection.input.clear();
                // The client of this bench does not check the key.
                connection.stream.write_all(
                    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\r\n",
                )?;
            }
            return Ok(());
        }
        while let Some(message) = take_message(&mut self.connections[at].input) {
            self.answer(at, &message)?;
        }
        Ok(())
    }

    fn answer(&mut self, at: usize, message: &Value) -> io::Result<()> {
        let publishes = message["method"] == "publish";
        self.published += u64::from(publishes);
        let result = if publishes { json!(self.published) } else { json!(at.to_string()) };
        let reply = frame(&json!({"jsonrpc": "2.0", "result": result, "id": message["id"]}).to_string());
        self.connections[at].stream.write_all(&reply)?;
        if !publishes {
            self.subscribers.push(at);
            return Ok(());
        }
        let item = serde_json::to_string(&Price::now(self.published, 0))?;
        let item =
            frame(&format!(r#"{{"jsonrpc":"2.0","method":"prices","params":{{"subscription":"1","result":{item}}}}}"#));
        self.subscribers.iter().try_for_each(|at| self.connections[*at].stream.write_all(&item))
    }
}

/// Takes the first message of a client, once it is complete.
fn take_message(input: &mut Vec<u8>) -> Option<Value> {
    let (start, length) = match **input {
        [_, 0xfe, high, low, ..] => (8, usize::from(u16::from_be_bytes([high, low]))),
        [_, length, ..] => (6, usize::from(length & 0x7f)),
        _ => return None,
    };
    let end = start + length;
    let mask: [u8; 4] = input.get(start - 4..start)?.try_into().ok()?;
    let payload: Vec<_> =
        input.get(start..end)?.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key).collect();
    input.drain(..end);
    serde_json::from_slice(&payload).ok()
}

/// Returns the frame of a message of at most 65,535 bytes.
fn frame(text: &str) -> Vec<u8> {
    let mut frame = match text.len() {
        short @ 0..126 => vec![TEXT, short as u8],
        length => {
            let [high, low] = u16::try_from(length).expect("a short message").to_be_bytes();
            vec![TEXT, 126, high, low]
        }
    };
    frame.extend_from_slice(text.as_bytes());
    frame
}

//! A WebSocket client that costs less than any server: many connections on one thread, without
//! tasks, and with one system call for what has arrived.

mod connection;
mod frames;
mod messages;

use std::io::{self, ErrorKind};
use std::mem;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::{Events, Interest, Poll, Token};

use serde::de::DeserializeOwned;
use serde_json::Value;

use connection::Connection;

use crate::servers::now;

use callbox_benches::workload::call;

pub(crate) use messages::{Outbox, Subscriber, cancel, is_cancelled, reply, subscribe, wrong};

/// Number of bytes to read at once.
const READ_SIZE: usize = 256 * 1024;

/// Time after which a wait fails: a server that does not answer is wrong, not slow.
const PATIENCE: Duration = Duration::from_secs(30);

/// Id of a call that is made alone.
const CALL_ID: usize = usize::MAX >> 12;

/// Connections that one thread serves.
pub(crate) struct Swarm {
    address: SocketAddr,
    poll: Poll,
    events: Events,
    connections: Vec<Connection>,
    buffer: Vec<u8>,
}

impl Swarm {
    /// Opens so many connections.
    pub(crate) fn open(address: SocketAddr, count: usize) -> io::Result<Self> {
        let (poll, events) = (Poll::new()?, Events::with_capacity(1024));
        let mut swarm = Self { address, poll, events, connections: Vec::new(), buffer: vec![0; READ_SIZE] };
        for _ in 0..count {
            swarm.add()?;
        }
        Ok(swarm)
    }

    /// Opens another connection, and returns its number.
    pub(crate) fn add(&mut self) -> io::Result<usize> {
        self.connections.push(Connection::open(self.address)?);
        self.register(self.connections.len() - 1)
    }

    /// Cuts a connection off, and opens another one with the same number. Returns when it was cut,
    /// in nanoseconds of [`now`].
    pub(crate) fn reopen(&mut self, at: usize) -> io::Result<u64> {
        let before = mem::replace(&mut self.connections[at], Connection::open(self.address)?);
        let cut = now();
        drop(before);
        self.register(at)?;
        Ok(cut)
    }

    fn register(&mut self, at: usize) -> io::Result<usize> {
        self.poll.registry().register(self.connections[at].stream(), Token(at), Interest::READABLE)?;
        Ok(at)
    }

    /// Sends a message on a connection.
    pub(crate) fn send(&mut self, at: usize, text: &str) -> io::Result<()> {
        self.connections[at].send(text)
    }

    /// Leaves what arrives on a connection where it is, or reads it again.
    pub(crate) fn set_paused(&mut self, at: usize, paused: bool) {
        self.connections[at].set_paused(paused);
    }

    /// Handles the messages that have arrived, without sleeping. `handle` gets the number of the
    /// connection, a message, and what is to be sent in return.
    pub(crate) fn serve(
        &mut self,
        mut handle: impl FnMut(usize, &[u8], &mut Outbox) -> io::Result<()>,
    ) -> io::Result<()> {
        self.poll.poll(&mut self.events, Some(Duration::ZERO))?;
        for event in &self.events {
            let at = event.token().0;
            self.connections[at].serve(&mut self.buffer, |message, outbox| handle(at, message, outbox))?;
        }
        Ok(())
    }

    /// Handles the messages of a connection that was paused, since no event comes for them.
    pub(crate) fn serve_one(
        &mut self,
        at: usize,
        mut handle: impl FnMut(usize, &[u8], &mut Outbox) -> io::Result<()>,
    ) -> io::Result<()> {
        self.connections[at].serve(&mut self.buffer, |message, outbox| handle(at, message, outbox))
    }

    /// Handles messages until `handle` returns true for one.
    pub(crate) fn serve_until(
        &mut self,
        mut handle: impl FnMut(usize, &[u8], &mut Outbox) -> io::Result<bool>,
    ) -> io::Result<()> {
        let (begin, mut is_done) = (Instant::now(), false);
        while !is_done {
            self.serve(|at, message, outbox| {
                is_done |= handle(at, message, outbox)?;
                Ok(())
            })?;
            check_patience(begin)?;
        }
        Ok(())
    }

    /// Opens so many further connections, and subscribes on each to the items from now on.
    pub(crate) fn add_subscribers(&mut self, count: usize) -> io::Result<()> {
        let (call, mut missing) = (subscribe(None), count);
        for _ in 0..count {
            let at = self.add()?;
            self.send(at, &call)?;
        }
        self.serve_until(|_, message, _| {
            missing -= usize::from(reply::<Value>(message)?.is_some());
            Ok(missing == 0)
        })
    }

    /// Makes a call on a connection that has nothing else to receive.
    pub(crate) fn call<T: DeserializeOwned>(&mut self, at: usize, method: &str, params: &str) -> io::Result<T> {
        self.send(at, &call(method, params, CALL_ID))?;
        let mut result = None;
        self.serve_until(|from, message, _| {
            if from == at
                && let Some((CALL_ID, found)) = reply(message)?
            {
                result = Some(found);
            }
            Ok(result.is_some())
        })?;
        result.ok_or_else(|| ErrorKind::UnexpectedEof.into())
    }
}

/// Fails if the load has waited for too long since `begin`.
pub(crate) fn check_patience(begin: Instant) -> io::Result<()> {
    if begin.elapsed() < PATIENCE { Ok(()) } else { Err(io::Error::other("the server does not answer")) }
}

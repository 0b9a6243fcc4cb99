//! Signals that ask the process to end.

use std::io;

use futures::future::{Either, select};
use std::pin::pin;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::Result;
use crate::exit::Exit;

/// Waits for Ctrl-c and SIGTERM, which no longer end the process by themselves.
pub(crate) struct Signals {
    interrupt: Signal,
    terminate: Signal,
}

impl Signals {
    /// Takes over the signals. Must be called within a tokio runtime.
    pub(crate) fn new() -> Result<Self> {
        let take = |kind| signal(kind).map_err(|error: io::Error| format!("signals cannot be received: {error}"));
        Ok(Self { interrupt: take(SignalKind::interrupt())?, terminate: take(SignalKind::terminate())? })
    }

    /// Returns the exit code for the next signal.
    pub(crate) async fn next(&mut self) -> Exit {
        match select(pin!(self.interrupt.recv()), pin!(self.terminate.recv())).await {
            Either::Left(_) => Exit::Interrupted,
            Either::Right(_) => Exit::Terminated,
        }
    }

    /// Returns what `work` returns; the exit code if a signal comes before.
    pub(crate) async fn or<T>(&mut self, work: impl Future<Output = T>) -> std::result::Result<T, Exit> {
        match select(pin!(work), pin!(self.next())).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right((exit, _)) => Err(exit),
        }
    }
}

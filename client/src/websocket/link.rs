//! One open connection.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::{Sink, SinkExt, Stream};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_websockets::{Error, Message, Payload, WebSocketStream};

use crate::client_error::Cause;

/// Time between two pings of this client.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Time without any message of the server after which the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(40);

/// Maximum time for the server to close the connection after this client did.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// What carries the bytes: TCP, or TLS on top of it.
pub(super) trait ByteStream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> ByteStream for S {}

/// A connection as the library knows it.
pub(super) type Frames = WebSocketStream<Box<dyn ByteStream>>;

/// An open connection. It reads and writes at the same time: a server that does not read until it
/// has sent its responses would never do so if this client first wanted to send its calls.
pub(super) struct Link {
    frames: Frames,
    /// When something arrived for the last time.
    heard_at: Instant,
    ping_at: Instant,
    timer: Pin<Box<Sleep>>,
}

/// Why a connection cannot go on.
#[derive(Debug)]
pub(super) enum Broken {
    /// It was closed or cut.
    Lost(Cause),
    /// The server has sent something that it may not send.
    Malformed(Cause),
}

impl Link {
    pub(super) fn new(frames: Frames) -> Self {
        let now = Instant::now();
        let ping_at = now + PING_INTERVAL;
        Self { frames, heard_at: now, ping_at, timer: Box::pin(sleep_until(ping_at)) }
    }

    /// Sends the messages that `next` returns, as long as there is room, and returns the next text
    /// that arrives.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut next: impl FnMut() -> Option<Vec<u8>>,
    ) -> Poll<Result<Payload, Broken>> {
        loop {
            self.check_time(cx)?;
            self.poll_write(cx, &mut next).map_err(broken)?;
            let message = match ready!(Pin::new(&mut self.frames).poll_next(cx)) {
                Some(Ok(message)) => message,
                Some(Err(error)) => return Poll::Ready(Err(broken(error))),
                None => return Poll::Ready(Err(lost("the server has cut the connection"))),
            };
            self.heard_at = Instant::now();
            if let Some((code, reason)) = message.as_close() {
                let code = u16::from(code);
                return Poll::Ready(Err(lost(format!("the server has closed the connection ({code} {reason})"))));
            }
            if message.is_text() {
                return Poll::Ready(Ok(message.into_payload()));
            }
            if message.is_binary() {
                return Poll::Ready(Err(Broken::Malformed(Cause::new("it is a binary message"))));
            }
            // After a ping there is a pong to write.
        }
    }

    /// Writes as much as there is room for.
    fn poll_write(&mut self, cx: &mut Context<'_>, next: &mut impl FnMut() -> Option<Vec<u8>>) -> Result<(), Error> {
        let mut frames = Pin::new(&mut self.frames);
        while let Poll::Ready(ready) = frames.as_mut().poll_ready(cx) {
            ready?;
            let Some(text) = next() else { break };
            frames.as_mut().start_send(Message::text(text))?;
        }
        match frames.as_mut().poll_flush(cx) {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => Ok(()),
        }
    }

    /// Pings the server when it is time.
    fn check_time(&mut self, cx: &mut Context<'_>) -> Result<(), Broken> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let now = Instant::now();
            if now >= self.heard_at + SILENCE {
                let seconds = SILENCE.as_secs();
                return Err(lost(format!("the server has sent nothing for {seconds} s")));
            }
            if now >= self.ping_at {
                Pin::new(&mut self.frames).start_send(Message::ping(Payload::from(""))).map_err(broken)?;
                self.ping_at = now + PING_INTERVAL;
            }
            self.timer.as_mut().reset(self.ping_at.min(self.heard_at + SILENCE));
        }
        Ok(())
    }

    /// Closes the connection.
    pub(super) async fn close(mut self) {
        // A server that does not answer is left alone.
        let _ = timeout(CLOSE_TIMEOUT, self.frames.close()).await;
    }
}

fn lost(cause: impl Into<String>) -> Broken {
    Broken::Lost(Cause::new(cause.into()))
}

fn broken(error: Error) -> Broken {
    match error {
        Error::Protocol(_) | Error::PayloadTooLong { .. } => Broken::Malformed(Cause::new(error)),
        error => Broken::Lost(Cause::new(error)),
    }
}

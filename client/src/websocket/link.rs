//! One open connection.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::{Sink, SinkExt, Stream};
use tokio::time::{Instant, Sleep, sleep_until, timeout};
use tokio_websockets::{Error, Message, Payload, WebSocketStream};

use crate::client_error::Cause;

use super::watched::Watched;

/// Time between two pings of this client.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// Time without any byte of the server after which the connection counts as lost.
const SILENCE: Duration = Duration::from_secs(40);

/// Maximum time for the server to close the connection after this client did.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(1);

/// A connection as the library knows it.
pub(super) type Frames = WebSocketStream<Watched>;

/// An open connection. It reads and writes at the same time: a server that does not read until it
/// has sent its responses would never do so if this client first wanted to send its calls.
pub(super) struct Link {
    frames: Frames,
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
        let ping_at = Instant::now() + PING_INTERVAL;
        Self { frames, ping_at, timer: Box::pin(sleep_until(ping_at)) }
    }

    /// Sends the messages that `next` returns, as long as there is room, and returns the next text
    /// that arrives.
    pub(super) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        mut next: impl FnMut() -> Option<Vec<u8>>,
    ) -> Poll<Result<Payload, Broken>> {
        loop {
            let is_silent = self.check_time(cx)?;
            self.poll_write(cx, &mut next).map_err(broken)?;
            let message = match Pin::new(&mut self.frames).poll_next(cx) {
                Poll::Ready(Some(Ok(message))) => message,
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(broken(error))),
                Poll::Ready(None) => return Poll::Ready(Err(lost("the server has cut the connection"))),
                // What has arrived while this process was busy, or stopped, was read first.
                Poll::Pending if is_silent && self.is_silent() => {
                    return Poll::Ready(Err(lost(format!("the server has sent nothing for {} s", SILENCE.as_secs()))));
                }
                Poll::Pending => return Poll::Pending,
            };
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

    /// Pings the server when it is time. Returns whether nothing was read of it for too long.
    fn check_time(&mut self, cx: &mut Context<'_>) -> Result<bool, Broken> {
        while self.timer.as_mut().poll(cx).is_ready() {
            if self.is_silent() {
                return Ok(true);
            }
            let now = Instant::now();
            if now >= self.ping_at {
                Pin::new(&mut self.frames).start_send(Message::ping(Payload::from(""))).map_err(broken)?;
                self.ping_at = now + PING_INTERVAL;
            }
            let next_at = self.ping_at.min(self.lost_at());
            self.timer.as_mut().reset(next_at);
        }
        Ok(false)
    }

    fn lost_at(&self) -> Instant {
        self.frames.get_ref().alive_at() + SILENCE
    }

    fn is_silent(&self) -> bool {
        Instant::now() >= self.lost_at()
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

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use futures_util::StreamExt;
    use tokio::io::duplex;
    use tokio_websockets::{ClientBuilder, ServerBuilder};

    use super::*;

    /// Runs in simulated time.
    #[tokio::test(start_paused = true)]
    async fn a_server_that_is_silent_is_pinged_and_then_given_up() {
        let (near, far) = duplex(1024);
        let mut link = Link::new(ClientBuilder::new().take_over(Watched::new(near)));
        let mut server = ServerBuilder::new().serve(far);
        let began = Instant::now();
        let server = tokio::spawn(async move {
            // Answers three pings by reading them, and then no more.
            for _ in 0..3 {
                assert!(server.next().await.unwrap().unwrap().is_ping());
                server.flush().await.unwrap();
            }
            server
        });
        let broken = poll_fn(|cx| link.poll(cx, || None)).await.unwrap_err();
        assert!(matches!(&broken, Broken::Lost(cause) if cause.to_string().contains("40 s")), "{broken:?}");
        assert_eq!(began.elapsed().as_secs(), 3 * 20 + 40);
        drop(server.await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_arrived_while_the_task_was_not_polled_is_read_before_the_server_is_given_up() {
        let (near, far) = duplex(1024);
        let mut link = Link::new(ClientBuilder::new().take_over(Watched::new(near)));
        let mut server = ServerBuilder::new().serve(far);
        server.send(Message::text("here")).await.unwrap();
        tokio::time::advance(SILENCE * 2).await;
        let text = poll_fn(|cx| link.poll(cx, || None)).await.unwrap();
        assert_eq!(&*text, b"here");
        let pending = poll_fn(|cx| Poll::Ready(link.poll(cx, || None).is_pending())).await;
        assert!(pending, "it lives");
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_that_takes_long_is_a_sign_of_life() {
        let (near, far) = duplex(1024);
        let mut link = Link::new(ClientBuilder::new().take_over(Watched::new(near)));
        let server = tokio::spawn(async move {
            use tokio::io::{AsyncReadExt, AsyncWriteExt};
            let (mut read, mut write) = tokio::io::split(far);
            let frame = [b"\x81\x14".as_slice(), &[b'x'; 20]].concat();
            for byte in frame {
                tokio::time::sleep(Duration::from_secs(15)).await;
                write.write_all(&[byte]).await.unwrap();
            }
            // The pings of the client are not answered.
            read.read_buf(&mut Vec::with_capacity(1024)).await.unwrap()
        });
        let text = poll_fn(|cx| link.poll(cx, || None)).await.unwrap();
        assert_eq!(&*text, [b'x'; 20]);
        assert!(server.await.unwrap() > 0);
    }
}

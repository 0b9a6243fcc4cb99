//! The messages in a response of server-sent events.

use std::collections::VecDeque;
use std::pin::pin;
use std::time::Duration;

use reqwest::Response;
use tokio::time::timeout;

use crate::client_error::Cause;

use super::event_parser::EventParser;

/// A response of server-sent events. Dropping it closes the connection, which ends the subscription
/// or cancels the call.
pub(super) struct EventReader {
    response: Response,
    parser: EventParser,
    /// Messages that have arrived.
    messages: VecDeque<String>,
    /// Why nothing can be read after them.
    mistake: Option<Cause>,
    /// Maximum time without a byte.
    silence: Duration,
}

/// Why there is no further message.
#[derive(Debug)]
pub(super) enum ReadError {
    /// The response has ended, or the connection is lost.
    Cut(Cause),
    /// The server has sent something that cannot be read.
    Malformed(Cause),
}

impl EventReader {
    pub(super) fn new(response: Response, limit: usize, silence: Duration) -> Self {
        Self { response, parser: EventParser::new(limit), messages: VecDeque::new(), mistake: None, silence }
    }

    /// Returns the next message. Dropping the future loses nothing.
    pub(super) async fn next(&mut self) -> Result<String, ReadError> {
        loop {
            if let Some(message) = self.messages.pop_front() {
                return Ok(message);
            }
            if let Some(mistake) = self.mistake.clone() {
                return Err(ReadError::Malformed(mistake));
            }
            let chunk = within(self.silence, self.response.chunk()).await;
            let Some(chunk) = chunk else {
                let seconds = self.silence.as_secs_f64();
                return Err(ReadError::Cut(Cause::new(format!("the server has sent nothing for {seconds} s"))));
            };
            match chunk {
                Ok(Some(chunk)) => self.mistake = self.parser.read(&chunk, &mut self.messages).err(),
                Ok(None) => return Err(ReadError::Cut(Cause::new("the server has ended the response"))),
                Err(error) => return Err(ReadError::Cut(Cause::new(error.without_url()))),
            }
        }
    }
}

/// Waits for what comes next; nothing if it does not come in this time.
///
/// The time is waited for in two halves. If nobody has polled this for long, the first may have
/// passed without anybody looking for what has arrived meanwhile. The second has not.
async fn within<F: Future>(time: Duration, next: F) -> Option<F::Output> {
    let mut next = pin!(next);
    for _ in 0..2 {
        if let Ok(next) = timeout(time / 2, next.as_mut()).await {
            return Some(next);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::pin::pin;
    use std::task::Poll;

    use tokio::time::{Instant, advance, sleep_until};

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn silence_is_noticed_in_time() {
        let began = Instant::now();
        for (after, comes) in [(0, true), (29, true), (31, true), (59, true), (61, false)] {
            let at = Instant::now() + Duration::from_secs(after);
            let came = within(MINUTE, sleep_until(at)).await.is_some();
            assert_eq!(came, comes, "after {after} s");
        }
        assert_eq!(began.elapsed().as_secs(), 29 + 31 + 59 + 60);
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_arrived_while_nobody_looked_is_no_silence() {
        let looked = Instant::now();
        // As hyper does: it reads for a body once somebody has asked for more of it.
        let mut polls = 0;
        let chunk = poll_fn(|cx| {
            polls += 1;
            if looked.elapsed() < MINUTE || polls < 3 {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            Poll::Ready(())
        });
        let mut chunk = pin!(within(MINUTE, chunk));
        assert!(poll_fn(|cx| Poll::Ready(chunk.as_mut().poll(cx).is_pending())).await);
        advance(10 * MINUTE).await;
        assert!(chunk.await.is_some());
    }
}

//! The items of a subscription over HTTP, across all connections that it has.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream};
use tokio::time::{Instant, sleep, timeout};

use crate::client_error::ClientError;
use crate::response;
use crate::stream::{Backoff, FeedEnd, FeedEvent, Frame, OpenSubscription};

use super::event_reader::{EventReader, ReadError};
use super::post::{Endpoint, Post};
use super::transport::{Answer, answer_to};

/// Time after which a connection counts as good, even if no message has arrived.
const GOOD_AFTER: Duration = Duration::from_secs(10);

/// A subscription that its server knows, or knew.
struct EventItems {
    endpoint: Arc<Endpoint>,
    /// The call that started it, without its body and its time.
    call: Post,
    subscription: Arc<OpenSubscription>,
    /// The connection, unless it was lost.
    reader: Option<Box<EventReader>>,
    /// When the connection was opened.
    began: Instant,
    backoff: Backoff,
    /// What comes after an item of the same message.
    end: Option<FeedEnd>,
}

/// Returns the items of a subscription that was started. They are read as they are polled, and the
/// connection is closed when they are dropped.
pub(super) fn items(
    endpoint: Arc<Endpoint>,
    call: Post,
    subscription: Arc<OpenSubscription>,
    reader: Box<EventReader>,
) -> BoxStream<'static, FeedEvent> {
    let (began, backoff) = (Instant::now(), Backoff::new());
    let items = EventItems { endpoint, call, subscription, reader: Some(reader), began, backoff, end: None };
    Box::pin(stream::unfold(items, |mut items| async {
        let event = items.next().await;
        Some((event, items))
    }))
}

impl EventItems {
    /// Returns the next item, or the end.
    async fn next(&mut self) -> FeedEvent {
        loop {
            if let Some(end) = self.end.take() {
                return FeedEvent::End(end);
            }
            let reader = match &mut self.reader {
                Some(reader) => reader,
                None => match self.reopen().await {
                    Ok(reader) => {
                        self.began = Instant::now();
                        self.reader.insert(reader)
                    }
                    Err(error) => return FeedEvent::End(FeedEnd::Failed(error)),
                },
            };
            match reader.next().await {
                Ok(message) => match Frame::parse(&message) {
                    Ok(Frame::Notice(notice)) => {
                        self.backoff.reset();
                        let (item, end) = self.subscription.with_position(|position| position.receive(notice));
                        self.end = end;
                        if let Some(item) = item {
                            return FeedEvent::Item(item);
                        }
                    }
                    // A report of the progress, for example, although the call has ended.
                    Ok(_) => {}
                    Err(cause) => return FeedEvent::malformed(cause),
                },
                // It would be sent again.
                Err(ReadError::Malformed(cause)) => return FeedEvent::malformed(cause),
                Err(ReadError::Cut(cause)) => {
                    let method = &*self.subscription.start.method;
                    log_debug!(method, %cause, "the connection of a subscription was lost, and is opened again");
                    if self.began.elapsed() >= GOOD_AFTER {
                        self.backoff.reset();
                    }
                    self.reader = None;
                }
            }
        }
    }

    /// Starts the subscription again.
    ///
    /// # Errors
    /// If the server refuses it for good.
    async fn reopen(&mut self) -> Result<Box<EventReader>, ClientError> {
        let subscription = &*self.subscription;
        let (call, method) = (subscription.start.call, &*subscription.start.method);
        loop {
            sleep(self.backoff.next_pause()).await;
            let body = subscription.with_position(|position| position.restart(&subscription.start));
            let time = subscription.start.deadline;
            let post = Post { body: body.unwrap_or_default(), timeout: time, ..self.call.clone() };
            let cause = match timeout(time, answer_to(&self.endpoint, post, call, None)).await {
                Ok(Ok(Answer { response, events: Some(reader) })) => match response::of_object(response.text()) {
                    Ok(_) => return Ok(reader),
                    Err(error) => error,
                },
                Ok(Ok(Answer { response, events: None })) => match response::of_object(response.text()) {
                    Ok(_) => return Err(ClientError::bad_response(NO_EVENTS)),
                    Err(error) => error,
                },
                Ok(Err(error)) => error.into(),
                Err(_) => ClientError::Deadline(None),
            };
            match cause {
                ClientError::Method(_) | ClientError::Server(_) => return Err(cause),
                _ => log_debug!(method, %cause, "a subscription could not be started again"),
            }
        }
    }
}

/// The cause of the error of a subscription whose items do not come.
pub(super) const NO_EVENTS: &str = "the server has started a subscription over HTTP without sending events: connect \
                                    to it over a WebSocket, with `Client::connect`";

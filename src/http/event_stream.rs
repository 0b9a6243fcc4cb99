//! Calls with more than one answer over plain HTTP: a response of server-sent events.
//!
//! Each event has one message, as over a WebSocket. A subscription answers like this, and a call
//! whose progress is reported, for clients whose `Accept` names the type. If there is only one
//! answer after all, it is the usual response.

use std::convert::Infallible;
use std::future::poll_fn;
use std::iter;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::http::header::{CACHE_CONTROL, HeaderName};
use actix_web::web::Bytes;
use memchr::memchr2_iter;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::dispatch::{Dispatch, Frame, Outbox, RpcResponse, Session, SessionClient, SessionLimits};
use crate::measure::{ConnectionCounter, CountedConnection};
use crate::service::Cursor;
use crate::topic::wake_by_thread;

use super::caller_headers::EVENT_STREAM;
use super::rpc::EndpointConfig;
use super::turn::Turn;

/// The header in which a client that comes again has the id of the last event that it has received.
pub(super) const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Size from which on no further event is added to what is given to actix at once, in bytes.
const CHUNK: usize = 16 * 1024;

/// A comment, which proxies take for life and clients leave out.
const COMMENT: &[u8] = b":\n\n";

/// Runs the call in a body. Returns the response of events, or the only answer. A call that may
/// have events, and has none for long, has a response of events in any case, as proxies would give
/// it up.
pub(super) async fn answer(
    dispatch: &Arc<Dispatch>,
    client: SessionClient,
    body: Bytes,
    config: &EndpointConfig,
) -> Result<HttpResponse, RpcResponse> {
    wake_by_thread();
    let limits = SessionLimits { envelopes: 1, subscriptions: 1 };
    let mut session = Session::new(Arc::clone(dispatch), client, limits, config.stopping.clone());
    let (mut events, mut body) = (Events::default(), Some(body));
    let keep_alive = config.websocket.ping_interval;
    let mut timer = Box::pin(sleep_until(Instant::now() + keep_alive));
    let only = poll_fn(|cx| {
        if let Some(body) = body.take() {
            session.start(body, cx);
        }
        match session.poll_first(cx, &mut events) {
            Poll::Pending if timer.as_mut().poll(cx).is_ready() => {
                if session.may_send_events() {
                    events.0.extend_from_slice(COMMENT);
                    return Poll::Ready(None);
                }
                timer.as_mut().reset(Instant::now() + keep_alive);
                timer.as_mut().poll(cx).map(|()| None)
            }
            polled => polled,
        }
    });
    match only.await {
        Some(response) => Err(response),
        None => {
            timer.as_mut().reset(Instant::now() + keep_alive);
            let counted = config.counters.connections.count(ConnectionCounter::EventStreams);
            let body = EventStream { session, events, timer, keep_alive, turn: Turn::default(), _counted: counted };
            Ok(HttpResponse::Ok()
                .content_type(EVENT_STREAM)
                .insert_header((CACHE_CONTROL, "no-store"))
                // Without this header, some proxies buffer the events until they have enough of
                // them.
                .insert_header(("x-accel-buffering", "no"))
                .body(body))
        }
    }
}

/// The events of a response.
struct EventStream {
    session: Session,
    events: Events,
    timer: Pin<Box<Sleep>>,
    /// Time after which a comment is sent if there is no event.
    keep_alive: Duration,
    turn: Turn,
    _counted: CountedConnection,
}

/// The events to send.
#[derive(Debug, Default)]
struct Events(Vec<u8>);

impl Outbox for Events {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has_room(&self) -> bool {
        self.0.len() < CHUNK
    }

    /// Each line of a message is one of data. JSON as callbox writes it is a single line, but there
    /// may be JSON in it as somebody else has written it.
    fn push(&mut self, message: &[u8], cursor: Option<Cursor>) {
        if let Some(cursor) = cursor {
            self.0.extend_from_slice(format!("id: {cursor}\n").as_bytes());
        }
        let ends = memchr2_iter(b'\n', b'\r', message).chain(iter::once(message.len()));
        let mut start = 0;
        for end in ends {
            self.0.extend_from_slice(b"data: ");
            self.0.extend_from_slice(&message[start..end]);
            self.0.push(b'\n');
            start = end + 1;
        }
        self.0.push(b'\n');
    }
}

impl Frame for Bytes {
    fn bytes(&self) -> &[u8] {
        self
    }
}

impl MessageBody for EventStream {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = &mut *self;
        if this.events.is_empty() {
            if this.session.is_over() {
                return Poll::Ready(None);
            }
            if this.turn.is_over() {
                return this.turn.yield_to_others(cx);
            }
            if this.session.poll(cx, &mut this.events) {
                this.turn.end();
            }
        }
        if !this.events.is_empty() {
            this.turn.add_chunk();
            this.timer.as_mut().reset(Instant::now() + this.keep_alive);
            return Poll::Ready(Some(Ok(mem::take(&mut this.events.0).into())));
        }
        if this.session.is_over() {
            return Poll::Ready(None);
        }
        if this.timer.as_mut().poll(cx).is_ready() {
            this.timer.as_mut().reset(Instant::now() + this.keep_alive);
            // Registers the timer anew.
            cx.waker().wake_by_ref();
            return Poll::Ready(Some(Ok(Bytes::from_static(COMMENT))));
        }
        if this.turn.is_over() {
            return this.turn.yield_to_others(cx);
        }
        this.turn.restart();
        Poll::Pending
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_one_message_and_its_cursor() {
        let mut events = Events::default();
        events.push(b"{}", None);
        events.push(b"[1]", Some(Cursor { epoch: 10, number: 2 }));
        assert_eq!(events.0, b"data: {}\n\nid: a-2\ndata: [1]\n\n");
    }

    #[test]
    fn a_message_of_several_lines_is_one_event() {
        let mut events = Events::default();
        events.push(b"[1,\n2,\r\n3]\r", None);
        assert_eq!(events.0, b"data: [1,\ndata: 2,\ndata: \ndata: 3]\ndata: \n\n");
    }
}

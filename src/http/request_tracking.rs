//! The outermost middleware: it records in the state of a connection when the answer to one of its
//! requests starts and ends.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use futures::Stream;

use super::connection_state::ConnectionState;

/// Maximum number of bytes of a response that are given to actix at once. A client that reads
/// slowly then costs a copy of no more than this and what actix buffers.
const MAX_CHUNK: usize = 32 * 1024;

/// Tracks a request and its response in the state of its connection.
///
/// Pass it to `App::wrap_fn` last, `.wrap_fn(track_request)`, so that it is the outermost
/// middleware. On a connection that did not come through
/// [`HttpListener`](super::listen::HttpListener) it does nothing.
pub(crate) fn track_request<S, B>(
    mut request: ServiceRequest,
    app: &S,
) -> impl Future<Output = Result<ServiceResponse<TrackedBody>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let connection = request.conn_data::<Rc<ConnectionState>>().map(Rc::clone);
    if let Some(connection) = &connection {
        connection.response_started();
        watch_body(&mut request, connection);
    }
    // Dropped with the response's body. Without a response it is dropped with this future: actix
    // then answers with the error, or the client has disconnected.
    let guard = ResponseGuard(connection);
    let answer = app.call(request);
    async move {
        let response = answer.await?.map_into_boxed_body();
        Ok(response.map_body(|_, body| TrackedBody { body, rest: Bytes::new(), _guard: guard }))
    }
}

#[inline]
fn watch_body(request: &mut ServiceRequest, connection: &Rc<ConnectionState>) {
    // Nearly every body has arrived with its head, and needs no box. And a connection that was
    // upgraded to another protocol may be silent for as long as its users are.
    if connection.is_fully_forwarded() || request.head().upgrade() {
        return;
    }
    match request.take_payload() {
        Payload::None => {}
        payload => {
            let payload = Box::pin(TrackedPayload { payload, connection: Rc::clone(connection) });
            request.set_payload(Payload::Stream { payload });
        }
    }
}

/// A request's body. While a handler waits for it, the client's stall timeout runs.
struct TrackedPayload {
    payload: Payload,
    connection: Rc<ConnectionState>,
}

impl Stream for TrackedPayload {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.payload).poll_next(cx);
        match next {
            Poll::Pending if self.connection.has_excessive_framing() => {
                return Poll::Ready(Some(Err(PayloadError::Overflow)));
            }
            // A poll without new data continues the same wait.
            Poll::Pending => self.connection.body_pending(),
            Poll::Ready(_) => self.connection.body_ready(),
        }
        next
    }
}

impl Drop for TrackedPayload {
    fn drop(&mut self) {
        self.connection.body_ready();
    }
}

/// Records the end of the response when it is dropped.
struct ResponseGuard(Option<Rc<ConnectionState>>);

impl Drop for ResponseGuard {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.response_ended();
        }
    }
}

/// The body of a response, which records its end when it is dropped.
pub(crate) struct TrackedBody {
    // Declared before `_guard`, so dropped before it: it may hold the request's payload, whose drop
    // marks the connection as busy.
    body: BoxBody,
    rest: Bytes,
    _guard: ResponseGuard,
}

impl MessageBody for TrackedBody {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        let mut chunk = if self.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(bytes)) => bytes,
                end => return Poll::Ready(end),
            }
        } else {
            std::mem::take(&mut self.rest)
        };
        if chunk.len() > MAX_CHUNK {
            self.rest = chunk.split_off(MAX_CHUNK);
        }
        Poll::Ready(Some(Ok(chunk)))
    }
}

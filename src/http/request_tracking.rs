//! The outermost middleware: tells the stream of a connection when a request of it is being
//! guard, and no longer is.

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

/// How much of an answer is handed on at once, so that no more than this, and what actix buffers,
/// is copied for a client that takes it slowly.
const MAX_CHUNK: usize = 32 * 1024;

/// For `App::wrap_fn`, as the last one added, so that it is the outermost: `.wrap_fn(track_request)`.
///
/// On a connection that did not come through [`HttpListener`](super::listen::HttpListener) it does nothing.
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
    // If there is no answer, actix makes one of the error, or the client has left.
    let guard = ResponseGuard(connection);
    let answer = app.call(request);
    async move {
        let response = answer.await?.map_into_boxed_body();
        Ok(response.map_body(|_, body| TrackedBody { body, rest: Bytes::new(), _answered: guard }))
    }
}

fn watch_body(request: &mut ServiceRequest, connection: &Rc<ConnectionState>) {
    // Nearly every body has come with its head, and is worth no box. And the stream of a connection
    // that changes its protocol is quiet for as long as its users are.
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

/// A request's body: while it is awaited, it is the client's connection.
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
            // Asked again without any news, it is still the same wait.
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

/// Ends the connection when it is dropped.
struct ResponseGuard(Option<Rc<ConnectionState>>);

impl Drop for ResponseGuard {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            connection.response_ended();
        }
    }
}

/// An answer's body.
pub(crate) struct TrackedBody {
    // Before the end of the connection, as it may hold the request's, whose drop takes the connection.
    body: BoxBody,
    rest: Bytes,
    _answered: ResponseGuard,
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

//! An answer to a request whose body has not been read to its end.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use actix_web::web::Bytes;

/// The body of such an answer: it keeps the request's alive until it is sent.
///
/// actix closes the connection after an answer that leaves a request's body unread. But a chunked body that was dropped
/// before the answer it reads on instead, for as long as the client cares to send or to stall.
pub(super) struct Unread {
    body: Bytes,
    _request: Payload,
}

impl Unread {
    pub(super) fn new(body: impl Into<Bytes>, request: Payload) -> Self {
        Self { body: body.into(), _request: request }
    }
}

impl MessageBody for Unread {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.body.len() as u64)
    }

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let body = std::mem::take(&mut self.body);
        Poll::Ready((!body.is_empty()).then_some(Ok(body)))
    }
}

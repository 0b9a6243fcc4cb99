//! An answer to a request whose body has not been read to its end.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use actix_web::web::Bytes;

/// The body of such an answer: it keeps the request's alive until it is sent.
///
/// actix closes the connection after an answer that leaves a request's body unread. But a chunked body that was dropped
/// before the answer it reads on instead, for as long as the client cares to send or to stall.
pub(super) struct WithUnreadBody<B> {
    body: B,
    _request: Payload,
}

impl<B> WithUnreadBody<B> {
    pub(super) fn new(body: B, request: Payload) -> Self {
        Self { body, _request: request }
    }
}

/// The same answer, with the body of its request kept alive, if that has one.
pub(super) fn keep_unread_body(response: HttpResponse, request: Payload) -> HttpResponse {
    match request {
        Payload::None => response,
        request => response.map_body(|_, body| WithUnreadBody::new(body, request)).map_into_boxed_body(),
    }
}

impl<B: MessageBody + Unpin> MessageBody for WithUnreadBody<B> {
    type Error = B::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, B::Error>>> {
        Pin::new(&mut self.body).poll_next(cx)
    }
}

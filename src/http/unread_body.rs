//! Responses to requests whose body has not been read to its end.

use std::pin::Pin;
use std::task::{Context, Poll};

use actix_web::HttpResponse;
use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use actix_web::web::Bytes;

/// The body of such a response. It keeps the request's body alive until the response is sent.
///
/// actix closes the connection after a response that leaves the request's body unread. But if a
/// chunked body was dropped before the response, actix reads it to its end instead, for as long as
/// the client sends or stalls.
pub(super) struct WithUnreadBody<B> {
    body: B,
    _request: Payload,
}

impl<B> WithUnreadBody<B> {
    pub(super) fn new(body: B, request: Payload) -> Self {
        Self { body, _request: request }
    }
}

/// Returns the response with the body of its request kept alive, if the request has one.
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

//! The outermost middleware: notes on its connection whose turn it is, and turns away what came in beyond the limit.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage, HttpResponse};
use futures::Stream;

use super::connections::{Connection, Pulse};
use super::unread::Unread;

/// How much of an answer is handed on at once. A client that does not take so much within the patience is given up, and no
/// more than this, and what actix buffers, is copied for it.
const PIECE: usize = 32 * 1024;

/// For `App::wrap_fn`, as the last one added, so that it is the outermost: `.wrap_fn(track)`.
///
/// On a connection that [`Connections`](super::connections::Connections) does not know it does nothing.
pub(crate) fn track<S, B>(
    mut request: ServiceRequest,
    app: &S,
) -> impl Future<Output = Result<ServiceResponse<Tracked>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let pulse = request.conn_data::<Connection>().map(|connection| Arc::clone(&connection.pulse));
    let answer = match &pulse {
        Some(pulse) if pulse.refused => Err(request),
        Some(pulse) => {
            pulse.our_turn();
            watch_body(&mut request, pulse);
            Ok(app.call(request))
        }
        None => Ok(app.call(request)),
    };
    async move {
        let answer = match answer {
            Ok(answer) => answer.await.map(ServiceResponse::map_into_boxed_body),
            Err(mut request) => {
                let body = request.take_payload();
                Ok(request.into_response(too_many(body)))
            }
        };
        match answer {
            Ok(response) => Ok(response.map_body(|_, body| Tracked { body, rest: Bytes::new(), pulse })),
            Err(error) => {
                // actix makes the answer of it, and that is not tracked.
                if let Some(pulse) = pulse {
                    pulse.clients_turn();
                }
                Err(error)
            }
        }
    }
}

fn too_many(request: Payload) -> HttpResponse {
    HttpResponse::ServiceUnavailable()
        .force_close()
        .insert_header((RETRY_AFTER, "1"))
        .content_type("text/plain; charset=utf-8")
        .body(Unread::new("Too many connections\n", request))
}

fn watch_body(request: &mut ServiceRequest, pulse: &Arc<Pulse>) {
    // The stream of a connection that changes its protocol is quiet for as long as its users are.
    if request.head().upgrade() {
        return;
    }
    match request.take_payload() {
        Payload::None => {}
        payload => {
            let payload = Box::pin(Incoming { payload, pulse: Arc::clone(pulse) });
            request.set_payload(Payload::Stream { payload });
        }
    }
}

/// A request's body: while it is awaited, it is the client's turn.
struct Incoming {
    payload: Payload,
    pulse: Arc<Pulse>,
}

impl Stream for Incoming {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.payload).poll_next(cx);
        match next {
            // Asked again without any news, it is still the same wait.
            Poll::Pending => self.pulse.clients_turn_if_ours(),
            Poll::Ready(_) => self.pulse.our_turn(),
        }
        next
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.pulse.our_turn();
    }
}

/// An answer's body: once a piece of it is handed on, it is the client's turn to take it.
pub(crate) struct Tracked {
    body: BoxBody,
    rest: Bytes,
    pulse: Option<Arc<Pulse>>,
}

impl MessageBody for Tracked {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
        // Our turn while the body is being made, unless that in turn awaits the request's body.
        if let Some(pulse) = &self.pulse {
            pulse.our_turn();
        }
        let mut piece = if self.rest.is_empty() {
            match std::task::ready!(Pin::new(&mut self.body).poll_next(cx)) {
                Some(Ok(bytes)) => bytes,
                end => return Poll::Ready(end),
            }
        } else {
            std::mem::take(&mut self.rest)
        };
        if piece.len() > PIECE {
            self.rest = piece.split_off(PIECE);
        }
        if let Some(pulse) = &self.pulse {
            pulse.clients_turn();
        }
        Poll::Ready(Some(Ok(piece)))
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        if let Some(pulse) = &self.pulse {
            // The body may hold the request's, whose drop takes the turn.
            self.body = BoxBody::new(());
            pulse.clients_turn();
        }
    }
}

//! The outermost middleware: tells the stream of a connection when a request of it is being
//! answered, and no longer is.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse};
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use actix_web::{Error, HttpMessage};
use futures::Stream;

use super::turn::Turn;

/// How much of an answer is handed on at once, so that no more than this, and what actix buffers,
/// is copied for a client that takes it slowly.
const PIECE: usize = 32 * 1024;

/// For `App::wrap_fn`, as the last one added, so that it is the outermost: `.wrap_fn(track)`.
///
/// On a connection that did not come through [`Listen`](super::listen::Listen) it does nothing.
pub(crate) fn track<S, B>(
    mut request: ServiceRequest,
    app: &S,
) -> impl Future<Output = Result<ServiceResponse<Tracked>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody + 'static,
{
    let turn = request.conn_data::<Rc<Turn>>().map(Rc::clone);
    if let Some(turn) = &turn {
        turn.begin();
        watch_body(&mut request, turn);
    }
    // If there is no answer, actix makes one of the error, or the client has left.
    let answered = Answered(turn);
    let answer = app.call(request);
    async move {
        let response = answer.await?.map_into_boxed_body();
        Ok(response.map_body(|_, body| Tracked { body, rest: Bytes::new(), _answered: answered }))
    }
}

fn watch_body(request: &mut ServiceRequest, turn: &Rc<Turn>) {
    // Nearly every body has come with its head, and is worth no box. And the stream of a connection
    // that changes its protocol is quiet for as long as its users are.
    if turn.is_complete() || request.head().upgrade() {
        return;
    }
    match request.take_payload() {
        Payload::None => {}
        payload => {
            let payload = Box::pin(Incoming { payload, turn: Rc::clone(turn) });
            request.set_payload(Payload::Stream { payload });
        }
    }
}

/// A request's body: while it is awaited, it is the client's turn.
struct Incoming {
    payload: Payload,
    turn: Rc<Turn>,
}

impl Stream for Incoming {
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = Pin::new(&mut self.payload).poll_next(cx);
        match next {
            Poll::Pending if self.turn.is_excessive() => return Poll::Ready(Some(Err(PayloadError::Overflow))),
            // Asked again without any news, it is still the same wait.
            Poll::Pending => self.turn.body_awaited(),
            Poll::Ready(_) => self.turn.body_came(),
        }
        next
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        self.turn.body_came();
    }
}

/// Ends the turn when it is dropped.
struct Answered(Option<Rc<Turn>>);

impl Drop for Answered {
    fn drop(&mut self) {
        if let Some(turn) = &self.0 {
            turn.end();
        }
    }
}

/// An answer's body.
pub(crate) struct Tracked {
    // Before the end of the turn, as it may hold the request's, whose drop takes the turn.
    body: BoxBody,
    rest: Bytes,
    _answered: Answered,
}

impl MessageBody for Tracked {
    type Error = <BoxBody as MessageBody>::Error;

    fn size(&self) -> BodySize {
        self.body.size()
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Self::Error>>> {
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
        Poll::Ready(Some(Ok(piece)))
    }
}

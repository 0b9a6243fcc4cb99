//! Answers of a method as JSON: written where they belong, when they are there.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::vec;

use pin_project_lite::pin_project;
use serde::Serialize;

use crate::jsonrpc::{Budget, Pending, RpcError};
use crate::log::{caught, discard};
use crate::mailbox::Ready;
use crate::route::{Outcome, Replies, Started, UnderWay};
use crate::service::{Message, Reply};

use super::typed::writing_panicked;

/// Writes the output of a call, or says which error is to be written. A panic in somebody's `Serialize` is one.
pub(super) fn write<T: Serialize>(
    method: &'static str,
    reply: Result<T, RpcError>,
    budget: &Budget,
    out: &mut Vec<u8>,
) -> Outcome {
    let output = reply.map_err(|error| budget.error(error))?;
    let written = caught(|| budget.write(out, method, &output));
    discard(output);
    written.unwrap_or_else(|panic| Err(writing_panicked(method, panic)))
}

/// Writes the output of a member of a batch where it ran, within what the batch has left for it.
pub(super) fn write_early<M: Message>(output: M::Output, pending: &Pending) -> Result<Vec<u8>, RpcError> {
    let (budget, mut out) = (Budget::new(pending.left()), Vec::new());
    let outcome = write(M::NAME, Ok(output), &budget, &mut out);
    if budget.is_full() {
        pending.fill();
    }
    outcome.map(|()| out)
}

/// The same as [`write`] for a reply that has waited.
fn write_ready<T: Serialize>(
    method: &'static str,
    ready: Result<Ready<T>, RpcError>,
    budget: &Budget,
    out: &mut Vec<u8>,
) -> Outcome {
    match ready {
        Ok(Ready::Value(output, hold)) => {
            let outcome = write(method, Ok(output), budget, out);
            // Until it is written, or dropped, its batch counts it as one that waits.
            drop(hold);
            outcome
        }
        Ok(Ready::Written(written, hold)) => {
            // Not counted as waiting and as part of the response at once: a result that is written
            // at this moment would find too little room, and be rejected although it fits.
            drop(hold);
            budget.accept(out, &written)
        }
        Err(error) => Err(budget.error(error)),
    }
}

pin_project! {
    /// A call whose reply is written once it is there.
    struct Replying<F> {
        #[pin]
        reply: F,
        method: &'static str,
        budget: Rc<Budget>,
    }
}

impl<T: Serialize, F: Future<Output = Result<Ready<T>, RpcError>>> UnderWay for Replying<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<Outcome> {
        let this = self.project();
        let reply = ready!(this.reply.poll(cx));
        Poll::Ready(write_ready(this.method, reply, this.budget, out))
    }
}

/// The replies to calls of one method.
pub(super) struct Series<M: Message>(pub(super) vec::IntoIter<Reply<M>>);

impl<M: Message> Replies for Series<M> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn write_next(&mut self, budget: &Budget, out: &mut Vec<u8>) -> Option<Outcome> {
        self.0.next().map(|reply| write(M::NAME, reply, budget, out))
    }
}

/// A call whose reply is awaited, and then written.
pub(super) fn waits<M: Message>(
    reply: impl Future<Output = Result<Ready<M::Output>, RpcError>> + 'static,
    budget: &Rc<Budget>,
) -> Started {
    Started::Waits(Box::pin(Replying { reply, method: M::NAME, budget: Rc::clone(budget) }))
}

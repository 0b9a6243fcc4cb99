//! Replies of a method as JSON.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::vec;

use pin_project_lite::pin_project;
use serde::Serialize;

use crate::jsonrpc::{PendingResults, ResponseBudget, RpcError};
use crate::log::{caught, discard};
use crate::mailbox::ReadyOutput;
use crate::route::{CallOutcome, CallStart, PendingReply, SeriesReplies};
use crate::service::{Message, Reply};

use super::typed::writing_panicked;

/// Writes the output of a call. Returns the error to write instead; a panic in the user's
/// `Serialize` is one.
pub(super) fn write<T: Serialize>(
    method: &'static str,
    reply: Result<T, RpcError>,
    budget: &ResponseBudget,
    out: &mut Vec<u8>,
) -> CallOutcome {
    let output = reply.map_err(|error| budget.error(error))?;
    let written = caught(|| budget.write(out, method, &output));
    discard(output);
    written.unwrap_or_else(|panic| Err(writing_panicked(method, panic)))
}

/// Writes the output of a member of a batch on the thread where it ran, within what is left of the
/// batch's response limit.
pub(super) fn write_early<M: Message>(output: M::Output, pending: &PendingResults) -> Result<Vec<u8>, RpcError> {
    let (budget, mut out) = (ResponseBudget::new(pending.left()), Vec::new());
    let outcome = write(M::NAME, Ok(output), &budget, &mut out);
    if budget.is_full() {
        pending.fill();
    }
    outcome.map(|()| out)
}

/// As [`write`], for a reply that comes from a mailbox.
fn write_ready<T: Serialize>(
    method: &'static str,
    ready: Result<ReadyOutput<T>, RpcError>,
    budget: &ResponseBudget,
    out: &mut Vec<u8>,
) -> CallOutcome {
    match ready {
        Ok(ReadyOutput::Value(output, lease)) => {
            let outcome = write(method, Ok(output), budget, out);
            // Its batch counts the output as held in memory until it is written or dropped.
            drop(lease);
            outcome
        }
        Ok(ReadyOutput::Written(written, lease)) => {
            // Released first, so that the result is not counted twice, as held and as part of the
            // response: another result that is written at this moment would find too little room
            // and be rejected although it fits.
            drop(lease);
            budget.accept(out, &written)
        }
        Err(error) => Err(budget.error(error)),
    }
}

pin_project! {
    /// A reply that is awaited and then written.
    struct SerializedReply<F> {
        #[pin]
        reply: F,
        method: &'static str,
        budget: Rc<ResponseBudget>,
    }
}

impl<T: Serialize, F: Future<Output = Result<ReadyOutput<T>, RpcError>>> PendingReply for SerializedReply<F> {
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>, out: &mut Vec<u8>) -> Poll<CallOutcome> {
        let this = self.project();
        let reply = ready!(this.reply.poll(cx));
        Poll::Ready(write_ready(this.method, reply, this.budget, out))
    }
}

/// The replies to several calls of one method.
pub(super) struct SerializedReplies<M: Message>(pub(super) vec::IntoIter<Reply<M>>);

impl<M: Message> SeriesReplies for SerializedReplies<M> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn write_next(&mut self, budget: &ResponseBudget, out: &mut Vec<u8>) -> Option<CallOutcome> {
        self.0.next().map(|reply| write(M::NAME, reply, budget, out))
    }
}

/// Returns a started call whose reply is awaited and then written.
pub(super) fn pending<M: Message>(
    reply: impl Future<Output = Result<ReadyOutput<M::Output>, RpcError>> + 'static,
    budget: &Rc<ResponseBudget>,
) -> CallStart {
    CallStart::Pending(Box::pin(SerializedReply { reply, method: M::NAME, budget: Rc::clone(budget) }))
}

//! The members of a batch that find no slot: each waits, in the order of its mailbox, until there
//! is one.

use std::cell::RefCell;
use std::future::pending;

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::timeout_at;

use crate::jsonrpc::{BatchWriter, Draft};
use crate::mailbox::deadline_error;
use crate::route::{CallStart, MailboxId, RejectReason, Rejection, Route};
use crate::service::CallContext;
use crate::sync::Arc;

use super::body_context::BodyContext;
use super::ended;
use super::resolved_request::ResolvedRequest;
use super::session::{CallStreams, CancellableCall};

/// A member that found no slot in its mailbox.
pub(super) struct HeldMember<'a> {
    pub(super) index: usize,
    pub(super) request: &'a ResolvedRequest<'a>,
    pub(super) route: &'a Arc<dyn Route>,
    pub(super) call: CallContext,
    pub(super) streams: CallStreams,
    /// Its place among the calls that can be cancelled.
    pub(super) cancellable: Option<CancellableCall<'a>>,
}

/// A mailbox to which the batch has sent members.
pub(super) struct BatchMailbox<'a> {
    pub(super) id: MailboxId,
    /// Whether a member of this batch has entered the mailbox.
    pub(super) entered: bool,
    /// Members that could not enter yet. Order within a mailbox is the order of the members, so
    /// behind a held member all others of the mailbox are held too.
    pub(super) held: Vec<HeldMember<'a>>,
}

impl BatchMailbox<'_> {
    /// Whether a member waits for room after this rejection. It waits if there was no slot, or if
    /// the caller has too many calls, which may be those of this batch. A member that is rejected
    /// for another reason, such as a hopeless one, does not wait, unless this batch already has
    /// members in the mailbox: then the backlog may be its own.
    pub(super) fn waits_for_room(&self, rejection: &Rejection) -> bool {
        match rejection.reason {
            RejectReason::Full | RejectReason::ServiceFull | RejectReason::BytesFull | RejectReason::Caller => true,
            RejectReason::NeverFits => false,
            _ => self.entered,
        }
    }
}

/// Waits until a call is cancelled. Never ends for one that cannot be.
async fn cancelled(call: Option<&CancellableCall<'_>>) {
    match call {
        Some(call) => call.cancelled().await,
        None => pending().await,
    }
}

/// Starts the held members of one mailbox in order, each as soon as there is a slot, and waits for
/// all of them. Each is answered as soon as it has ended.
pub(super) async fn start_held_members<'a>(
    mut mailbox: BatchMailbox<'a>,
    context: &BodyContext<'_>,
    answers: &RefCell<BatchWriter<'a>>,
) {
    let mut held = std::mem::take(&mut mailbox.held).into_iter();
    let mut under_way = FuturesUnordered::new();
    while let Some(HeldMember { index, request, route, mut call, streams, cancellable }) = held.next() {
        let mut answer = Vec::new();
        let draft = request.id.map(|id| (id, Draft::open(context.meta.dialect, id, &mut answer)));
        let waiting = held.len() + 1;
        let mut room: Option<(RejectReason, LocalBoxFuture<'_, ()>)> = None;
        let started = loop {
            if let Some(error) = context.skipped_error(request.id) {
                break CallStart::Done(Err(error));
            }
            if cancellable.as_ref().is_some_and(CancellableCall::is_cancelled) {
                let cancelled = Rejection::cancelled();
                route.reject(call, &cancelled);
                break CallStart::Done(Err(cancelled.error));
            }
            let until = call.deadline;
            let rejection =
                match route.start(call, request.parsed.params, context.start_context(false, &streams, &mut answer)) {
                    CallStart::NoRoom(no_room) => {
                        let (back, rejection) = *no_room;
                        call = back;
                        rejection
                    }
                    started => break started,
                };
            if !mailbox.waits_for_room(&rejection) {
                route.reject(call, &rejection);
                break CallStart::Done(Err(rejection.error));
            }
            let Some((_, mut room)) = room.take().filter(|(reason, _)| *reason == rejection.reason) else {
                // Register first, then try once more, so that a slot released in between is not
                // missed.
                room = Some((rejection.reason, route.room(&call, rejection.reason, waiting)));
                continue;
            };
            let wait = async {
                loop {
                    tokio::select! {
                        () = &mut room => break,
                        () = cancelled(cancellable.as_ref()) => break,
                        Some(()) = under_way.next() => {}
                    }
                }
            };
            if timeout_at(until, wait).await.is_err() {
                let expired = Rejection { reason: RejectReason::Expired, error: deadline_error(&call, until) };
                route.reject(call, &expired);
                break CallStart::Done(Err(expired.error));
            }
        };
        // From here on the backlog of the mailbox may be this batch's own.
        mailbox.entered |= matches!(started, CallStart::Sent | CallStart::Pending(_));
        if let Some((id, draft)) = draft {
            under_way.push(async move {
                let _streams = streams;
                let outcome = context.unless_cancelled(id, cancellable, ended(started, &mut answer)).await;
                draft.close(&mut answer, outcome);
                answers.borrow_mut().put(index, answer);
            });
        }
    }
    while under_way.next().await.is_some() {}
}

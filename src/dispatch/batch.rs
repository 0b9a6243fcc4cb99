//! Batches: the members run concurrently, and are answered in order.
//!
//! A batch is served in three phases:
//!
//! 1. Every member is started in order. Members that run inline, and members that fail at once, are
//!    answered now. Runs of alike members take the state once, as a series.
//! 2. A member that finds its mailbox full is held, and so are all later members of that mailbox,
//!    to keep their order. Held members are started as slots are released, each mailbox on its own,
//!    in `held_members`.
//! 3. Replies are collected in whatever order they come; the writer puts them in the order of the
//!    members.
//!
//! A full mailbox does not reject members of a batch: they wait for slots until their deadlines. So
//! do those of a caller that has as many calls in a method as it may.

use std::cell::RefCell;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::{LocalBoxFuture, join, join_all};
use futures::stream::FuturesUnordered;
use tokio::time::Instant;

use crate::auth::{Caller, NotChecked};
use crate::jsonrpc::{BatchWriter, Draft, InvalidRequest, RpcError};
use crate::route::{CallOutcome, CallStart, MailboxId};
use crate::sync::Arc;
use crate::trace::Sampling;

use super::body_context::BodyContext;
use super::cutoff::{cut_off, unless_cut};
use super::held_members::{BatchMailbox, HeldMember, start_held_members};
use super::resolved_request::ResolvedRequest;
use super::session::CancellableCall;
use super::{Dispatch, RpcResponse, ended};

/// Time for which the members of one batch may run inline, one after another on the transport's
/// thread, while its other connections wait.
const INLINE_BUDGET: Duration = Duration::from_millis(1);

/// Number of members after which the clock is read again.
const CLOCK_CHECK_INTERVAL: usize = 32;

/// The members of a batch that have not ended.
struct BatchProgress<'a> {
    /// Members that need no slot. Each yields its index and its complete response.
    under_way: FuturesUnordered<LocalBoxFuture<'a, (usize, Vec<u8>)>>,
    mailboxes: Vec<BatchMailbox<'a>>,
    /// Indexes of the members that were cancelled before they began, in order.
    cancelled: Vec<usize>,
    /// Whether further members may run inline.
    inline: bool,
}

/// A member, or the error of a value that is not a request object.
type ResolvedMember<'a> = Result<ResolvedRequest<'a>, InvalidRequest<'a>>;

impl Dispatch {
    /// Identifies the caller of a batch, which may take long. Returns as well the indexes of the
    /// members that were cancelled meanwhile.
    pub(super) async fn identify(
        &self,
        members: &[ResolvedMember<'_>],
        context: &BodyContext<'_>,
    ) -> (Result<Caller, NotChecked>, Vec<usize>) {
        let register = |member: &ResolvedMember<'_>| context.cancellable(member.as_ref().ok()?.id);
        let waiting: Vec<_> = members.iter().map(register).collect();
        let who = self.who(context.meta.token, context.meta.token_peer()).await;
        let is_cancelled =
            |call: &Option<CancellableCall<'_>>| call.as_ref().is_some_and(CancellableCall::is_cancelled);
        (who, waiting.iter().enumerate().filter(|(_, call)| is_cancelled(call)).map(|(index, _)| index).collect())
    }

    /// Answers a batch, apart from the members that were `cancelled`.
    pub(super) async fn batch(
        &self,
        members: &[ResolvedMember<'_>],
        context: &BodyContext<'_>,
        cancelled: Vec<usize>,
    ) -> RpcResponse {
        let dialect = context.meta.dialect;
        let mut answers = BatchWriter::new(dialect, members.len());
        let mut progress =
            BatchProgress { under_way: FuturesUnordered::new(), mailboxes: Vec::new(), cancelled, inline: true };
        let (began, mut index) = (Instant::now(), 0);
        for members in members.chunks(CLOCK_CHECK_INTERVAL) {
            for series in members.chunk_by(same_series) {
                let in_series = progress.inline && progress.cancelled.is_empty();
                let ran = if in_series { run_series(index, series, context, &progress, &mut answers) } else { 0 };
                index += ran;
                for member in &series[ran..] {
                    answer(index, member, context, &mut progress, &mut answers);
                    index += 1;
                }
            }
            progress.inline = began.elapsed() < INLINE_BUDGET;
        }
        let BatchProgress { mut under_way, mailboxes, .. } = progress;
        let answers = RefCell::new(answers);
        let held = mailboxes.into_iter().filter(|mailbox| !mailbox.held.is_empty());
        let held = join_all(held.map(|mailbox| start_held_members(mailbox, context, &answers)));
        let others = async {
            while let Some((index, answer)) = under_way.next().await {
                answers.borrow_mut().put(index, answer);
            }
        };
        // If the drain ends first, the members that are still open are answered as cut off.
        let _ = unless_cut(&self.cut, pin!(join(others, held))).await;
        RpcResponse { body: answers.into_inner().finish(cut_off), error: None, retry_after: None }
    }
}

/// Runs a prefix of a series inline and answers it. Returns the number of members that ran.
fn run_series<'a>(
    index: usize,
    series: &'a [ResolvedMember<'_>],
    context: &BodyContext<'_>,
    progress: &BatchProgress<'_>,
    answers: &mut BatchWriter<'a>,
) -> usize {
    let [Ok(first), _, ..] = series else { return 0 };
    // The context of the first would hold for all, and so would its span.
    if context.meta.sampling == Sampling::Sampled {
        return 0;
    }
    if series.iter().flatten().any(|member| member.may_have_meta(context)) {
        return 0;
    }
    let Ok((route, call)) = first.authorize(context) else { return 0 };
    if progress.holds(route.mailbox()) || context.budget.is_full() {
        return 0;
    }
    let params = |member: &'a ResolvedMember<'_>| member.as_ref().ok().and_then(|request| request.parsed.params);
    // All results of a series are there before the first of them is written.
    let longest = context.budget.time_to_fill();
    let mut replies = route.run_series(call, &mut series.iter().map(params), longest);
    let ran = replies.len();
    for (index, request) in (index..).zip(series[..ran].iter().flatten()) {
        if let Some(id) = request.id {
            answers.write(index, id, |out| replies.write_next(&context.budget, out));
        }
    }
    ran
}

/// Starts a member on its own, and answers it if it ends at once.
fn answer<'a>(
    index: usize,
    member: &'a ResolvedMember<'a>,
    context: &'a BodyContext<'a>,
    progress: &mut BatchProgress<'a>,
    answers: &mut BatchWriter<'a>,
) {
    match member {
        Err(invalid) => {
            context.count_refused(&invalid.error());
            answers.write(index, invalid.id, |_| Some(Err(context.budget.error(invalid.error()))));
        }
        Ok(request) => match request.id {
            Some(id) => answers.write(index, id, |out| start(index, request, context, progress, out)),
            None => _ = start(index, request, context, progress, &mut Vec::new()),
        },
    }
}

/// Starts a member. Returns `None` if it has not ended at once.
fn start<'a>(
    index: usize,
    request: &'a ResolvedRequest<'a>,
    context: &'a BodyContext<'a>,
    progress: &mut BatchProgress<'a>,
    out: &mut Vec<u8>,
) -> Option<CallOutcome> {
    if request.is_for_session(context) {
        return Some(Ok(()));
    }
    if progress.cancelled.binary_search(&index).is_ok() {
        return Some(Err(RpcError::cancelled()));
    }
    let (route, mut call) = match request.authorize_logged(context) {
        Ok(authorized) => authorized,
        Err(error) => return Some(Err(error)),
    };
    let streams = match request.streams(route, &mut call, context) {
        Ok(streams) => streams,
        Err(error) => return Some(Err(error)),
    };
    if let Some(error) = context.skipped_error(request.id) {
        return Some(Err(error));
    }
    if progress.holds(route.mailbox()) {
        let cancellable = context.cancellable(request.id);
        progress.hold(HeldMember { index, request, route, call, streams, cancellable });
        return None;
    }
    match route.start(call, request.parsed.params, context.start_context(progress.inline, &streams, out)) {
        CallStart::Done(outcome) => return Some(outcome),
        CallStart::Sent => progress.mailbox(route.mailbox()).entered = true,
        waits @ CallStart::Pending(_) => {
            progress.mailbox(route.mailbox()).entered = true;
            // Nobody waits for the end of a notification.
            if let Some(id) = request.id {
                // It may be cancelled by a later member, before it is polled.
                let cancellable = context.cancellable(request.id);
                progress.under_way.push(Box::pin(async move {
                    let (mut answer, _streams) = (Vec::new(), streams);
                    let draft = Draft::open(context.meta.dialect, id, &mut answer);
                    let outcome = context.unless_cancelled(id, cancellable, ended(waits, &mut answer)).await;
                    draft.close(&mut answer, outcome);
                    (index, answer)
                }));
            }
        }
        CallStart::NoRoom(no_room) => {
            let (call, rejection) = *no_room;
            if !progress.mailbox(route.mailbox()).waits_for_room(&rejection) {
                route.reject(call, &rejection);
                return Some(Err(rejection.error));
            }
            let cancellable = context.cancellable(request.id);
            progress.hold(HeldMember { index, request, route, call, streams, cancellable });
        }
    }
    None
}

/// Whether two members call the same method, and both expect a reply or neither does: then they can
/// run as a series.
fn same_series(one: &ResolvedMember<'_>, next: &ResolvedMember<'_>) -> bool {
    let (Ok(one), Ok(next)) = (one, next) else { return false };
    let (Some(route), Some(other)) = (one.route, next.route) else { return false };
    Arc::ptr_eq(route, other) && one.id.is_some() == next.id.is_some()
}

impl<'a> BatchProgress<'a> {
    /// Whether members of this mailbox are held. Later ones must not overtake them.
    fn holds(&self, id: MailboxId) -> bool {
        self.mailboxes.iter().any(|mailbox| mailbox.id == id && !mailbox.held.is_empty())
    }

    fn hold(&mut self, member: HeldMember<'a>) {
        self.mailbox(member.route.mailbox()).held.push(member);
    }

    fn mailbox(&mut self, id: MailboxId) -> &mut BatchMailbox<'a> {
        let known = self.mailboxes.iter().position(|mailbox| mailbox.id == id);
        let at = known.unwrap_or_else(|| {
            self.mailboxes.push(BatchMailbox { id, entered: false, held: Vec::new() });
            self.mailboxes.len() - 1
        });
        &mut self.mailboxes[at]
    }
}

//! Batches: the members run concurrently, and are answered in order.
//!
//! A batch is served in three phases:
//!
//! 1. Every member is started in order. Members that run inline, and members that fail at once, are
//!    answered now. Runs of alike members take the state once, as a series.
//! 2. A member that finds its mailbox full is held, and so are all later members of that mailbox,
//!    to keep their order. Held members are started as slots are released, each mailbox on its own.
//! 3. Replies are collected in whatever order they come; the writer puts them in the order of the
//!    members.
//!
//! A full mailbox does not reject members of a batch: they wait for slots until their deadlines. So
//! do those of a caller that has as many calls in a method as it may.

use std::future::pending;
use std::pin::pin;
use std::time::Duration;

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};

use crate::auth::{Caller, NotChecked};
use crate::jsonrpc::{BatchWriter, Draft, InvalidRequest, PendingResults, RpcError};
use crate::mailbox::deadline_error;
use crate::route::{CallOutcome, CallStart, MailboxId, RejectReason, Rejection, Route};
use crate::service::CallContext;
use crate::sync::Arc;
use crate::trace::Sampling;

use super::cutoff::{cut_off, unless_cut};
use super::{BodyContext, CallStreams, CancellableCall, Dispatch, ResolvedRequest, RpcResponse, ended};

/// Time for which the members of one batch may run inline, one after another on the transport's
/// thread, while its other connections wait.
const INLINE_BUDGET: Duration = Duration::from_millis(1);

/// Number of members after which the clock is read again.
const CLOCK_CHECK_INTERVAL: usize = 32;

/// A member that found no slot in its mailbox.
struct HeldMember<'a> {
    index: usize,
    request: &'a ResolvedRequest<'a>,
    route: &'a Arc<dyn Route>,
    call: CallContext,
    streams: CallStreams,
    /// Its place among the calls that can be cancelled.
    cancellable: Option<CancellableCall<'a>>,
}

/// The members of a batch that have not ended.
struct BatchProgress<'a> {
    under_way: FuturesUnordered<LocalBoxFuture<'a, MemberReplies>>,
    mailboxes: Vec<BatchMailbox<'a>>,
    /// Indexes of the members that were cancelled before they began, in order.
    cancelled: Vec<usize>,
    /// Whether further members may run inline.
    inline: bool,
}

/// A mailbox to which the batch has sent members.
struct BatchMailbox<'a> {
    id: MailboxId,
    /// Whether a member of this batch has entered the mailbox.
    entered: bool,
    /// Members that could not enter yet. Order within a mailbox is the order of the members, so
    /// behind a held member all others of the mailbox are held too.
    held: Vec<HeldMember<'a>>,
}

/// A member, or the error of a value that is not a request object.
type ResolvedMember<'a> = Result<ResolvedRequest<'a>, InvalidRequest<'a>>;

/// Complete responses of members, by index.
type MemberReplies = Vec<(usize, Vec<u8>)>;

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
        for mailbox in mailboxes {
            if !mailbox.held.is_empty() {
                under_way.push(Box::pin(start_held_members(mailbox, context)));
            }
        }
        let all_ended = async {
            while let Some(ended) = under_way.next().await {
                ended.into_iter().for_each(|(index, answer)| answers.put(index, answer));
            }
        };
        // If the drain ends first, the members that are still open are answered as cut off.
        let _ = unless_cut(&self.cut, pin!(all_ended)).await;
        RpcResponse { body: answers.finish(cut_off), error: None, retry_after: None }
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
    if let Some(error) = context.skipped_error(request) {
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
                progress.under_way.push(Box::pin(async move {
                    let (mut answer, _streams) = (Vec::new(), streams);
                    let draft = Draft::open(context.meta.dialect, id, &mut answer);
                    let outcome = context.unless_cancelled(id, ended(waits, &mut answer)).await;
                    draft.close(&mut answer, outcome);
                    vec![(index, answer)]
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

impl BodyContext<'_> {
    /// Returns the error of a member that need not run, because the response has no room for its
    /// result. A notification has none.
    fn skipped_error(&self, request: &ResolvedRequest<'_>) -> Option<RpcError> {
        (request.id.is_some() && self.budget.is_full()).then(|| self.budget.error(PendingResults::not_run()))
    }
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

impl BatchMailbox<'_> {
    /// Whether a member waits for room after this rejection. It waits if there was no slot, or if
    /// the caller has too many calls, which may be those of this batch. A member that is rejected
    /// for another reason, such as a hopeless one, does not wait, unless
    /// this batch already has members in the mailbox: then the backlog may be its own.
    fn waits_for_room(&self, rejection: &Rejection) -> bool {
        self.entered
            || matches!(
                rejection.reason,
                RejectReason::Full | RejectReason::ServiceFull | RejectReason::BytesFull | RejectReason::Caller
            )
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
/// all of them.
async fn start_held_members(mut mailbox: BatchMailbox<'_>, context: &BodyContext<'_>) -> MemberReplies {
    let mut held = std::mem::take(&mut mailbox.held).into_iter();
    let mut answers = Vec::with_capacity(held.len());
    let mut under_way = FuturesUnordered::new();
    while let Some(HeldMember { index, request, route, mut call, streams, cancellable }) = held.next() {
        let mut answer = Vec::new();
        let draft = request.id.map(|id| Draft::open(context.meta.dialect, id, &mut answer));
        let waiting = held.len() + 1;
        let mut room: Option<(RejectReason, LocalBoxFuture<'_, ()>)> = None;
        let started = loop {
            if let Some(error) = context.skipped_error(request) {
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
                        Some(ended) = under_way.next() => answers.push(ended),
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
        if let Some(draft) = draft {
            under_way.push(async move {
                let _streams = streams;
                let outcome = match request.id {
                    Some(id) => context.unless_cancelled(id, ended(started, &mut answer)).await,
                    None => ended(started, &mut answer).await,
                };
                draft.close(&mut answer, outcome);
                (index, answer)
            });
        }
    }
    while let Some(ended) = under_way.next().await {
        answers.push(ended);
    }
    answers
}

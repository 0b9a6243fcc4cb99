//! Batches: the members run side by side, and are answered in the order in which they were asked.

use std::time::Duration;

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::{Instant, timeout_at};

use crate::jsonrpc::{BatchWriter, Draft, Invalid, Pending, RpcError};
use crate::mailbox::deadline_error;
use crate::route::{CallOutcome, MailboxId, RejectReason, Rejection, Route, StartResult};
use crate::service::CallContext;
use crate::sync::Arc;

use super::cut::{cut_off, unless_cut};
use super::{Answer, Asked, Dispatch, Visit, ended};

/// How long the members of one batch may run inline, one after another on the transport's thread.
const INLINE: Duration = Duration::from_millis(1);

/// After so many members the time is looked at.
const LOOK: usize = 32;

/// A member that found no room in its mailbox.
struct Held<'a> {
    index: usize,
    asked: &'a Asked<'a>,
    route: &'a Arc<dyn Route>,
    call: CallContext,
}

/// The members of a batch that have not ended.
struct Open<'a> {
    under_way: FuturesUnordered<LocalBoxFuture<'a, Answers>>,
    mailboxes: Vec<Mailbox<'a>>,
    /// Whether further members may still run on this thread.
    inline: bool,
}

/// A mailbox for which the batch has members.
struct Mailbox<'a> {
    id: MailboxId,
    /// Whether it has members in it, or had.
    entered: bool,
    /// Those that it could not put there yet. Order within a mailbox is the order of the members, so behind one that is held
    /// all others of its mailbox are held, too.
    held: Vec<Held<'a>>,
}

/// One member, or what stands where one should.
type Member<'a> = Result<Asked<'a>, Invalid<'a>>;

/// Whole answers of members, by index.
type Answers = Vec<(usize, Vec<u8>)>;

impl Dispatch {
    pub(super) async fn batch(&self, members: &[Member<'_>], visit: &Visit<'_>) -> Answer {
        let dialect = visit.arrival.dialect;
        let mut answers = BatchWriter::new(dialect, members.len());
        let mut open = Open { under_way: FuturesUnordered::new(), mailboxes: Vec::new(), inline: true };
        let (began, mut index) = (Instant::now(), 0);
        for members in members.chunks(LOOK) {
            for series in members.chunk_by(are_alike) {
                let ran = if open.inline { run_series(index, series, visit, &open, &mut answers) } else { 0 };
                index += ran;
                for member in &series[ran..] {
                    answer(index, member, visit, &mut open, &mut answers);
                    index += 1;
                }
            }
            open.inline = began.elapsed() < INLINE;
        }
        let Open { mut under_way, mailboxes, .. } = open;
        for mailbox in mailboxes {
            if !mailbox.held.is_empty() {
                under_way.push(Box::pin(feed(mailbox, visit)));
            }
        }
        let all_ended = async {
            while let Some(ended) = under_way.next().await {
                ended.into_iter().for_each(|(index, answer)| answers.put(index, answer));
            }
        };
        // If not, those that are still open are answered as cut off.
        let _ = unless_cut(&self.cut, all_ended).await;
        Answer { body: answers.finish(cut_off), error: None, retry_after: None }
    }
}

/// Runs the first members of a series here and now, and answers them. How many these were.
fn run_series<'a>(
    index: usize,
    series: &'a [Member<'_>],
    visit: &Visit<'_>,
    open: &Open<'_>,
    answers: &mut BatchWriter<'a>,
) -> usize {
    let [Ok(first), _, ..] = series else { return 0 };
    let Ok((route, call)) = first.check(visit) else { return 0 };
    if open.holds(route.mailbox()) || visit.budget.is_full() {
        return 0;
    }
    let params = |member: &'a Member<'_>| member.as_ref().ok().and_then(|asked| asked.request.params);
    let mut replies = route.run_series(call, &mut series.iter().map(params));
    let ran = replies.len();
    for (index, asked) in (index..).zip(series[..ran].iter().flatten()) {
        if let Some(id) = asked.id {
            answers.write(index, id, |out| replies.write_next(&visit.budget, out));
        }
    }
    ran
}

/// Starts a member by itself, and answers it if it ends at once.
fn answer<'a>(
    index: usize,
    member: &'a Member<'a>,
    visit: &'a Visit<'a>,
    open: &mut Open<'a>,
    answers: &mut BatchWriter<'a>,
) {
    match member {
        Err(invalid) => {
            answers.write(index, invalid.id, |_| Some(Err(visit.budget.error(invalid.error()))));
        }
        Ok(asked) => match asked.id {
            Some(id) => answers.write(index, id, |out| start(index, asked, visit, open, out)),
            None => _ = start(index, asked, visit, open, &mut Vec::new()),
        },
    }
}

/// Starts a member; none if it has not ended at once.
fn start<'a>(
    index: usize,
    asked: &'a Asked<'a>,
    visit: &'a Visit<'a>,
    open: &mut Open<'a>,
    out: &mut Vec<u8>,
) -> Option<CallOutcome> {
    let (route, call) = match asked.let_in(visit) {
        Ok(let_in) => let_in,
        Err(error) => return Some(Err(error)),
    };
    if let Some(error) = visit.not_run(asked) {
        return Some(Err(error));
    }
    if open.holds(route.mailbox()) {
        open.hold(Held { index, asked, route, call });
        return None;
    }
    match route.start(call, asked.request.params, visit.terms(open.inline, out)) {
        StartResult::Done(outcome) => return Some(outcome),
        StartResult::Sent => open.mailbox(route.mailbox()).entered = true,
        waits @ StartResult::Pending(_) => {
            open.mailbox(route.mailbox()).entered = true;
            // A notification does not wait for its end.
            if let Some(id) = asked.id {
                open.under_way.push(Box::pin(async move {
                    let mut answer = Vec::new();
                    let draft = Draft::open(visit.arrival.dialect, id, &mut answer);
                    let outcome = ended(waits, &mut answer).await;
                    draft.close(&mut answer, outcome);
                    vec![(index, answer)]
                }));
            }
        }
        StartResult::NoRoom(call, rejection) => {
            if !open.mailbox(route.mailbox()).waits_after(&rejection) {
                route.reject(call, &rejection);
                return Some(Err(rejection.error));
            }
            open.hold(Held { index, asked, route, call });
        }
    }
    None
}

impl Visit<'_> {
    /// The answer of a member that need not run, as the response has no room for its result. A notification has none.
    fn not_run(&self, asked: &Asked<'_>) -> Option<RpcError> {
        (asked.id.is_some() && self.budget.is_full()).then(|| self.budget.error(Pending::not_run()))
    }
}

/// Whether two members differ in their parameters only, and in what they are called.
fn are_alike(one: &Member<'_>, next: &Member<'_>) -> bool {
    let (Ok(one), Ok(next)) = (one, next) else { return false };
    let (Some(route), Some(other)) = (one.route, next.route) else { return false };
    Arc::ptr_eq(route, other) && one.id.is_some() == next.id.is_some()
}

impl<'a> Open<'a> {
    /// Whether members for this mailbox are held, which go before any further one.
    fn holds(&self, id: MailboxId) -> bool {
        self.mailboxes.iter().any(|mailbox| mailbox.id == id && !mailbox.held.is_empty())
    }

    fn hold(&mut self, member: Held<'a>) {
        self.mailbox(member.route.mailbox()).held.push(member);
    }

    fn mailbox(&mut self, id: MailboxId) -> &mut Mailbox<'a> {
        let known = self.mailboxes.iter().position(|mailbox| mailbox.id == id);
        let at = known.unwrap_or_else(|| {
            self.mailboxes.push(Mailbox { id, entered: false, held: Vec::new() });
            self.mailboxes.len() - 1
        });
        &mut self.mailboxes[at]
    }
}

impl Mailbox<'_> {
    /// Whether a member waits that was refused for this reason. No batch is refused because of batches, so it does if there
    /// was no room; but what cannot be done in time is refused in time, unless it is the batch itself that is too much.
    fn waits_after(&self, rejection: &Rejection) -> bool {
        self.entered
            || matches!(rejection.reason, RejectReason::Full | RejectReason::ServiceFull | RejectReason::BytesFull)
    }
}

/// Starts the held members of one mailbox in their order, each as soon as there is room, and waits for all of them.
async fn feed(mut mailbox: Mailbox<'_>, visit: &Visit<'_>) -> Answers {
    let mut held = std::mem::take(&mut mailbox.held).into_iter();
    let mut answers = Vec::with_capacity(held.len());
    let mut under_way = FuturesUnordered::new();
    while let Some(Held { index, asked, route, mut call }) = held.next() {
        let mut answer = Vec::new();
        let draft = asked.id.map(|id| Draft::open(visit.arrival.dialect, id, &mut answer));
        let waiting = held.len() + 1;
        let mut room: Option<(RejectReason, LocalBoxFuture<'_, ()>)> = None;
        let started = loop {
            if let Some(error) = visit.not_run(asked) {
                break StartResult::Done(Err(error));
            }
            let until = call.deadline;
            let rejection = match route.start(call, asked.request.params, visit.terms(false, &mut answer)) {
                StartResult::NoRoom(back, rejection) => {
                    call = back;
                    rejection
                }
                started => break started,
            };
            if !mailbox.waits_after(&rejection) {
                route.reject(call, &rejection);
                break StartResult::Done(Err(rejection.error));
            }
            let Some((_, mut room)) = room.take().filter(|(reason, _)| *reason == rejection.reason) else {
                // And another try, so that a slot that came free before this is not missed.
                room = Some((rejection.reason, route.room(rejection.reason, waiting)));
                continue;
            };
            let wait = async {
                loop {
                    tokio::select! {
                        () = &mut room => break,
                        Some(ended) = under_way.next() => answers.push(ended),
                    }
                }
            };
            if timeout_at(until, wait).await.is_err() {
                let expired = Rejection { reason: RejectReason::Expired, error: deadline_error(&call, until) };
                route.reject(call, &expired);
                break StartResult::Done(Err(expired.error));
            }
        };
        mailbox.entered |= matches!(started, StartResult::Sent | StartResult::Pending(_));
        if let Some(draft) = draft {
            under_way.push(async move {
                let outcome = ended(started, &mut answer).await;
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

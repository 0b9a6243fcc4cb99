//! Batches: the members run side by side, and are answered in the order in which they were asked.

use std::time::Duration;

use futures::StreamExt;
use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use tokio::time::timeout_at;

use crate::jsonrpc::{BatchWriter, Id, Member, Request};
use crate::mailbox::deadline;
use crate::service::{CallContext, MailboxId, Outcome, Route, Started};
use crate::sync::Arc;

use super::{Answer, Dispatch, Visit, cut_off, start};

/// How long the members of one batch may run inline, one after another on the transport's thread.
const INLINE: Duration = Duration::from_millis(1);

/// A member that found no room in its mailbox, behind others of its own batch.
struct Held<'a> {
    index: usize,
    route: &'a Arc<dyn Route>,
    call: CallContext,
    request: &'a Request<'a>,
}

/// The mailboxes in which a batch has calls, each with those that it could not put there yet.
type Mailboxes<'a> = Vec<(MailboxId, Vec<Held<'a>>)>;

/// Outcomes of members, by index.
type Outcomes = Vec<(usize, Outcome)>;

impl Dispatch {
    pub(super) async fn batch(&self, members: Vec<Member<'_>>, visit: &Visit<'_>) -> Answer {
        let dialect = visit.arrival.dialect;
        let mut outcomes: Vec<Option<Outcome>> = Vec::new();
        outcomes.resize_with(members.len(), || None);
        {
            let mut under_way: FuturesUnordered<LocalBoxFuture<'_, Outcomes>> = FuturesUnordered::new();
            // Order within a mailbox is the order of the members, so behind one that is held all others of its mailbox are
            // held, too.
            let mut mailboxes: Mailboxes<'_> = Vec::new();
            for (index, member) in members.iter().enumerate() {
                let request = match member {
                    Ok(request) => request,
                    Err(invalid) => {
                        outcomes[index] = Some(Err(invalid.error()));
                        continue;
                    }
                };
                let (route, call) = match self.begin(request, visit) {
                    Ok(begun) => begun,
                    Err(error) => {
                        outcomes[index] = Some(Err(error));
                        continue;
                    }
                };
                let mailbox = mailboxes.iter_mut().find(|(id, _)| *id == route.mailbox()).map(|(_, held)| held);
                if let Some(held) = mailbox.filter(|held| !held.is_empty()) {
                    held.push(Held { index, route, call, request });
                    continue;
                }
                let inline = visit.arrived.elapsed() < INLINE;
                match start(route, call, request, visit, inline) {
                    Started::Done(outcome) => outcomes[index] = Some(outcome),
                    Started::Sent => note(&mut mailboxes, route.mailbox()),
                    Started::Waits(outcome) => {
                        note(&mut mailboxes, route.mailbox());
                        under_way.push(Box::pin(async move { vec![(index, outcome.await)] }));
                    }
                    Started::NoRoom(call, refusal) => {
                        // Full of others' calls, it refuses as it would a single call; full of our own, it makes us wait.
                        match mailboxes.iter_mut().find(|(id, _)| *id == route.mailbox()) {
                            Some((_, held)) => held.push(Held { index, route, call, request }),
                            None => {
                                route.refused(&call, &refusal);
                                outcomes[index] = Some(Err(refusal.error));
                            }
                        }
                    }
                }
            }
            for (_, held) in mailboxes {
                if !held.is_empty() {
                    under_way.push(Box::pin(feed(held, visit)));
                }
            }
            let all_ended = async {
                while let Some(ended) = under_way.next().await {
                    for (index, outcome) in ended {
                        outcomes[index] = Some(outcome);
                    }
                }
            };
            // If not, what has no outcome is answered as cut off below.
            let _ = self.unless_cut(all_ended).await;
        }
        let mut writer = BatchWriter::new(dialect);
        for (member, outcome) in members.iter().zip(outcomes) {
            let id: Option<Id<'_>> = match member {
                Ok(request) => dialect.reply_id(request),
                Err(invalid) => Some(invalid.id),
            };
            if let Some(id) = id {
                let outcome = outcome.unwrap_or_else(|| Err(cut_off()));
                writer.push(id, outcome.as_deref());
            }
        }
        Answer { body: writer.finish(), error: None, retry_after: None }
    }
}

/// Notes that the batch has a call in this mailbox.
fn note(mailboxes: &mut Mailboxes<'_>, mailbox: MailboxId) {
    if !mailboxes.iter().any(|(id, _)| *id == mailbox) {
        mailboxes.push((mailbox, Vec::new()));
    }
}

/// Starts the held members of one mailbox in their order, each as soon as there is room, and waits for all of them.
async fn feed(held: Vec<Held<'_>>, visit: &Visit<'_>) -> Outcomes {
    let mut outcomes = Vec::with_capacity(held.len());
    let mut under_way = FuturesUnordered::new();
    for Held { index, route, mut call, request } in held {
        let started = loop {
            // From before the try, so that a slot that comes free in between is not missed.
            let mut room = route.room();
            let until = call.deadline;
            call = match start(route, call, request, visit, false) {
                Started::NoRoom(call, _) => call,
                started => break started,
            };
            let wait = async {
                loop {
                    tokio::select! {
                        () = &mut room => break,
                        Some(ended) = under_way.next() => outcomes.push(ended),
                    }
                }
            };
            if timeout_at(until, wait).await.is_err() {
                let error = deadline(&call, until);
                route.expired(&call, &error);
                break Started::Done(Err(error));
            }
        };
        match started {
            Started::Done(outcome) => outcomes.push((index, outcome)),
            Started::Sent => {}
            Started::Waits(outcome) => under_way.push(async move { (index, outcome.await) }),
            Started::NoRoom(_, refusal) => outcomes.push((index, Err(refusal.error))),
        }
    }
    while let Some(ended) = under_way.next().await {
        outcomes.push(ended);
    }
    outcomes
}

//! Admission: whether a call is let into its mailbox.

use tokio::time::Instant;

use crate::route::Rejection;
use crate::service::{CallContext, Kind};
use crate::sync::Arc;

use super::entry::Entry;
use super::policy::Ahead;
use super::queue::{Mailbox, Queued};
use super::quota::{Full, Permit, Places, SERVICE_BYTES, SERVICE_CALLS};
use super::rejection::{full, hopeless, overdue};

/// What lets calls into the mailboxes of one service.
#[derive(Debug)]
pub(crate) struct Admission {
    /// The places of each mailbox, and its weight.
    mailboxes: Box<[(Arc<Places>, u32)]>,
    /// Of all mailboxes together.
    weights: u32,
    /// Threads that run compute methods.
    threads: u32,
}

impl Admission {
    pub(crate) fn new<'a, C: Queued + 'a>(mailboxes: impl Iterator<Item = &'a Mailbox<C>>, threads: u32) -> Self {
        let mailboxes: Box<[_]> = mailboxes.map(|mailbox| (Arc::clone(mailbox.places()), mailbox.weight())).collect();
        let weights = mailboxes.iter().map(|(_, weight)| *weight).fold(0, u32::saturating_add);
        Self { mailboxes, weights, threads }
    }

    /// Lets a call in, or says why not: a limit is reached, or the work in front is too much.
    pub(crate) fn admit<'a>(
        &self,
        entry: &'a Entry,
        call: &CallContext,
        bytes: usize,
        now: Instant,
    ) -> Result<Permit<'a>, Rejection> {
        let most = entry.places.most();
        let left = call.deadline.saturating_duration_since(now);
        // At first as if everybody were busy: nearly always even that is not too much, and who is need not be asked.
        let at_most = self.ahead(entry, entry.places.used_at_most(), self.weights);
        if at_most.depth > 0 && at_most.is_hopeless(left) {
            let ahead = self.ahead_now(entry);
            if ahead.depth > 0 && ahead.is_hopeless(left) {
                return Err(hopeless(entry.name, most, ahead));
            }
        }
        if let Some(overdue) = self.would_be_overdue(entry, now) {
            return Err(overdue);
        }
        entry.places.take(bytes).map_err(|limit| {
            let capacity = if limit == Full::Mailbox { most } else { SERVICE_CALLS };
            let ahead = self.ahead_now(entry);
            // What waits for room goes before it, too.
            let line = Ahead { depth: ahead.depth + entry.places.in_line(), ..ahead };
            let never_fits = limit == Full::Bytes && bytes > SERVICE_BYTES;
            if never_fits || line.is_hopeless(left) {
                hopeless(entry.name, capacity, line)
            } else {
                full(entry.name, limit, capacity, ahead)
            }
        })
    }

    /// The rejection of a call whose mailbox is overloaded, and who would wait longer there than it may.
    fn would_be_overdue(&self, entry: &Entry, now: Instant) -> Option<Rejection> {
        let most = entry.options.max_wait?;
        let ahead = entry.shedding.is_on(now).then(|| self.ahead_now(entry))?;
        (ahead.depth > 0 && ahead.is_hopeless(most)).then(|| {
            entry.shedding.goes_on(now);
            overdue(entry.name, entry.places.most(), ahead)
        })
    }

    /// The rejection of a call that has waited longer than it may, in a mailbox that has been busy since then.
    #[inline]
    pub(crate) fn is_overdue(
        &self,
        entry: &Entry,
        arrived: Instant,
        busy_since: Instant,
        now: Instant,
    ) -> Option<Rejection> {
        let most = entry.options.max_wait?;
        let sheds = entry.shedding.turns_away(now.saturating_duration_since(arrived), most, busy_since, now);
        sheds.then(|| overdue(entry.name, entry.places.most(), self.ahead_now(entry)))
    }

    /// The work in front of a call of this method.
    fn ahead_now(&self, entry: &Entry) -> Ahead {
        let busy = self.mailboxes.iter().filter(|(places, _)| places.used() > 0);
        self.ahead(entry, entry.places.used(), busy.map(|(_, weight)| weight).sum())
    }

    /// The same with so many calls in its mailbox, among mailboxes of so much weight.
    fn ahead(&self, entry: &Entry, depth: usize, weights: u32) -> Ahead {
        let cost = &entry.meter.cost;
        let usual = cost.usual();
        Ahead {
            depth,
            usual: if entry.kind == Kind::Compute { usual / self.threads } else { usual },
            samples: cost.samples(),
            weight: entry.weight,
            weights,
        }
    }
}

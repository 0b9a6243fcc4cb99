//! Inline calls of one method, one after another in one turn.

use std::time::Duration;
use std::vec;

use tokio::time::Instant;

use crate::log::discard;
use crate::mailbox::{Entry, deadline};
use crate::measure::{End, Record};
use crate::service::{CallContext, Handles, Message, Reply, Service};

use super::inline::soon;
use super::{Running, Turn, current};
use crate::engine::core::Core;

/// A series ends once it has had the state for so long, as others may want it.
const MOST: Duration = Duration::from_micros(200);

/// Runs the first of these calls here, which have all but their messages in common: none if the state is not free, and no
/// further one when one has panicked or was long, when somebody waits, or when their time is up or that of the series.
pub(crate) fn run_series<S: Handles<M>, M: Message>(
    core: &Core<S>,
    entry: &Entry,
    call: CallContext,
    messages: Vec<M>,
) -> Vec<Reply<M>> {
    let Some(turn) = soon(core) else { return Vec::new() };
    let running = Running::enter(entry, current(core, &call));
    let record = Record::series(entry, call);
    let mut series = Series { core, record, turn, replies: Vec::with_capacity(messages.len()) };
    series.run(messages.into_iter());
    drop(running);
    series.replies
}

struct Series<'a, S: Service, M: Message> {
    core: &'a Core<S>,
    record: Record<&'a Entry>,
    turn: Turn<'a, S, M>,
    /// Of those that have run.
    replies: Vec<Reply<M>>,
}

impl<S: Service, M: Message> Series<'_, S, M> {
    fn run(&mut self, mut messages: vec::IntoIter<M>) {
        let start = Instant::now();
        let (mut began, end) = (start, self.record.call().deadline.min(start + MOST));
        while began < end && (self.replies.is_empty() || self.record.entry().meter.cost.is_short(began)) {
            let before = self.replies.len();
            let last = self.run_some(&mut messages);
            let at = Instant::now();
            self.record(before, last, began, at);
            if last != Some(End::Answered) || messages.len() == 0 {
                break;
            }
            began = at;
        }
        discard(messages);
    }

    /// Runs as many as usually take no longer together than one call may to be short: to read the clock for each would take as
    /// long as they do. The coarse clock, which takes a fraction of that, tells of one that is unusually long, to its tick of a few
    /// milliseconds. How the last one ended; none if somebody waits, who goes first.
    fn run_some(&mut self, messages: &mut vec::IntoIter<M>) -> Option<End> {
        let (mut last, tick) = (None, coarsetime::Instant::now_without_cache_update());
        for message in messages.take(self.record.entry().meter.cost.usually_within_short()) {
            if !self.replies.is_empty() && self.core.quota.anyone_waits() {
                return None;
            }
            let (reply, end) = self.turn.run(self.record.entry(), self.record.call(), message);
            self.replies.push(reply);
            last = Some(end);
            if end == End::Panicked || coarsetime::Instant::now_without_cache_update() != tick {
                break;
            }
        }
        last
    }

    /// Records the runs since there were `before`, which took from `began` to `at`. If that is long, one of them was: the
    /// others are taken for what they usually are.
    fn record(&mut self, before: usize, last: Option<End>, began: Instant, at: Instant) {
        let (entry, call) = (*self.record.entry(), self.record.call());
        let late = at >= call.deadline && !call.notification;
        let ended = &mut self.replies[before..];
        if late {
            // Nobody is answered then. Which of them ended before, nobody knows: they took less than a moment.
            let answered = ended.len() - usize::from(last == Some(End::Panicked));
            for reply in &mut ended[..answered] {
                discard(std::mem::replace(reply, Err(deadline(call, began))));
            }
        }
        let Ok(runs @ 1..) = u32::try_from(ended.len()) else { return };
        let (meter, took) = (&entry.meter, at.duration_since(began));
        let longest = took.saturating_sub(meter.cost.usual() * (runs - 1));
        meter.cost.ran(took / runs);
        meter.held(entry.name, longest, at);
        let ends = ended.iter().enumerate().map(|(index, reply)| {
            let end = last.filter(|_| index + 1 == ended.len()).unwrap_or(End::Answered);
            (if late && end == End::Answered { End::Expired } else { end }, reply.as_ref().err())
        });
        self.record.end_runs(ends, began, took / runs);
    }
}

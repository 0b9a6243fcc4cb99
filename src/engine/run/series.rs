//! A series: inline calls of one method, one after the other in one turn.
//!
//! The members of a batch often call the same short method. One turn, one look at the clock and one
//! record for several of them cost less than one for each.

use std::time::Duration;
use std::vec;

use tokio::time::Instant;

use crate::log::discard;
use crate::mailbox::{MethodEntry, deadline_error};
use crate::measure::{CallEnd, CallRecord};
use crate::service::{CallContext, Handles, Message, Reply, Service};

use super::inline::take_soon;
use super::{RunGuard, Turn, current};
use crate::engine::core::Core;

/// Maximum time for which a series holds the state, since others may want it.
const MAX_DURATION: Duration = Duration::from_micros(200);

/// Runs the first of these calls, which differ only in their messages. Returns the replies of those
/// that ran.
///
/// None runs if the state is taken. The series ends when a call has panicked or was long, when
/// another call waits, at the deadline, or after `longest`, which is [`MAX_DURATION`] at most.
pub(crate) fn run_series<S: Handles<M>, M: Message>(
    core: &Core<S>,
    entry: &MethodEntry,
    call: CallContext,
    longest: Duration,
    messages: Vec<M>,
) -> Vec<Reply<M>> {
    let Some(turn) = take_soon(core) else { return Vec::new() };
    let running = RunGuard::enter(entry, current(core, &call));
    let record = CallRecord::series(entry, call);
    let mut series = Series { core, record, turn, replies: Vec::with_capacity(messages.len()) };
    series.run(longest.min(MAX_DURATION), messages.into_iter());
    drop(running);
    series.replies
}

struct Series<'a, S: Service, M: Message> {
    core: &'a Core<S>,
    record: CallRecord<&'a MethodEntry>,
    turn: Turn<'a, S, M>,
    /// Replies of the calls that have run.
    replies: Vec<Reply<M>>,
}

impl<S: Service, M: Message> Series<'_, S, M> {
    fn run(&mut self, longest: Duration, mut messages: vec::IntoIter<M>) {
        let start = Instant::now();
        let (mut began, end) = (start, self.record.call().deadline.min(start + longest));
        while began < end && (self.replies.is_empty() || self.record.entry().meter.cost.is_short(began)) {
            let before = self.replies.len();
            let last = self.run_some(&mut messages);
            let at = Instant::now();
            self.record(before, last, began, at);
            if last != Some(CallEnd::Answered) || messages.len() == 0 {
                break;
            }
            began = at;
        }
        discard(messages);
    }

    /// Runs as many calls as usually take together no longer than one short call. Returns how the
    /// last one ended; `None` if another call waits, which goes first.
    ///
    /// Reading the clock for each would cost as much as a short call. The coarse clock costs a
    /// fraction of that, and shows a call that is unusually long, to a few milliseconds.
    fn run_some(&mut self, messages: &mut vec::IntoIter<M>) -> Option<CallEnd> {
        let (mut last, tick) = (None, coarsetime::Instant::now_without_cache_update());
        for message in messages.take(self.record.entry().meter.cost.runs_per_short_slice()) {
            if !self.replies.is_empty() && self.core.quota.anyone_waits() {
                return None;
            }
            let (reply, end) = self.turn.run(self.record.entry(), self.record.call(), message);
            self.replies.push(reply);
            last = Some(end);
            if end == CallEnd::Panicked || coarsetime::Instant::now_without_cache_update() != tick {
                break;
            }
        }
        last
    }

    /// Records the runs after the first `before`, which lasted from `began` to `at`. If that is
    /// long, one of them was long, and the others are taken to have had their usual duration.
    fn record(&mut self, before: usize, last: Option<CallEnd>, began: Instant, at: Instant) {
        let (entry, call) = (*self.record.entry(), self.record.call());
        let late = at >= call.deadline && !call.notification;
        let ended = &mut self.replies[before..];
        if late {
            // The deadline has passed during these runs. Which of them ended before it is unknown,
            // so all count as late.
            let answered = ended.len() - usize::from(last == Some(CallEnd::Panicked));
            for reply in &mut ended[..answered] {
                discard(std::mem::replace(reply, Err(deadline_error(call, began))));
            }
        }
        let Ok(runs @ 1..) = u32::try_from(ended.len()) else { return };
        let (meter, took) = (&entry.meter, at.duration_since(began));
        let longest = took.saturating_sub(meter.cost.usual() * (runs - 1));
        meter.cost.record_run(took / runs);
        meter.record_hold(entry.name, longest, at);
        let ends = ended.iter().enumerate().map(|(index, reply)| {
            let end = last.filter(|_| index + 1 == ended.len()).unwrap_or(CallEnd::Answered);
            (if late && end == CallEnd::Answered { CallEnd::Expired } else { end }, reply.as_ref().err())
        });
        self.record.end_runs(ends, began, took / runs);
    }
}

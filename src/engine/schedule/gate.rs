//! The gate: which kind of call the scheduler may start now.
//!
//! The lock on the state keeps writers alone. The gate makes the lock fair, in phases: a writer
//! that found the state taken stops new readers, and after it the readers that it held up go before
//! the next writer. So neither starves the other.
//!
//! Async readers run side by side, so all that may start together do. Sync readers use the host's
//! thread one after the other, and a full mailbox of long ones would take all of it. So the first
//! of each mailbox is guaranteed to run, and the others run for as long as they were held up.

use tokio::time::Instant;

use crate::service::MethodKind;

/// Which calls may try for the lock on the state.
#[derive(Debug)]
pub(crate) struct Gate {
    phase: Phase,
    /// Readers that go before the next writer, by mailbox.
    held_up: Vec<HeldUp>,
}

/// Readers of one mailbox that a writer held up.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct HeldUp {
    /// Number of readers that run regardless of their cost.
    guaranteed: usize,
    /// Number of further readers that run if there is time.
    in_time: usize,
}

impl HeldUp {
    /// Counts the readers of a mailbox in which `waiting` calls wait, whose head is of this kind,
    /// and whose method may have `in_flight` more calls in flight.
    pub(crate) fn waiting(waiting: usize, kind: MethodKind, in_flight: usize) -> Self {
        let guaranteed = match kind {
            MethodKind::Read => 1,
            MethodKind::ReadAsync => waiting.min(in_flight),
            MethodKind::Write | MethodKind::WriteAsync | MethodKind::Compute => return Self::default(),
        };
        Self { guaranteed, in_time: waiting.saturating_sub(guaranteed) }
    }
}

/// Who may try for the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Any call, in the order of the fair queue.
    Open,
    /// The writer at the head of this mailbox, which waits for the running readers to end.
    WriterWaits { mailbox: usize, since: Instant },
    /// No reader: an async writer holds the state, and has held up readers since this time.
    WriterRuns { since: Instant },
    /// The readers that the last writer held up; those that are not guaranteed only until this
    /// time.
    Readers { until: Instant },
}

impl Gate {
    pub(crate) fn new(mailboxes: usize) -> Self {
        Self { phase: Phase::Open, held_up: vec![HeldUp::default(); mailboxes] }
    }

    /// Whether the head of this mailbox may try for the state.
    pub(crate) fn may_try(&mut self, mailbox: usize, kind: MethodKind, now: Instant) -> bool {
        match (kind, self.phase) {
            (MethodKind::Compute, _) | (_, Phase::Open) => true,
            (MethodKind::Read | MethodKind::ReadAsync, phase) => matches!(phase, Phase::Readers { .. }),
            (MethodKind::Write | MethodKind::WriteAsync, Phase::Readers { until }) => {
                // Calls of one mailbox keep their order, so no reader behind this writer was held
                // up by another writer.
                self.settle(mailbox, usize::MAX);
                if now >= until {
                    self.held_up.iter_mut().for_each(|held_up| held_up.in_time = 0);
                    self.settle(mailbox, 0);
                }
                self.phase == Phase::Open
            }
            (MethodKind::Write | MethodKind::WriteAsync, _) => self.waiting_writer() == Some(mailbox),
        }
    }

    /// Notes that the head of this mailbox found the state taken. A writer waits from now on.
    pub(crate) fn blocked(&mut self, mailbox: usize, kind: MethodKind, now: Instant) {
        match (kind, self.phase) {
            (MethodKind::Write | MethodKind::WriteAsync, Phase::Open) => {
                self.phase = Phase::WriterWaits { mailbox, since: now }
            }
            // The method has reached its limit of calls in flight, so holding up writers would not
            // help this reader.
            (MethodKind::ReadAsync, Phase::Readers { .. }) => self.settle(mailbox, usize::MAX),
            _ => {}
        }
    }

    /// Returns the mailbox whose writer waits.
    pub(crate) fn waiting_writer(&self) -> Option<usize> {
        match self.phase {
            Phase::WriterWaits { mailbox, .. } => Some(mailbox),
            _ => None,
        }
    }

    /// Notes that the waiting writer has left without its turn.
    pub(crate) fn writer_left(&mut self) {
        self.phase = Phase::Open;
    }

    /// Notes that this number of readers of a mailbox have started or left; `usize::MAX` if none is
    /// left in it.
    pub(crate) fn settle(&mut self, mailbox: usize, readers: usize) {
        let held_up = &mut self.held_up[mailbox];
        held_up.in_time = held_up.in_time.saturating_sub(readers.saturating_sub(held_up.guaranteed));
        held_up.guaranteed = held_up.guaranteed.saturating_sub(readers);
        let nobody = |held_up: &HeldUp| held_up.guaranteed + held_up.in_time == 0;
        if matches!(self.phase, Phase::Readers { .. }) && self.held_up.iter().all(nobody) {
            self.phase = Phase::Open;
        }
    }

    /// Notes that an async writer has started.
    pub(crate) fn writer_runs(&mut self, now: Instant) {
        let since = if let Phase::WriterWaits { since, .. } = self.phase { since } else { now };
        self.phase = Phase::WriterRuns { since };
    }

    /// Notes that a writer has ended. `readers` counts those that wait in a mailbox; it is called
    /// only if the writer held up any.
    pub(crate) fn writer_ended(&mut self, now: Instant, readers: impl Fn(usize) -> HeldUp) {
        let (Phase::WriterWaits { since, .. } | Phase::WriterRuns { since }) = self.phase else { return };
        for (mailbox, held_up) in self.held_up.iter_mut().enumerate() {
            *held_up = readers(mailbox);
        }
        self.phase = Phase::Readers { until: now + now.duration_since(since) };
        self.settle(0, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::OnceLock;
    use std::time::Duration;

    use super::*;
    use crate::property_tests::{CASES, check, list};

    /// This many milliseconds after a fixed time.
    fn at(millis: u64) -> Instant {
        static START: OnceLock<Instant> = OnceLock::new();
        *START.get_or_init(Instant::now) + Duration::from_millis(millis)
    }

    fn guaranteed(guaranteed: usize) -> HeldUp {
        HeldUp { guaranteed, in_time: 0 }
    }

    #[test]
    fn a_writer_that_was_refused_stops_new_readers_and_other_writers() {
        let mut gate = Gate::new(3);
        assert!(gate.may_try(0, MethodKind::ReadAsync, at(0)) && gate.may_try(1, MethodKind::Write, at(0)));
        gate.blocked(1, MethodKind::Write, at(0));
        assert!(!gate.may_try(0, MethodKind::ReadAsync, at(0)) && !gate.may_try(0, MethodKind::Read, at(0)));
        assert!(!gate.may_try(2, MethodKind::WriteAsync, at(0)) && gate.may_try(1, MethodKind::Write, at(0)));
        assert!(gate.may_try(0, MethodKind::Compute, at(0)), "what has no state is never held up");
    }

    #[test]
    fn the_readers_that_a_writer_held_up_go_before_the_next_one() {
        let mut gate = Gate::new(2);
        gate.blocked(1, MethodKind::Write, at(0));
        gate.writer_ended(at(0), |mailbox| guaranteed(if mailbox == 0 { 2 } else { 0 }));
        assert!(!gate.may_try(1, MethodKind::Write, at(100)));
        gate.settle(0, 1);
        assert!(!gate.may_try(1, MethodKind::Write, at(100)) && gate.may_try(0, MethodKind::ReadAsync, at(100)));
        gate.settle(0, 1);
        assert!(gate.may_try(1, MethodKind::Write, at(100)));
    }

    #[test]
    fn readers_that_take_their_time_one_after_another_go_for_as_long_as_they_were_held_up() {
        let held_up = |mailbox| if mailbox == 0 { HeldUp { guaranteed: 1, in_time: 9 } } else { HeldUp::default() };
        let mut gate = Gate::new(2);
        gate.blocked(1, MethodKind::WriteAsync, at(0));
        gate.writer_runs(at(4));
        gate.writer_ended(at(10), held_up);
        gate.settle(0, 5);
        assert!(!gate.may_try(1, MethodKind::WriteAsync, at(19)), "since it waited, it held them up for 10 ms");
        assert!(gate.may_try(1, MethodKind::WriteAsync, at(20)));

        gate.writer_runs(at(20));
        gate.writer_ended(at(25), held_up);
        assert!(!gate.may_try(1, MethodKind::WriteAsync, at(40)), "one goes in any case");
        gate.settle(0, 1);
        assert!(gate.may_try(1, MethodKind::WriteAsync, at(40)));
    }

    #[test]
    fn a_writer_that_held_nobody_up_owes_nothing() {
        let mut gate = Gate::new(1);
        gate.writer_ended(at(0), |_| panic!("nobody asks"));
        assert!(gate.may_try(0, MethodKind::Write, at(0)));
        gate.writer_runs(at(0));
        gate.writer_ended(at(5), |_| HeldUp::default());
        assert!(gate.may_try(0, MethodKind::Write, at(5)));
    }

    #[test]
    fn a_reader_that_cannot_start_for_another_reason_does_not_hold_writers_up() {
        let mut gate = Gate::new(3);
        gate.writer_runs(at(0));
        gate.writer_ended(at(5), |mailbox| guaranteed(if mailbox == 2 { 0 } else { 5 }));
        gate.blocked(0, MethodKind::ReadAsync, at(5));
        assert!(!gate.may_try(2, MethodKind::Write, at(5)), "mailbox 1 is still owed its readers");
        gate.settle(1, 5);
        assert!(gate.may_try(2, MethodKind::Write, at(5)));
    }

    #[test]
    fn a_reader_behind_a_writer_in_its_own_mailbox_is_not_held_up_by_others() {
        let mut gate = Gate::new(2);
        gate.writer_runs(at(0));
        gate.writer_ended(
            at(5),
            |mailbox| if mailbox == 0 { HeldUp { guaranteed: 1, in_time: 2 } } else { guaranteed(0) },
        );
        gate.settle(0, 1);
        assert!(gate.may_try(0, MethodKind::Write, at(5)), "the order within a mailbox rules");
    }

    /// A mailbox of async readers, one of sync ones, and two of writers, all kept in order, with a
    /// lock as the state has it.
    #[derive(Default)]
    struct Model {
        readers_waiting: [VecDeque<Reader>; 2],
        writers_waiting: [usize; 2],
        /// Async ones: the others end where they start.
        readers_inside: usize,
        writer_inside: bool,
        millis: u64,
    }

    /// A reader that waits: whether the gate has refused it, and how many writers have started
    /// since.
    #[derive(Clone, Copy, Default)]
    struct Reader {
        refused: bool,
        writers_since: usize,
    }

    impl Model {
        /// What the scheduler does after each event: tries the heads until none can start.
        fn schedule(&mut self, gate: &mut Gate) {
            loop {
                let started = self.try_writer(gate, 2)
                    || self.try_writer(gate, 3)
                    || self.try_reader(gate, 0)
                    || self.try_reader(gate, 1);
                if !started {
                    return;
                }
            }
        }

        fn try_reader(&mut self, gate: &mut Gate, mailbox: usize) -> bool {
            let kind = [MethodKind::ReadAsync, MethodKind::Read][mailbox];
            let waiting = &mut self.readers_waiting[mailbox];
            let Some(head) = waiting.front().copied() else {
                gate.settle(mailbox, usize::MAX);
                return false;
            };
            if self.writer_inside || !gate.may_try(mailbox, kind, at(self.millis)) {
                waiting.iter_mut().for_each(|reader| reader.refused = true);
                return false;
            }
            assert!(head.writers_since <= 1, "a reader that was refused waited for {} writers", head.writers_since);
            waiting.pop_front();
            self.readers_inside += usize::from(kind == MethodKind::ReadAsync);
            gate.settle(mailbox, 1);
            true
        }

        fn try_writer(&mut self, gate: &mut Gate, mailbox: usize) -> bool {
            if self.writers_waiting[mailbox - 2] == 0 {
                if gate.waiting_writer() == Some(mailbox) {
                    gate.writer_left();
                }
                return false;
            }
            if !gate.may_try(mailbox, MethodKind::WriteAsync, at(self.millis)) {
                return false;
            }
            if self.writer_inside || self.readers_inside > 0 {
                gate.blocked(mailbox, MethodKind::WriteAsync, at(self.millis));
                return false;
            }
            self.writers_waiting[mailbox - 2] -= 1;
            self.writer_inside = true;
            for reader in self.readers_waiting.iter_mut().flatten().filter(|reader| reader.refused) {
                reader.writers_since += 1;
            }
            gate.writer_runs(at(self.millis));
            true
        }

        fn writer_ends(&mut self, gate: &mut Gate) {
            if !std::mem::take(&mut self.writer_inside) {
                return;
            }
            // It took some time, and what it held up takes none.
            self.millis += 1;
            let waiting = self.readers_waiting.each_ref().map(VecDeque::len);
            gate.writer_ended(at(self.millis), |mailbox| match mailbox {
                0 => guaranteed(waiting[0]),
                1 => HeldUp { guaranteed: waiting[1].min(1), in_time: waiting[1].saturating_sub(1) },
                _ => HeldUp::default(),
            });
        }
    }

    #[test]
    fn a_reader_waits_for_at_most_one_writer_and_nobody_waits_for_ever() {
        check(CASES, |u| {
            let events = list(u, 1, 199, |u| u.int_in_range(0..=6u8))?;
            let (mut gate, mut model) = (Gate::new(4), Model::default());
            for event in events {
                match event {
                    0 | 1 => model.readers_waiting[usize::from(event)].push_back(Reader::default()),
                    2 | 3 => model.writers_waiting[usize::from(event - 2)] += 1,
                    4 => model.readers_inside = model.readers_inside.saturating_sub(1),
                    5 => model.writer_ends(&mut gate),
                    // A writer that waits is given up by its caller.
                    _ => model.writers_waiting[0] = model.writers_waiting[0].saturating_sub(1),
                }
                model.schedule(&mut gate);
            }
            // With no more arrivals everything that waits gets in, in the end.
            for _ in 0..1000 {
                model.readers_inside = 0;
                model.writer_ends(&mut gate);
                model.schedule(&mut gate);
            }
            assert!(model.readers_waiting.iter().all(VecDeque::is_empty) && model.writers_waiting == [0, 0]);
            Ok(())
        });
    }
}

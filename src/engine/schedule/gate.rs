//! The gate: which kind of call the scheduler may start now.
//!
//! The lock on the state keeps writers alone. The gate keeps them fair, in phases: a writer that was refused stops new readers,
//! and after it the readers that it held up go before the next writer. So neither starves the other.
//!
//! Async readers run beside each other, so all go that may start at once. Sync ones take the host's time one after another, and
//! a full mailbox of long ones would take all of it: the first of each mailbox goes, and the others for as long as they were
//! held up.

use tokio::time::Instant;

use crate::service::MethodKind;

/// The host's side of the lock.
#[derive(Debug)]
pub(crate) struct Gate {
    phase: Phase,
    /// By mailbox: readers that go before the next writer.
    owed: Vec<Owed>,
}

/// Readers of one mailbox.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Owed {
    /// That go whatever time it takes.
    surely: usize,
    /// That go after these if there is time.
    in_time: usize,
}

impl Owed {
    /// Those of a mailbox in which so many wait, whose head is of this kind, and whose method may have so many more in flight.
    pub(crate) fn waiting(waiting: usize, kind: MethodKind, in_flight: usize) -> Self {
        let surely = match kind {
            MethodKind::Read => 1,
            MethodKind::ReadAsync => waiting.min(in_flight),
            MethodKind::Write | MethodKind::WriteAsync | MethodKind::Compute => return Self::default(),
        };
        Self { surely, in_time: waiting.saturating_sub(surely) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Whoever comes first.
    Open,
    /// The writer at the head of this mailbox waits for the readers in flight to leave.
    WriterWaits { mailbox: usize, since: Instant },
    /// An async writer holds the state, and readers were held up since this time.
    WriterRuns { since: Instant },
    /// The readers that the last writer held up go first, those that have to be in time until this time.
    Readers { until: Instant },
}

impl Gate {
    pub(crate) fn new(mailboxes: usize) -> Self {
        Self { phase: Phase::Open, owed: vec![Owed::default(); mailboxes] }
    }

    /// Whether the head of this mailbox may try for the state.
    pub(crate) fn lets_try(&mut self, mailbox: usize, kind: MethodKind, now: Instant) -> bool {
        match (kind, self.phase) {
            (MethodKind::Compute, _) | (_, Phase::Open) => true,
            (MethodKind::Read | MethodKind::ReadAsync, phase) => matches!(phase, Phase::Readers { .. }),
            (MethodKind::Write | MethodKind::WriteAsync, Phase::Readers { until }) => {
                // Within a mailbox the order rules: behind this writer nobody is held up by another.
                self.settle(mailbox, usize::MAX);
                if now >= until {
                    self.owed.iter_mut().for_each(|owed| owed.in_time = 0);
                    self.settle(mailbox, 0);
                }
                self.phase == Phase::Open
            }
            (MethodKind::Write | MethodKind::WriteAsync, _) => self.waiting_writer() == Some(mailbox),
        }
    }

    /// The lock refused the head of this mailbox. A writer waits from now on.
    pub(crate) fn refused(&mut self, mailbox: usize, kind: MethodKind, now: Instant) {
        match (kind, self.phase) {
            (MethodKind::Write | MethodKind::WriteAsync, Phase::Open) => {
                self.phase = Phase::WriterWaits { mailbox, since: now }
            }
            // Its method is at its limit of calls in flight: holding writers up for it would help nobody.
            (MethodKind::ReadAsync, Phase::Readers { .. }) => self.settle(mailbox, usize::MAX),
            _ => {}
        }
    }

    /// The mailbox whose writer waits.
    pub(crate) fn waiting_writer(&self) -> Option<usize> {
        match self.phase {
            Phase::WriterWaits { mailbox, .. } => Some(mailbox),
            _ => None,
        }
    }

    /// The writer that waited has gone without its turn.
    pub(crate) fn writer_left(&mut self) {
        self.phase = Phase::Open;
    }

    /// So many readers of this mailbox have started or gone, or none is left in it.
    pub(crate) fn settle(&mut self, mailbox: usize, readers: usize) {
        let owed = &mut self.owed[mailbox];
        owed.in_time = owed.in_time.saturating_sub(readers.saturating_sub(owed.surely));
        owed.surely = owed.surely.saturating_sub(readers);
        let nobody = |owed: &Owed| owed.surely + owed.in_time == 0;
        if matches!(self.phase, Phase::Readers { .. }) && self.owed.iter().all(nobody) {
            self.phase = Phase::Open;
        }
    }

    /// A writer has started that runs across awaits.
    pub(crate) fn writer_runs(&mut self, now: Instant) {
        let since = if let Phase::WriterWaits { since, .. } = self.phase { since } else { now };
        self.phase = Phase::WriterRuns { since };
    }

    /// A writer has ended. `readers` tells whom each mailbox had waiting; asked only if the writer held them up.
    pub(crate) fn writer_ended(&mut self, now: Instant, readers: impl Fn(usize) -> Owed) {
        let (Phase::WriterWaits { since, .. } | Phase::WriterRuns { since }) = self.phase else { return };
        for (mailbox, owed) in self.owed.iter_mut().enumerate() {
            *owed = readers(mailbox);
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

    fn surely(surely: usize) -> Owed {
        Owed { surely, in_time: 0 }
    }

    #[test]
    fn a_writer_that_was_refused_stops_new_readers_and_other_writers() {
        let mut gate = Gate::new(3);
        assert!(gate.lets_try(0, MethodKind::ReadAsync, at(0)) && gate.lets_try(1, MethodKind::Write, at(0)));
        gate.refused(1, MethodKind::Write, at(0));
        assert!(!gate.lets_try(0, MethodKind::ReadAsync, at(0)) && !gate.lets_try(0, MethodKind::Read, at(0)));
        assert!(!gate.lets_try(2, MethodKind::WriteAsync, at(0)) && gate.lets_try(1, MethodKind::Write, at(0)));
        assert!(gate.lets_try(0, MethodKind::Compute, at(0)), "what has no state is never held up");
    }

    #[test]
    fn the_readers_that_a_writer_held_up_go_before_the_next_one() {
        let mut gate = Gate::new(2);
        gate.refused(1, MethodKind::Write, at(0));
        gate.writer_ended(at(0), |mailbox| surely(if mailbox == 0 { 2 } else { 0 }));
        assert!(!gate.lets_try(1, MethodKind::Write, at(100)));
        gate.settle(0, 1);
        assert!(!gate.lets_try(1, MethodKind::Write, at(100)) && gate.lets_try(0, MethodKind::ReadAsync, at(100)));
        gate.settle(0, 1);
        assert!(gate.lets_try(1, MethodKind::Write, at(100)));
    }

    #[test]
    fn readers_that_take_their_time_one_after_another_go_for_as_long_as_they_were_held_up() {
        let owed = |mailbox| if mailbox == 0 { Owed { surely: 1, in_time: 9 } } else { Owed::default() };
        let mut gate = Gate::new(2);
        gate.refused(1, MethodKind::WriteAsync, at(0));
        gate.writer_runs(at(4));
        gate.writer_ended(at(10), owed);
        gate.settle(0, 5);
        assert!(!gate.lets_try(1, MethodKind::WriteAsync, at(19)), "since it waited, it held them up for 10 ms");
        assert!(gate.lets_try(1, MethodKind::WriteAsync, at(20)));

        gate.writer_runs(at(20));
        gate.writer_ended(at(25), owed);
        assert!(!gate.lets_try(1, MethodKind::WriteAsync, at(40)), "one goes in any case");
        gate.settle(0, 1);
        assert!(gate.lets_try(1, MethodKind::WriteAsync, at(40)));
    }

    #[test]
    fn a_writer_that_held_nobody_up_owes_nothing() {
        let mut gate = Gate::new(1);
        gate.writer_ended(at(0), |_| panic!("nobody asks"));
        assert!(gate.lets_try(0, MethodKind::Write, at(0)));
        gate.writer_runs(at(0));
        gate.writer_ended(at(5), |_| Owed::default());
        assert!(gate.lets_try(0, MethodKind::Write, at(5)));
    }

    #[test]
    fn a_reader_that_cannot_start_for_another_reason_does_not_hold_writers_up() {
        let mut gate = Gate::new(3);
        gate.writer_runs(at(0));
        gate.writer_ended(at(5), |mailbox| surely(if mailbox == 2 { 0 } else { 5 }));
        gate.refused(0, MethodKind::ReadAsync, at(5));
        assert!(!gate.lets_try(2, MethodKind::Write, at(5)), "mailbox 1 is still owed its readers");
        gate.settle(1, 5);
        assert!(gate.lets_try(2, MethodKind::Write, at(5)));
    }

    #[test]
    fn a_reader_behind_a_writer_in_its_own_mailbox_is_not_held_up_by_others() {
        let mut gate = Gate::new(2);
        gate.writer_runs(at(0));
        gate.writer_ended(at(5), |mailbox| if mailbox == 0 { Owed { surely: 1, in_time: 2 } } else { surely(0) });
        gate.settle(0, 1);
        assert!(gate.lets_try(0, MethodKind::Write, at(5)), "the order within a mailbox rules");
    }

    /// A mailbox of async readers, one of sync ones, and two of writers, all kept in order, with a lock as the state has it.
    #[derive(Default)]
    struct Model {
        readers_waiting: [VecDeque<Reader>; 2],
        writers_waiting: [usize; 2],
        /// Async ones: the others end where they start.
        readers_inside: usize,
        writer_inside: bool,
        millis: u64,
    }

    /// A reader that waits: whether the gate has refused it, and how many writers have started since.
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
            if self.writer_inside || !gate.lets_try(mailbox, kind, at(self.millis)) {
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
            if !gate.lets_try(mailbox, MethodKind::WriteAsync, at(self.millis)) {
                return false;
            }
            if self.writer_inside || self.readers_inside > 0 {
                gate.refused(mailbox, MethodKind::WriteAsync, at(self.millis));
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
                0 => surely(waiting[0]),
                1 => Owed { surely: waiting[1].min(1), in_time: waiting[1].saturating_sub(1) },
                _ => Owed::default(),
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

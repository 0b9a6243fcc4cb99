//! The gate: which kind of call the scheduler may start now.
//!
//! The lock on the state keeps writers alone. The gate keeps them fair, in phases: a writer that was refused stops new readers,
//! and after it the readers that it held up go before the next writer. So neither starves the other.

use crate::service::Kind;

/// The host's side of the lock.
#[derive(Debug)]
pub(crate) struct Gate {
    phase: Phase,
    /// By mailbox: readers that go before the next writer.
    owed: Vec<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Whoever comes first.
    Open,
    /// The writer at the head of this mailbox waits for the readers in flight to leave.
    WriterWaits(usize),
    /// An async writer holds the state.
    WriterRuns,
    /// The readers that the last writer held up go first.
    Readers,
}

impl Gate {
    pub(crate) fn new(mailboxes: usize) -> Self {
        Self { phase: Phase::Open, owed: vec![0; mailboxes] }
    }

    /// Whether the head of this mailbox may try for the state.
    pub(crate) fn lets_try(&self, mailbox: usize, kind: Kind) -> bool {
        match (kind, self.phase) {
            (Kind::Compute, _) | (_, Phase::Open) => true,
            (Kind::Read | Kind::ReadAsync, phase) => phase == Phase::Readers,
            (Kind::Write | Kind::WriteAsync, phase) => phase == Phase::WriterWaits(mailbox),
        }
    }

    /// The lock refused the head of this mailbox. A writer waits from now on.
    pub(crate) fn refused(&mut self, mailbox: usize, kind: Kind) {
        match (kind, self.phase) {
            (Kind::Write | Kind::WriteAsync, Phase::Open) => self.phase = Phase::WriterWaits(mailbox),
            // Its method is at its limit of calls in flight: holding writers up for it would help nobody.
            (Kind::ReadAsync, Phase::Readers) => self.settle(mailbox, usize::MAX),
            _ => {}
        }
    }

    /// The mailbox whose writer waits.
    pub(crate) fn waiting_writer(&self) -> Option<usize> {
        match self.phase {
            Phase::WriterWaits(mailbox) => Some(mailbox),
            _ => None,
        }
    }

    /// The writer that waited has gone without its turn.
    pub(crate) fn writer_left(&mut self) {
        self.phase = Phase::Open;
    }

    /// A reader of this mailbox has started, or there is none left in it.
    pub(crate) fn settle(&mut self, mailbox: usize, readers: usize) {
        self.owed[mailbox] = self.owed[mailbox].saturating_sub(readers);
        if self.phase == Phase::Readers && self.owed.iter().all(|owed| *owed == 0) {
            self.phase = Phase::Open;
        }
    }

    /// A writer has started that runs across awaits.
    pub(crate) fn writer_runs(&mut self) {
        self.phase = Phase::WriterRuns;
    }

    /// A writer has ended. `readers` tells how many each mailbox had waiting; asked only if the writer held them up.
    pub(crate) fn writer_ended(&mut self, readers: impl Fn(usize) -> usize) {
        if self.phase == Phase::Open {
            return;
        }
        for (mailbox, owed) in self.owed.iter_mut().enumerate() {
            *owed = readers(mailbox);
        }
        self.phase = Phase::Readers;
        self.settle(0, 0);
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_writer_that_was_refused_stops_new_readers_and_other_writers() {
        let mut gate = Gate::new(3);
        assert!(gate.lets_try(0, Kind::ReadAsync) && gate.lets_try(1, Kind::Write));
        gate.refused(1, Kind::Write);
        assert!(!gate.lets_try(0, Kind::ReadAsync) && !gate.lets_try(0, Kind::Read));
        assert!(!gate.lets_try(2, Kind::WriteAsync) && gate.lets_try(1, Kind::Write));
        assert!(gate.lets_try(0, Kind::Compute), "what has no state is never held up");
    }

    #[test]
    fn the_readers_that_a_writer_held_up_go_before_the_next_one() {
        let mut gate = Gate::new(2);
        gate.refused(1, Kind::Write);
        gate.writer_ended(|mailbox| if mailbox == 0 { 2 } else { 0 });
        assert!(!gate.lets_try(1, Kind::Write));
        gate.settle(0, 1);
        assert!(!gate.lets_try(1, Kind::Write) && gate.lets_try(0, Kind::ReadAsync));
        gate.settle(0, 1);
        assert!(gate.lets_try(1, Kind::Write));
    }

    #[test]
    fn a_writer_that_held_nobody_up_owes_nothing() {
        let mut gate = Gate::new(1);
        gate.writer_ended(|_| panic!("nobody asks"));
        assert!(gate.lets_try(0, Kind::Write));
        gate.writer_runs();
        gate.writer_ended(|_| 0);
        assert!(gate.lets_try(0, Kind::Write));
    }

    #[test]
    fn a_reader_that_cannot_start_for_another_reason_does_not_hold_writers_up() {
        let mut gate = Gate::new(2);
        gate.writer_runs();
        gate.writer_ended(|_| 5);
        gate.refused(0, Kind::ReadAsync);
        assert!(!gate.lets_try(1, Kind::Write), "mailbox 1 is still owed its readers");
        gate.settle(1, 5);
        assert!(gate.lets_try(1, Kind::Write));
    }

    /// One mailbox of readers and two of writers, all kept in order, with a lock as the state has it.
    #[derive(Default)]
    struct Model {
        readers_waiting: VecDeque<Reader>,
        writers_waiting: [usize; 2],
        readers_inside: usize,
        writer_inside: bool,
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
                let started = self.try_writer(gate, 1) || self.try_writer(gate, 2) || self.try_reader(gate);
                if !started {
                    return;
                }
            }
        }

        fn try_reader(&mut self, gate: &mut Gate) -> bool {
            let Some(head) = self.readers_waiting.front_mut() else {
                gate.settle(0, usize::MAX);
                return false;
            };
            if self.writer_inside || !gate.lets_try(0, Kind::ReadAsync) {
                head.refused = true;
                return false;
            }
            assert!(head.writers_since <= 1, "a reader that was refused waited for {} writers", head.writers_since);
            self.readers_waiting.pop_front();
            self.readers_inside += 1;
            gate.settle(0, 1);
            true
        }

        fn try_writer(&mut self, gate: &mut Gate, mailbox: usize) -> bool {
            if self.writers_waiting[mailbox - 1] == 0 {
                if gate.waiting_writer() == Some(mailbox) {
                    gate.writer_left();
                }
                return false;
            }
            if !gate.lets_try(mailbox, Kind::WriteAsync) {
                return false;
            }
            if self.writer_inside || self.readers_inside > 0 {
                gate.refused(mailbox, Kind::WriteAsync);
                return false;
            }
            self.writers_waiting[mailbox - 1] -= 1;
            self.writer_inside = true;
            for reader in self.readers_waiting.iter_mut().filter(|reader| reader.refused) {
                reader.writers_since += 1;
            }
            gate.writer_runs();
            true
        }
    }

    proptest! {
        #[test]
        fn a_reader_waits_for_at_most_one_writer_and_nobody_waits_for_ever(events in vec(0..6u8, 1..200)) {
            let (mut gate, mut model) = (Gate::new(3), Model::default());
            for event in events {
                match event {
                    0 => model.readers_waiting.push_back(Reader::default()),
                    1 | 2 => model.writers_waiting[usize::from(event - 1)] += 1,
                    3 => model.readers_inside = model.readers_inside.saturating_sub(1),
                    4 if model.writer_inside => {
                        model.writer_inside = false;
                        let waiting = model.readers_waiting.len();
                        gate.writer_ended(|mailbox| if mailbox == 0 { waiting } else { 0 });
                    }
                    // A writer that waits is given up by its caller.
                    5 => model.writers_waiting[0] = model.writers_waiting[0].saturating_sub(1),
                    _ => {}
                }
                model.schedule(&mut gate);
            }
            // With no more arrivals everything that waits gets in, in the end.
            for _ in 0..1000 {
                model.readers_inside = 0;
                if std::mem::take(&mut model.writer_inside) {
                    let waiting = model.readers_waiting.len();
                    gate.writer_ended(|mailbox| if mailbox == 0 { waiting } else { 0 });
                }
                model.schedule(&mut gate);
            }
            prop_assert!(model.readers_waiting.is_empty() && model.writers_waiting == [0, 0]);
        }
    }
}

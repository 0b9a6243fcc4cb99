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
}

//! The state of a service behind its lock, and the turns that hold it.
//!
//! These are Rust's own rules, applied to calls: a [`ReadTurn`] shares the state, a [`WriteTurn`]
//! is alone with it. The lock is only ever tried, never waited for: the host must not block, and a
//! guard may be held across awaits.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::task::Poll;

use parking_lot::{ArcRwLockReadGuard, ArcRwLockWriteGuard, RawRwLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::log::discard;
use crate::mailbox::Bell;
use crate::sync::{Arc, AtomicBool, Ordering};

use super::run::in_flight::InFlight;

/// What the lock protects.
#[derive(Debug)]
pub(crate) enum StateSlot<S> {
    /// A state.
    Live(S),
    /// No state: not made yet, or discarded after a panic. Only the host fills it again.
    Empty,
}

/// The lock on a service's state.
pub(crate) struct StateLock<S> {
    lock: Arc<RwLock<StateSlot<S>>>,
    signals: Arc<StateSignals>,
}

/// What a turn reports to when it ends: whether the state was discarded, and the bell that wakes
/// the host.
#[derive(Debug)]
pub(crate) struct StateSignals {
    pub(crate) bell: Arc<Bell>,
    /// Whether the state was discarded and no new one has been made yet.
    torn: AtomicBool,
}

impl StateSignals {
    pub(crate) fn new(bell: Arc<Bell>) -> Arc<Self> {
        Arc::new(Self { bell, torn: AtomicBool::new(false) })
    }

    /// Whether there is no state.
    #[inline]
    pub(crate) fn is_torn(&self) -> bool {
        self.torn.load(Ordering::Acquire)
    }

    /// Wakes the host after a turn, if the host waits for that.
    #[inline]
    fn released(&self, side: Side) {
        if side == Side::Caller {
            self.bell.released();
        }
    }
}

/// Who takes a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    /// A caller's thread, or a future that may end at any time. The end wakes the host, if it waits
    /// for that.
    Caller,
    /// The host, for a sync method. It looks for work again by itself.
    Host,
}

/// A turn on the stack of its thread, for sync methods.
pub(crate) type Reading<'a, S> = ReadTurn<RwLockReadGuard<'a, StateSlot<S>>, &'a StateSignals>;
/// See [`Reading`].
pub(crate) type Writing<'a, S> = WriteTurn<S, RwLockWriteGuard<'a, StateSlot<S>>, &'a StateSignals>;

/// A turn that a future owns across its awaits. Not `Send`, so it ends on the thread that took it.
pub(crate) type OwnedReading<S> = ReadTurn<ArcRwLockReadGuard<RawRwLock, StateSlot<S>>, Arc<StateSignals>>;
/// See [`OwnedReading`].
pub(crate) type OwnedWriting<S> = WriteTurn<S, ArcRwLockWriteGuard<RawRwLock, StateSlot<S>>, Arc<StateSignals>>;

impl<S> StateLock<S> {
    /// Creates the lock without a state.
    pub(crate) fn new(signals: Arc<StateSignals>) -> Self {
        signals.torn.store(true, Ordering::Release);
        Self { lock: Arc::new(RwLock::new(StateSlot::Empty)), signals }
    }

    /// Takes a turn to read, if the state is there and no writer holds it.
    #[inline]
    pub(crate) fn try_read(&self, side: Side) -> Option<Reading<'_, S>> {
        ReadTurn::new(self.lock.try_read()?, &*self.signals, side, None)
    }

    /// Takes a turn to write, if the state is there and free.
    #[inline]
    pub(crate) fn try_write(&self, side: Side) -> Option<Writing<'_, S>> {
        WriteTurn::new(self.lock.try_write()?, &*self.signals, side)
    }

    /// As [`try_read`](Self::try_read), for a future. `in_flight` is given back together with the
    /// turn.
    pub(crate) fn try_read_owned(&self, in_flight: InFlight) -> Option<OwnedReading<S>> {
        ReadTurn::new(self.lock.try_read_arc()?, Arc::clone(&self.signals), Side::Caller, Some(in_flight))
    }

    /// As [`try_write`](Self::try_write), for a future.
    pub(crate) fn try_write_owned(&self) -> Option<OwnedWriting<S>> {
        WriteTurn::new(self.lock.try_write_arc()?, Arc::clone(&self.signals), Side::Caller)
    }

    /// Puts a new state in place, where there must be none. Returns the state if the lock is taken.
    pub(crate) fn refill(&self, state: S) -> Result<(), S> {
        let Some(mut slot) = self.lock.try_write() else { return Err(state) };
        *slot = StateSlot::Live(state);
        self.signals.torn.store(false, Ordering::Release);
        Ok(())
    }

    /// Takes the state out permanently, if there is one. Pending if the lock is taken.
    pub(crate) fn take(&self) -> Poll<Option<S>> {
        let Some(mut slot) = self.lock.try_write() else { return Poll::Pending };
        Poll::Ready(match std::mem::replace(&mut *slot, StateSlot::Empty) {
            StateSlot::Live(state) => Some(state),
            StateSlot::Empty => None,
        })
    }

    /// Discards the state, so that the host makes a new one. Returns false if the lock is taken.
    pub(crate) fn discard(&self) -> bool {
        let Some(mut slot) = self.lock.try_write() else { return false };
        let state = std::mem::replace(&mut *slot, StateSlot::Empty);
        self.signals.torn.store(true, Ordering::Release);
        drop(slot);
        discard(state);
        true
    }

    /// Whether the lock is free.
    pub(crate) fn is_free(&self) -> bool {
        self.lock.try_write().is_some()
    }
}

impl<S> fmt::Debug for StateLock<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateLock").field("signals", &self.signals).finish_non_exhaustive()
    }
}

/// The right to read the state.
pub(crate) struct ReadTurn<G, D: Deref<Target = StateSignals>> {
    guard: Option<G>,
    in_flight: Option<InFlight>,
    side: Side,
    signals: D,
}

impl<S, G: Deref<Target = StateSlot<S>>, D: Deref<Target = StateSignals>> ReadTurn<G, D> {
    #[inline]
    fn new(guard: G, signals: D, side: Side, in_flight: Option<InFlight>) -> Option<Self> {
        let live = matches!(&*guard, StateSlot::Live(_));
        let turn = Self { guard: Some(guard), in_flight, side, signals };
        live.then_some(turn)
    }

    /// Returns the state.
    pub(crate) fn state(&self) -> &S {
        match self.guard.as_deref() {
            Some(StateSlot::Live(state)) => state,
            _ => unreachable!("a turn is made on a live state only, and holds its guard until it is dropped"),
        }
    }
}

impl<G, D: Deref<Target = StateSignals>> Drop for ReadTurn<G, D> {
    fn drop(&mut self) {
        self.guard = None;
        self.in_flight = None;
        self.signals.released(self.side);
    }
}

/// The right to change the state.
///
/// Dropping it discards the state, unless it was [completed](Self::complete): a panic, or a future
/// that was dropped at an await, may have left the state half-changed.
pub(crate) struct WriteTurn<S, G: DerefMut<Target = StateSlot<S>>, D: Deref<Target = StateSignals>> {
    guard: Option<G>,
    complete: bool,
    side: Side,
    signals: D,
}

impl<S, G: DerefMut<Target = StateSlot<S>>, D: Deref<Target = StateSignals>> WriteTurn<S, G, D> {
    #[inline]
    fn new(guard: G, signals: D, side: Side) -> Option<Self> {
        let live = matches!(&*guard, StateSlot::Live(_));
        let turn = Self { guard: Some(guard), complete: true, side, signals };
        live.then_some(turn)
    }

    /// Returns the state. From now on only [`complete`](Self::complete) keeps it.
    pub(crate) fn state(&mut self) -> &mut S {
        self.complete = false;
        match self.guard.as_deref_mut() {
            Some(StateSlot::Live(state)) => state,
            _ => unreachable!("a turn is made on a live state only, and holds its guard until it is dropped"),
        }
    }

    /// Says that the state is whole.
    pub(crate) fn complete(&mut self) {
        self.complete = true;
    }
}

impl<S, G: DerefMut<Target = StateSlot<S>>, D: Deref<Target = StateSignals>> Drop for WriteTurn<S, G, D> {
    fn drop(&mut self) {
        if !self.complete
            && let Some(slot) = self.guard.as_deref_mut()
        {
            let torn = std::mem::replace(slot, StateSlot::Empty);
            self.signals.torn.store(true, Ordering::Release);
            // The drop of the state may panic, and this may be an unwind already.
            discard(torn);
        }
        self.guard = None;
        self.signals.released(self.side);
        if !self.complete {
            self.signals.bell.nudge();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> StateLock<u32> {
        let lock = StateLock::new(StateSignals::new(Arc::new(Bell::new(1))));
        assert!(lock.try_read(Side::Caller).is_none() && lock.try_write(Side::Caller).is_none(), "empty at first");
        lock.refill(7).unwrap();
        lock
    }

    #[test]
    fn readers_share_and_a_writer_is_alone() {
        let lock = lock();
        let (a, b) = (lock.try_read(Side::Caller).unwrap(), lock.try_read(Side::Caller).unwrap());
        assert_eq!((*a.state(), *b.state()), (7, 7));
        assert!(lock.try_write(Side::Caller).is_none());
        drop((a, b));
        let mut writer = lock.try_write(Side::Caller).unwrap();
        *writer.state() = 8;
        writer.complete();
        assert!(lock.try_read(Side::Caller).is_none() && lock.try_write(Side::Caller).is_none());
        drop(writer);
        assert_eq!(*lock.try_read(Side::Caller).unwrap().state(), 8);
    }

    #[test]
    fn a_write_turn_that_was_not_completed_discards_the_state_before_anyone_sees_it() {
        let lock = lock();
        let mut writer = lock.try_write(Side::Caller).unwrap();
        *writer.state() = 8;
        drop(writer);
        assert!(lock.signals.is_torn());
        assert!(lock.try_read(Side::Caller).is_none() && lock.try_write(Side::Caller).is_none());
        lock.refill(9).unwrap();
        assert_eq!(*lock.try_read(Side::Caller).unwrap().state(), 9);
    }

    #[test]
    fn a_write_turn_that_never_touched_the_state_keeps_it() {
        let lock = lock();
        drop(lock.try_write(Side::Caller).unwrap());
        assert_eq!(*lock.try_read(Side::Caller).unwrap().state(), 7);
    }

    #[test]
    fn the_end_of_a_turn_rings_only_if_the_host_waits_for_it() {
        let lock = lock();
        lock.signals.bell.arm();
        drop(lock.try_read(Side::Caller));
        assert!(lock.signals.bell.arm(), "the host does not wait: no ring");
        let turn = lock.try_read(Side::Caller);
        lock.signals.bell.want();
        drop(turn);
        assert!(!lock.signals.bell.arm(), "it rang");
        lock.signals.bell.take(|_| {});
        lock.signals.bell.want();
        drop(lock.try_read(Side::Host));
        assert!(lock.signals.bell.arm(), "the host does not ring for itself");
    }
}

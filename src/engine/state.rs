//! The state of a service behind its lock, and the turns that hold it.
//!
//! The rules are Rust's own, lifted to calls: a [`ReadTurn`] shares the state, a [`WriteTurn`] is alone with it. Locks are only
//! ever tried: the host must not block, and a guard may be held across awaits.

use std::fmt;
use std::ops::{Deref, DerefMut};

use parking_lot::{ArcRwLockReadGuard, ArcRwLockWriteGuard, RawRwLock, RwLock, RwLockReadGuard, RwLockWriteGuard};

use crate::log::discard;
use crate::mailbox::Bell;
use crate::sync::{Arc, AtomicBool, Ordering};

use super::run::in_flight::InFlight;

/// What is behind the lock.
#[derive(Debug)]
pub(crate) enum Slot<S> {
    Live(S),
    /// Not made yet, or thrown away after a panic. Only the host refills it.
    Empty,
}

/// The lock on a service's state.
pub(crate) struct StateLock<S> {
    lock: Arc<RwLock<Slot<S>>>,
    desk: Arc<Desk>,
}

/// What a turn needs when it ends.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) bell: Arc<Bell>,
    /// The state was thrown away and not made anew yet.
    torn: AtomicBool,
}

impl Desk {
    pub(crate) fn new(bell: Arc<Bell>) -> Arc<Self> {
        Arc::new(Self { bell, torn: AtomicBool::new(false) })
    }

    #[inline]
    pub(crate) fn is_torn(&self) -> bool {
        self.torn.load(Ordering::Acquire)
    }

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
    /// A caller's thread, or a future that may end at any time: the host is told of the end, if it waits for it.
    Caller,
    /// The host, for a sync method: it looks again by itself.
    ServiceActor,
}

/// A turn on the thread's own stack, for sync methods.
pub(crate) type Reading<'a, S> = ReadTurn<RwLockReadGuard<'a, Slot<S>>, &'a Desk>;
pub(crate) type Writing<'a, S> = WriteTurn<S, RwLockWriteGuard<'a, Slot<S>>, &'a Desk>;

/// A turn that a future owns across its awaits. Not `Send`: it ends on the thread that took it.
pub(crate) type OwnedReading<S> = ReadTurn<ArcRwLockReadGuard<RawRwLock, Slot<S>>, Arc<Desk>>;
pub(crate) type OwnedWriting<S> = WriteTurn<S, ArcRwLockWriteGuard<RawRwLock, Slot<S>>, Arc<Desk>>;

impl<S> StateLock<S> {
    /// An empty slot.
    pub(crate) fn new(desk: Arc<Desk>) -> Self {
        desk.torn.store(true, Ordering::Release);
        Self { lock: Arc::new(RwLock::new(Slot::Empty)), desk }
    }

    #[inline]
    pub(crate) fn try_read(&self, side: Side) -> Option<Reading<'_, S>> {
        ReadTurn::new(self.lock.try_read()?, &*self.desk, side, None)
    }

    #[inline]
    pub(crate) fn try_write(&self, side: Side) -> Option<Writing<'_, S>> {
        WriteTurn::new(self.lock.try_write()?, &*self.desk, side)
    }

    /// `in_flight` is given back together with the turn.
    pub(crate) fn try_read_owned(&self, in_flight: InFlight) -> Option<OwnedReading<S>> {
        ReadTurn::new(self.lock.try_read_arc()?, Arc::clone(&self.desk), Side::Caller, Some(in_flight))
    }

    pub(crate) fn try_write_owned(&self) -> Option<OwnedWriting<S>> {
        WriteTurn::new(self.lock.try_write_arc()?, Arc::clone(&self.desk), Side::Caller)
    }

    /// Puts a new state in. The slot must be empty; false if somebody still holds the lock.
    pub(crate) fn refill(&self, state: S) -> Result<(), S> {
        let Some(mut slot) = self.lock.try_write() else { return Err(state) };
        *slot = Slot::Live(state);
        self.desk.torn.store(false, Ordering::Release);
        Ok(())
    }

    /// Takes the state out, for good. `None` if there is none, or if somebody holds the lock.
    pub(crate) fn take(&self) -> Option<S> {
        let mut slot = self.lock.try_write()?;
        match std::mem::replace(&mut *slot, Slot::Empty) {
            Slot::Live(state) => Some(state),
            Slot::Empty => None,
        }
    }

    /// Whether nobody holds the lock.
    pub(crate) fn is_free(&self) -> bool {
        self.lock.try_write().is_some()
    }
}

impl<S> fmt::Debug for StateLock<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StateLock").field("desk", &self.desk).finish_non_exhaustive()
    }
}

/// The right to read the state.
pub(crate) struct ReadTurn<G, D: Deref<Target = Desk>> {
    guard: Option<G>,
    in_flight: Option<InFlight>,
    side: Side,
    desk: D,
}

impl<S, G: Deref<Target = Slot<S>>, D: Deref<Target = Desk>> ReadTurn<G, D> {
    #[inline]
    fn new(guard: G, desk: D, side: Side, in_flight: Option<InFlight>) -> Option<Self> {
        let live = matches!(&*guard, Slot::Live(_));
        let turn = Self { guard: Some(guard), in_flight, side, desk };
        live.then_some(turn)
    }

    /// The state.
    pub(crate) fn state(&self) -> &S {
        match self.guard.as_deref() {
            Some(Slot::Live(state)) => state,
            _ => unreachable!("a turn is made on a live state only, and holds its guard until it is dropped"),
        }
    }
}

impl<G, D: Deref<Target = Desk>> Drop for ReadTurn<G, D> {
    fn drop(&mut self) {
        self.guard = None;
        self.in_flight = None;
        self.desk.released(self.side);
    }
}

/// The right to change the state. Unless it was [completed](Self::complete), its drop throws the state away: a panic, or a
/// future dropped half-way, may have left it torn.
pub(crate) struct WriteTurn<S, G: DerefMut<Target = Slot<S>>, D: Deref<Target = Desk>> {
    guard: Option<G>,
    complete: bool,
    side: Side,
    desk: D,
}

impl<S, G: DerefMut<Target = Slot<S>>, D: Deref<Target = Desk>> WriteTurn<S, G, D> {
    #[inline]
    fn new(guard: G, desk: D, side: Side) -> Option<Self> {
        let live = matches!(&*guard, Slot::Live(_));
        let turn = Self { guard: Some(guard), complete: true, side, desk };
        live.then_some(turn)
    }

    /// The state; from now on the turn must be completed to keep it.
    pub(crate) fn state(&mut self) -> &mut S {
        self.complete = false;
        match self.guard.as_deref_mut() {
            Some(Slot::Live(state)) => state,
            _ => unreachable!("a turn is made on a live state only, and holds its guard until it is dropped"),
        }
    }

    /// The state is whole.
    pub(crate) fn complete(&mut self) {
        self.complete = true;
    }
}

impl<S, G: DerefMut<Target = Slot<S>>, D: Deref<Target = Desk>> Drop for WriteTurn<S, G, D> {
    fn drop(&mut self) {
        if !self.complete
            && let Some(slot) = self.guard.as_deref_mut()
        {
            let torn = std::mem::replace(slot, Slot::Empty);
            self.desk.torn.store(true, Ordering::Release);
            // The state's own drop may panic, too, and this may be an unwind already.
            discard(torn);
        }
        self.guard = None;
        self.desk.released(self.side);
        if !self.complete {
            self.desk.bell.nudge();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lock() -> StateLock<u32> {
        let lock = StateLock::new(Desk::new(Arc::new(Bell::new(1))));
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
    fn a_write_turn_that_was_not_completed_throws_the_state_away_before_anyone_sees_it() {
        let lock = lock();
        let mut writer = lock.try_write(Side::Caller).unwrap();
        *writer.state() = 8;
        drop(writer);
        assert!(lock.desk.is_torn());
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
    fn the_end_of_a_turn_rings_only_if_the_host_wants_in() {
        let lock = lock();
        lock.desk.bell.arm();
        drop(lock.try_read(Side::Caller));
        assert!(lock.desk.bell.arm(), "nobody wants in: no ring");
        let turn = lock.try_read(Side::Caller);
        lock.desk.bell.want();
        drop(turn);
        assert!(!lock.desk.bell.arm(), "it rang");
        lock.desk.bell.take(|_| {});
        lock.desk.bell.want();
        drop(lock.try_read(Side::ServiceActor));
        assert!(lock.desk.bell.arm(), "the host does not ring for itself");
    }
}

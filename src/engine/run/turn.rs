//! The turn of a method that ends without an await: the state as the method needs it, for one run or several.

use crate::engine::state::{Reading, Side, StateLock, Writing};
use crate::log::caught;
use crate::mailbox::Entry;
use crate::measure::End;
use crate::service::{CallContext, Compute, Handler, Method, OnPanic, Reply};

use super::outcome;

/// The state while a method runs.
pub(crate) enum Turn<'a, M: Method> {
    Read(for<'c> fn(&'c M::Service, M, &'c CallContext) -> Reply<M>, Reading<'a, M::Service>),
    Write(for<'c> fn(&'c mut M::Service, M, &'c CallContext) -> Reply<M>, Writing<'a, M::Service>),
    /// None, for a method that has none.
    Stateless(Compute<M>),
}

impl<'a, M: Method> Turn<'a, M> {
    /// Takes the state, if it is free. Never for a method that awaits, or has no state.
    #[inline]
    pub(crate) fn take(state: &'a StateLock<M::Service>, side: Side) -> Option<Self> {
        match M::HANDLER {
            Handler::Read(method) => state.try_read(side).map(|state| Self::Read(method, state)),
            Handler::Write(method) => state.try_write(side).map(|state| Self::Write(method, state)),
            Handler::ReadAsync(_) | Handler::WriteAsync(_) | Handler::Compute(_) => None,
        }
    }

    /// Runs the method, and catches its panic. After a panic that tears the state, the turn is good for no further run.
    #[inline]
    pub(crate) fn run(&mut self, entry: &Entry, call: &CallContext, message: M) -> (Reply<M>, End) {
        let caught = caught(|| match self {
            Self::Read(method, state) => method(state.state(), message, call),
            Self::Write(method, state) => method(state.state(), message, call),
            Self::Stateless(method) => method(message, call),
        });
        let (reply, end) = outcome::<M>(entry, caught);
        if let Self::Write(_, state) = self
            && keeps_state(entry, end)
        {
            state.complete();
        }
        (reply, end)
    }
}

/// Whether the state is whole after a `&mut self` call that ended like this.
pub(crate) fn keeps_state(entry: &Entry, end: End) -> bool {
    end != End::Panicked || entry.options.on_panic == OnPanic::Keep
}

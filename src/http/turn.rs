//! What the stream of a connection and the requests on it tell each other. Both live on one thread.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::pulse::Pulse;

/// Where the current request of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// None has been passed on since the last answer.
    Between,
    /// Its head was passed on to actix, which has not handed it on to us.
    Passed,
    /// It is being answered.
    Served,
}

/// The state of one connection that outlives a request. In the connection's own data, for
/// [`track`](super::track::track).
#[derive(Debug)]
pub(super) struct Turn {
    pub(super) pulse: Arc<Pulse>,
    stage: Cell<Stage>,
    /// The request was passed on with all of its body.
    complete: Cell<bool>,
    /// There may be more to read once the current request is over, of which the system will not
    /// tell again.
    more: Cell<bool>,
    /// The framing of the request's body is more than it may be.
    excessive: Cell<bool>,
    /// Whoever answers the request has left the thread to actix, and waits to be polled again.
    awaits_poll: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Turn {
    pub(super) fn new(pulse: Arc<Pulse>) -> Self {
        Self {
            pulse,
            stage: Cell::new(Stage::Between),
            complete: Cell::new(false),
            more: Cell::new(false),
            excessive: Cell::new(false),
            awaits_poll: Cell::new(false),
            waker: RefCell::default(),
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage.get()
    }

    /// A head was passed on.
    pub(super) fn passed(&self) {
        self.stage.set(Stage::Passed);
        self.complete.set(false);
    }

    /// The last byte of a request was passed on.
    pub(super) fn completed(&self) {
        self.complete.set(true);
        // actix reads the rest of a body that nobody wanted after the answer.
        if self.stage.get() == Stage::Between {
            self.pulse.idle();
        }
    }

    /// Whether the request was passed on with all of its body, so that nothing more is expected of the client.
    pub(super) fn is_complete(&self) -> bool {
        self.complete.get()
    }

    /// A request came, and is ours to answer.
    pub(super) fn begin(&self) {
        self.stage.set(Stage::Served);
        self.pulse.our_turn();
    }

    /// The request has been answered.
    pub(super) fn end(&self) {
        self.stage.set(Stage::Between);
        if self.complete.get() && !self.more.get() {
            self.pulse.idle();
        } else {
            self.pulse.clients_turn();
            self.read_on();
        }
    }

    /// The request's body is awaited.
    pub(super) fn body_awaited(&self) {
        // Somebody may still hold the body of a request that has been answered.
        if self.stage.get() == Stage::Served {
            self.pulse.clients_turn_if_ours();
        }
    }

    /// The request's body is not awaited any more.
    pub(super) fn body_came(&self) {
        if self.stage.get() == Stage::Served {
            self.pulse.our_turn();
        }
    }

    /// Waits until actix has taken the body of a [complete](Self::is_complete) request out of what it
    /// has read.
    ///
    /// actix does so, and polls the answer again, in the same poll of the connection in which it has
    /// handed the request on. So nobody is asked to wake the connection's task, as awaiting the
    /// payload would: that poll would find nothing to do, and takes a seventh of the instructions of
    /// a short call. If the answer is not polled again all the same,
    /// [`poll_missed`](Self::poll_missed) tells.
    pub(super) async fn body_taken(&self) {
        let mut left = false;
        poll_fn(|_| {
            self.awaits_poll.set(!left);
            if std::mem::replace(&mut left, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Returns whether the answer waits to be polled again, and has not been. Ask at the end of each
    /// poll of the connection; it is told once.
    pub(super) fn poll_missed(&self) -> bool {
        self.awaits_poll.replace(false)
    }

    pub(super) fn set_more(&self, more: bool) {
        self.more.set(more);
    }

    /// Has the connection's task read what it left, if it did.
    pub(super) fn read_on(&self) {
        if self.more.get()
            && let Some(waker) = &*self.waker.borrow()
        {
            waker.wake_by_ref();
        }
    }

    pub(super) fn set_excessive(&self) {
        self.excessive.set(true);
    }

    pub(super) fn is_excessive(&self) -> bool {
        self.excessive.get()
    }

    /// Remembers the connection's task, for [`read_on`](Self::read_on) and for the watch.
    pub(super) fn wake_with(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.pulse.wake_with(waker);
            *known = Some(waker.clone());
        }
    }
}

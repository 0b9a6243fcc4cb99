//! What the stream of a connection and the requests on it tell each other. Both live on one thread.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::activity::ConnectionActivity;

/// Where the current request of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestPhase {
    /// None has been passed on since the last answer.
    BetweenRequests,
    /// Its head was passed on to actix, which has not handed it on to us.
    Forwarded,
    /// It is being answered.
    InHandler,
}

/// The state of one connection that outlives a request. In the connection's own data, for
/// [`track`](super::request_tracking::track_request).
#[derive(Debug)]
pub(super) struct ConnectionState {
    pub(super) activity: Arc<ConnectionActivity>,
    phase: Cell<RequestPhase>,
    /// The request was passed on with all of its body.
    fully_forwarded: Cell<bool>,
    /// There may be more to read once the current request is over, of which the system will not
    /// tell again.
    has_unread: Cell<bool>,
    /// The framing of the request's body is more than it may be.
    framing_excessive: Cell<bool>,
    /// Whoever answers the request has left the thread to actix, and waits to be polled again.
    awaits_poll: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl ConnectionState {
    pub(super) fn new(activity: Arc<ConnectionActivity>) -> Self {
        Self {
            activity,
            phase: Cell::new(RequestPhase::BetweenRequests),
            fully_forwarded: Cell::new(false),
            has_unread: Cell::new(false),
            framing_excessive: Cell::new(false),
            awaits_poll: Cell::new(false),
            waker: RefCell::default(),
        }
    }

    pub(super) fn phase(&self) -> RequestPhase {
        self.phase.get()
    }

    /// A head was passed on.
    pub(super) fn head_forwarded(&self) {
        self.phase.set(RequestPhase::Forwarded);
        self.fully_forwarded.set(false);
    }

    /// The last byte of a request was passed on.
    pub(super) fn request_forwarded(&self) {
        self.fully_forwarded.set(true);
        // actix reads the rest of a body that nobody wanted after the answer.
        if self.phase.get() == RequestPhase::BetweenRequests {
            self.activity.set_idle();
        }
    }

    /// Whether the request was passed on with all of its body, so that nothing more is expected of the client.
    pub(super) fn is_fully_forwarded(&self) -> bool {
        self.fully_forwarded.get()
    }

    /// A request came, and is ours to answer.
    pub(super) fn response_started(&self) {
        self.phase.set(RequestPhase::InHandler);
        self.activity.set_busy();
    }

    /// The request has been answered.
    pub(super) fn response_ended(&self) {
        self.phase.set(RequestPhase::BetweenRequests);
        if self.fully_forwarded.get() && !self.has_unread.get() {
            self.activity.set_idle();
        } else {
            self.activity.set_waiting();
            self.resume_reading();
        }
    }

    /// The request's body is awaited.
    pub(super) fn body_pending(&self) {
        // Somebody may still hold the body of a request that has been answered.
        if self.phase.get() == RequestPhase::InHandler {
            self.activity.set_waiting_if_busy();
        }
    }

    /// The request's body is not awaited any has_unread.
    pub(super) fn body_ready(&self) {
        if self.phase.get() == RequestPhase::InHandler {
            self.activity.set_busy();
        }
    }

    /// Waits until actix has taken the body of a [fully_forwarded](Self::is_fully_forwarded) request out of what it
    /// has read.
    ///
    /// actix does so, and polls the answer again, in the same poll of the connection in which it has
    /// handed the request on. So nobody is asked to wake the connection's task, as awaiting the
    /// payload would: that poll would find nothing to do, and takes a seventh of the instructions of
    /// a short call. If the answer is not polled again all the same,
    /// [`take_missed_poll`](Self::take_missed_poll) tells.
    pub(super) async fn body_decoded(&self) {
        let mut left = false;
        poll_fn(|_| {
            self.awaits_poll.set(!left);
            if std::mem::replace(&mut left, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Returns whether the answer waits to be polled again, and has not been. Ask at the end of each
    /// poll of the connection; it is told once.
    pub(super) fn take_missed_poll(&self) -> bool {
        self.awaits_poll.replace(false)
    }

    pub(super) fn set_more(&self, has_unread: bool) {
        self.has_unread.set(has_unread);
    }

    /// Has the connection's task read what it left, if it did.
    pub(super) fn resume_reading(&self) {
        if self.has_unread.get()
            && let Some(waker) = &*self.waker.borrow()
        {
            waker.wake_by_ref();
        }
    }

    pub(super) fn set_excessive_framing(&self) {
        self.framing_excessive.set(true);
    }

    pub(super) fn has_excessive_framing(&self) -> bool {
        self.framing_excessive.get()
    }

    /// Remembers the connection's task, for [`resume_reading`](Self::resume_reading) and for the watch.
    pub(super) fn register_waker(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.activity.register_waker(waker);
            *known = Some(waker.clone());
        }
    }
}

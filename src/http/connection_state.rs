//! What the stream of a connection and the requests on it share. Both live on one thread.

use std::cell::{Cell, RefCell};
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use super::activity::ConnectionActivity;

/// How far the current request of a connection has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RequestPhase {
    /// No request has been forwarded to actix since the last response.
    BetweenRequests,
    /// The request's head was forwarded to actix, which has not called our middleware yet.
    Forwarded,
    /// Our middleware has the request, and it is being answered.
    InHandler,
}

/// The state of one connection that outlives a request. It is in the connection's own data, for
/// [`track_request`](super::request_tracking::track_request).
#[derive(Debug)]
pub(super) struct ConnectionState {
    pub(super) activity: Arc<ConnectionActivity>,
    phase: Cell<RequestPhase>,
    /// Whether the request was forwarded with all of its body.
    fully_forwarded: Cell<bool>,
    /// Whether there may be more to read once the current request is over. The system reported
    /// these bytes already and does not wake the connection for them again.
    has_unread: Cell<bool>,
    /// Whether the chunked framing of the request's body exceeds its limit.
    framing_excessive: Cell<bool>,
    /// Whether the client has said that it sends nothing more, in a protocol above TCP.
    peer_has_ended: Cell<bool>,
    /// Whether the handler has yielded to actix and waits for its next poll.
    awaits_poll: Cell<bool>,
    /// Whether the connection carries another protocol since its handshake.
    is_upgraded: Cell<bool>,
    /// Whether such a connection has forwarded something that its handler has not looked at.
    has_unseen: Cell<bool>,
    /// Number of times that something was written or flushed.
    writes: Cell<u64>,
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
            peer_has_ended: Cell::new(false),
            awaits_poll: Cell::new(false),
            is_upgraded: Cell::new(false),
            has_unseen: Cell::new(false),
            writes: Cell::new(0),
            waker: RefCell::default(),
        }
    }

    pub(super) fn phase(&self) -> RequestPhase {
        self.phase.get()
    }

    /// Records that a head was forwarded to actix.
    pub(super) fn head_forwarded(&self) {
        self.phase.set(RequestPhase::Forwarded);
        self.fully_forwarded.set(false);
    }

    /// Records that the last byte of a request was forwarded to actix.
    pub(super) fn request_forwarded(&self) {
        self.fully_forwarded.set(true);
        // actix reads the rest of a body that no handler wanted after the response.
        if self.phase.get() == RequestPhase::BetweenRequests {
            self.activity.set_idle();
        }
    }

    /// Whether the request was forwarded with all of its body, so that nothing more is expected of
    /// the client.
    pub(super) fn is_fully_forwarded(&self) -> bool {
        self.fully_forwarded.get()
    }

    /// Records that our middleware has received the request.
    pub(super) fn response_started(&self) {
        self.phase.set(RequestPhase::InHandler);
        self.activity.set_busy();
    }

    /// Records that the response to the request goes on.
    pub(super) fn response_streams(&self) {
        self.activity.set_streams(true);
    }

    /// Records that the request has been answered.
    pub(super) fn response_ended(&self) {
        self.activity.set_streams(false);
        self.phase.set(RequestPhase::BetweenRequests);
        if self.fully_forwarded.get() && !self.has_unread.get() {
            self.activity.set_idle();
        } else {
            self.activity.set_waiting();
            self.resume_reading();
        }
    }

    /// Records that the handler waits for the request's body.
    pub(super) fn body_pending(&self) {
        // A handler may still hold the body of a request that has been answered.
        if self.phase.get() == RequestPhase::InHandler {
            self.activity.set_waiting_if_busy();
        }
    }

    /// Records that the handler no longer waits for the request's body.
    pub(super) fn body_ready(&self) {
        if self.phase.get() == RequestPhase::InHandler {
            self.activity.set_busy();
        }
    }

    /// Waits until actix has decoded the body of a
    /// [fully forwarded](Self::is_fully_forwarded) request from its read buffer.
    ///
    /// actix decodes it, and polls the response future again, in the same poll of the connection in
    /// which it has called the service. So this future wakes nobody, which awaiting the payload
    /// would do: that extra poll would find nothing to do, and costs a seventh of the instructions
    /// of a short call. If the response future is not polled again after all,
    /// [`take_missed_poll`](Self::take_missed_poll) reports it.
    pub(super) async fn body_decoded(&self) {
        let mut yielded = false;
        poll_fn(|_| {
            self.awaits_poll.set(!yielded);
            if std::mem::replace(&mut yielded, true) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Returns whether the response future waits for a poll that it has not got, and resets the
    /// flag. Call this at the end of each poll of the connection.
    pub(super) fn take_missed_poll(&self) -> bool {
        self.awaits_poll.replace(false)
    }

    /// Records that the connection carries another protocol from now on. Its handler looks for what
    /// has arrived whenever actix polls the response, which it does after it has read. So the
    /// handler need not be woken for it, as by an await of the payload: that would be one more poll
    /// of the whole connection for each message.
    pub(super) fn upgraded(&self) {
        self.is_upgraded.set(true);
    }

    /// Records that something was forwarded to actix.
    pub(super) fn forwarded(&self) {
        self.has_unseen.set(self.is_upgraded.get());
    }

    /// Records that the handler looks at what has arrived.
    pub(super) fn seen(&self) {
        self.has_unseen.set(false);
    }

    /// Returns whether the handler has not looked at what has arrived, and resets the flag. Call
    /// this at the end of each poll of the connection.
    pub(super) fn take_unseen(&self) -> bool {
        self.has_unseen.replace(false)
    }

    /// Counts a write or a flush. actix ends each poll of the connection with one.
    pub(super) fn count_write(&self) {
        self.writes.set(self.writes.get() + 1);
    }

    /// Returns the number of writes and flushes. While it stays the same, it is the same poll of
    /// the connection.
    pub(super) fn writes(&self) -> u64 {
        self.writes.get()
    }

    pub(super) fn set_unread(&self, has_unread: bool) {
        self.has_unread.set(has_unread);
    }

    /// Wakes the connection's task to read what it left unread, if there is anything.
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

    /// Records that the client sends nothing more, and waits for the end of the connection.
    pub(super) fn set_peer_ended(&self) {
        self.peer_has_ended.set(true);
    }

    /// Whether the connection has nothing left to do: the client sends nothing more, and its last
    /// response has ended.
    pub(super) fn is_over(&self) -> bool {
        self.peer_has_ended.get() && self.phase.get() == RequestPhase::BetweenRequests
    }

    /// Stores the waker of the connection's task, for [`resume_reading`](Self::resume_reading) and
    /// for the watch.
    pub(super) fn register_waker(&self, waker: &Waker) {
        let mut known = self.waker.borrow_mut();
        if !known.as_ref().is_some_and(|known| known.will_wake(waker)) {
            self.activity.register_waker(waker);
            *known = Some(waker.clone());
        }
    }
}

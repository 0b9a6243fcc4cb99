//! The calls of one connection that have not ended, and how their caller cancels them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use crate::jsonrpc::Id;
use crate::measure::Cancelling;

/// The calls that have not ended, by the order in which they began.
#[derive(Debug, Default)]
pub(crate) struct InFlight {
    calls: RefCell<HashMap<u64, RunningCall>>,
    next: Cell<u64>,
}

#[derive(Debug)]
struct RunningCall {
    /// Its id, as its caller wrote it.
    id: Box<str>,
    cancel: Rc<Cancel>,
}

#[derive(Debug, Default)]
struct Cancel {
    is_asked: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl InFlight {
    /// Returns the output of `work`, or `None` if the caller cancels the call first. Then the work
    /// is dropped, and the call in it counts as cancelled. It may have been registered before.
    pub(crate) async fn unless_cancelled<T>(
        &self,
        id: Id<'_>,
        registered: Option<CancellableCall<'_>>,
        work: impl Future<Output = T>,
    ) -> Option<T> {
        let mut work = pin!(Some(work));
        let mut call = registered;
        let output = poll_fn(|cx| {
            if let Some(work) = work.as_mut().as_pin_mut()
                && let Poll::Ready(output) = work.poll(cx)
            {
                return Poll::Ready(Some(output));
            }
            // What ends at once needs no place in the table.
            call.get_or_insert_with(|| self.register(id)).poll_cancelled(cx).map(|()| None)
        })
        .await;
        if output.is_none() {
            let _cancelling = Cancelling::begin();
            work.set(None);
        }
        output
    }

    /// Registers a call that waits for its start.
    pub(crate) fn register(&self, id: Id<'_>) -> CancellableCall<'_> {
        let (number, cancel) = (self.next.get(), Rc::new(Cancel::default()));
        self.next.set(number + 1);
        self.calls.borrow_mut().insert(number, RunningCall { id: id.as_json().into(), cancel: Rc::clone(&cancel) });
        CancellableCall { of: self, number, cancel }
    }

    /// Whether there is a call whose id was written like this.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.calls.borrow().values().any(|call| &*call.id == id)
    }

    /// Cancels every call whose id was written like this.
    pub(crate) fn cancel(&self, id: &str) {
        for call in self.calls.borrow().values().filter(|call| &*call.id == id) {
            call.cancel.is_asked.set(true);
            if let Some(waker) = call.cancel.waker.take() {
                waker.wake();
            }
        }
    }
}

/// A call that can be cancelled, until this is dropped.
pub(crate) struct CancellableCall<'a> {
    of: &'a InFlight,
    number: u64,
    cancel: Rc<Cancel>,
}

impl CancellableCall<'_> {
    /// Whether its caller has cancelled the call.
    pub(crate) fn is_cancelled(&self) -> bool {
        self.cancel.is_asked.get()
    }

    /// Waits until its caller cancels the call.
    pub(crate) async fn cancelled(&self) {
        poll_fn(|cx| self.poll_cancelled(cx)).await;
    }

    fn poll_cancelled(&self, cx: &Context<'_>) -> Poll<()> {
        if self.is_cancelled() {
            return Poll::Ready(());
        }
        self.cancel.waker.replace(Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl Drop for CancellableCall<'_> {
    fn drop(&mut self) {
        self.of.calls.borrow_mut().remove(&self.number);
    }
}

//! The calls of one connection that have not ended, and how their caller cancels them.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, Waker};

use crate::jsonrpc::Id;

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
    /// Returns the output of `work`, or `None` if the caller cancels the call first.
    pub(crate) async fn unless_cancelled<T>(&self, id: Id<'_>, work: impl Future<Output = T>) -> Option<T> {
        let cancel = Rc::new(Cancel::default());
        let _registered = self.register(id, Rc::clone(&cancel));
        let mut work = pin!(work);
        poll_fn(|cx| {
            if let Poll::Ready(output) = work.as_mut().poll(cx) {
                return Poll::Ready(Some(output));
            }
            if cancel.is_asked.get() {
                return Poll::Ready(None);
            }
            cancel.waker.replace(Some(cx.waker().clone()));
            Poll::Pending
        })
        .await
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

    fn register(&self, id: Id<'_>, cancel: Rc<Cancel>) -> Registered<'_> {
        let number = self.next.get();
        self.next.set(number + 1);
        self.calls.borrow_mut().insert(number, RunningCall { id: id.as_json().into(), cancel });
        Registered { of: self, number }
    }
}

/// A call that can be cancelled, until this is dropped.
struct Registered<'a> {
    of: &'a InFlight,
    number: u64,
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        self.of.calls.borrow_mut().remove(&self.number);
    }
}

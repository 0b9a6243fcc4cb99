//! The calls that have not ended and the subscriptions that are open, by the subjects of their
//! replies.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use tokio::sync::watch;

use crate::measure::Cancelling;

/// What others may ask of a call.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct CallWish {
    pub(super) is_cancelled: bool,
    /// Number of renewals so far.
    pub(super) renewals: u64,
}

/// The calls that have not ended.
#[derive(Default)]
pub(super) struct OpenCalls {
    /// Each with its number.
    calls: RefCell<HashMap<String, (u64, watch::Sender<CallWish>)>>,
    next: Cell<u64>,
}

/// One of them, until this is dropped.
pub(super) struct OpenCall {
    of: Rc<OpenCalls>,
    subject: String,
    number: u64,
    pub(super) wish: watch::Receiver<CallWish>,
}

impl OpenCalls {
    /// Returns the output of `work`, or `None` if its caller cancels the call first. Then the work
    /// is dropped, and the call in it counts as cancelled.
    pub(super) async fn unless_cancelled<T>(self: &Rc<Self>, reply: &str, work: impl Future<Output = T>) -> Option<T> {
        let mut work = Box::pin(work);
        // What ends at once needs no place in the table.
        if let std::task::Poll::Ready(output) = futures::poll!(&mut work) {
            return Some(output);
        }
        let mut call = self.open(reply);
        tokio::select! {
            biased;
            output = &mut work => return Some(output),
            () = call.cancelled() => {}
        }
        let _cancelling = Cancelling::begin();
        drop(work);
        None
    }

    /// Registers a call. A second one with the same subject takes its place.
    pub(super) fn open(self: &Rc<Self>, subject: &str) -> OpenCall {
        let (sender, wish) = watch::channel(CallWish::default());
        let number = self.next.get();
        self.next.set(number + 1);
        self.calls.borrow_mut().insert(subject.to_owned(), (number, sender));
        OpenCall { of: Rc::clone(self), subject: subject.to_owned(), number, wish }
    }

    /// Cancels a call. Returns whether there is one.
    pub(super) fn cancel(&self, subject: &str) -> bool {
        self.wish(subject, |wish| wish.is_cancelled = true)
    }

    /// Keeps a subscription for another while. Returns whether there is one.
    pub(super) fn renew(&self, subject: &str) -> bool {
        self.wish(subject, |wish| wish.renewals += 1)
    }

    fn wish(&self, subject: &str, change: impl FnOnce(&mut CallWish)) -> bool {
        let calls = self.calls.borrow();
        let call = calls.get(subject);
        if let Some((_, call)) = call {
            call.send_modify(change);
        }
        call.is_some()
    }
}

impl OpenCall {
    /// Waits until the caller cancels the call.
    async fn cancelled(&mut self) {
        // An error means that another call has taken its place, whose cancelling is not meant.
        if self.wish.wait_for(|wish| wish.is_cancelled).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

impl Drop for OpenCall {
    fn drop(&mut self) {
        let mut calls = self.of.calls.borrow_mut();
        if calls.get(&self.subject).is_some_and(|(number, _)| *number == self.number) {
            calls.remove(&self.subject);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use super::*;

    #[tokio::test]
    async fn a_call_is_cancelled_by_the_subject_of_its_reply() {
        let (calls, reply) = (Rc::new(OpenCalls::default()), "_INBOX.a.1");
        assert_eq!(calls.unless_cancelled(reply, ready(7)).await, Some(7));
        let (cancelled, ()) = tokio::join!(calls.unless_cancelled(reply, pending::<u64>()), async {
            assert!(!calls.cancel("_INBOX.a.2") && calls.cancel("_INBOX.a.1"));
        });
        assert_eq!(cancelled, None);
        assert!(!calls.cancel("_INBOX.a.1"), "it has ended");
    }

    #[test]
    fn a_call_that_takes_the_place_of_another_keeps_it() {
        let calls = Rc::new(OpenCalls::default());
        let first = calls.open("a");
        let second = calls.open("a");
        drop(first);
        assert!(calls.renew("a"));
        assert_eq!((second.wish.borrow().renewals, second.wish.borrow().is_cancelled), (1, false));
        drop(second);
        assert!(!calls.renew("a"));
    }
}

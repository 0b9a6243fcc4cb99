//! The chain of calls that led to a call, so that a circle of services that wait is refused instead of waiting for itself.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::Instant;

/// What tells one running service from another, also of the same type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct ServiceId(u64);

impl ServiceId {
    pub(crate) fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// One call that a method has made: by which service, and which calls led to that.
#[derive(Debug)]
pub(crate) struct Link {
    service: ServiceId,
    name: &'static str,
    before: Option<Arc<Link>>,
    /// Whether the method waits for the answer. Only what waits can close a circle.
    waits: AtomicBool,
}

/// `a → b → c`, the first service first.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(before) = waiting(self.before.as_ref()) {
            write!(f, "{before} → ")?;
        }
        f.write_str(self.name)
    }
}

/// The link, if somebody waits for the answer of its call.
fn waiting(link: Option<&Arc<Link>>) -> Option<&Link> {
    link.map(Arc::as_ref).filter(|link| link.waits.load(Ordering::Relaxed))
}

/// What travels around a method that runs: its service and name, the calls that led to it, and until when it may take.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    pub(crate) service: ServiceId,
    pub(crate) name: &'static str,
    pub(crate) chain: Option<Arc<Link>>,
    pub(crate) method: &'static str,
    pub(crate) deadline: Instant,
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

impl Current {
    /// Of the method that runs on this thread now, if one does.
    #[inline]
    pub(crate) fn of_thread() -> Option<Self> {
        // A thread that is about to end has none.
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    /// Whether a method of `service` runs on this thread now; of any service, if none is given.
    #[inline]
    pub(crate) fn is_of_thread(service: Option<ServiceId>) -> bool {
        let is_it = |current: &Self| service.is_none_or(|service| service == current.service);
        CURRENT.try_with(|current| current.borrow().as_ref().is_some_and(is_it)).unwrap_or(false)
    }

    /// Whether a call of `service` would wait for itself: the method is of that service, or a call that led to it is and waits.
    pub(crate) fn waits_for(&self, service: ServiceId) -> bool {
        let mut link = waiting(self.chain.as_ref());
        while let Some(here) = link {
            if here.service == service {
                return true;
            }
            link = waiting(here.before.as_ref());
        }
        self.service == service
    }

    /// The link of a call that the method makes and waits for.
    pub(crate) fn link(self) -> Arc<Link> {
        let Self { service, name, chain: before, .. } = self;
        Arc::new(Link { service, name, before, waits: AtomicBool::new(true) })
    }

    /// Holds for what this thread does until the guard is dropped.
    ///
    /// A guard and not tokio's `task_local`, whose scopes are generic over what runs in them: they would be generated three times
    /// for each method.
    #[must_use = "it holds until the guard is dropped"]
    #[inline]
    pub(crate) fn enter(self) -> Entered {
        // Not `LocalKey::replace`, which calls a function each time for a value that may be missing.
        Entered { before: CURRENT.with(|current| current.replace(Some(self))), of_thread: PhantomData }
    }
}

/// While this lives, its [`Current`] is that of the thread.
pub(crate) struct Entered {
    before: Option<Current>,
    of_thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        CURRENT.with(|current| current.replace(self.before.take()));
    }
}

pin_project! {
    /// The reply to a call that a method has made. The method waits for it while it polls this, and until this is dropped: who
    /// gives the call up, or hands it to a task, does not wait any more.
    pub(crate) struct Awaited<F> {
        link: Option<Arc<Link>>,
        #[pin]
        reply: F,
    }

    impl<F> PinnedDrop for Awaited<F> {
        fn drop(this: Pin<&mut Self>) {
            if let Some(link) = &this.link {
                link.waits.store(false, Ordering::Relaxed);
            }
        }
    }
}

impl<F> Awaited<F> {
    /// `link` is that of the call, if a method has made it.
    pub(crate) fn new(link: Option<Arc<Link>>, reply: F) -> Self {
        Self { link, reply }
    }
}

impl<F: Future> Future for Awaited<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(link) = this.link {
            link.waits.store(Current::is_of_thread(Some(link.service)), Ordering::Relaxed);
        }
        this.reply.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::thread;

    use futures::FutureExt;

    use super::*;

    fn running(name: &'static str, chain: Option<Arc<Link>>) -> Current {
        Current { service: ServiceId::fresh(), name, chain, method: "m", deadline: Instant::now() }
    }

    #[test]
    fn a_chain_knows_the_services_that_wait_and_names_them_in_order() {
        let a = running("a", None);
        let b = running("b", Some(a.clone().link()));
        let link = b.clone().link();
        let c = running("c", Some(Arc::clone(&link)));
        let other = ServiceId::fresh();
        assert_eq!([a.service, b.service, c.service, other].map(|it| c.waits_for(it)), [true, true, true, false]);
        assert_eq!(c.clone().link().to_string(), "a → b → c");

        link.waits.store(false, Ordering::Relaxed);
        assert_eq!([a.service, b.service, c.service].map(|it| c.waits_for(it)), [false, false, true]);
        assert_eq!(c.link().to_string(), "c", "who does not wait is not on the way");
    }

    #[test]
    fn a_method_waits_for_a_reply_while_it_polls_it_and_until_it_is_dropped() {
        let a = running("a", None);
        let link = a.clone().link();
        let waits = || link.waits.load(Ordering::Relaxed);
        let mut reply = Box::pin(Awaited::new(Some(Arc::clone(&link)), std::future::pending::<()>()));
        let around = a.clone().enter();
        assert!(reply.as_mut().now_or_never().is_none() && waits());
        drop(around);
        assert!(reply.as_mut().now_or_never().is_none() && !waits(), "it was handed to a task");
        let around = a.enter();
        assert!(reply.as_mut().now_or_never().is_none() && waits());
        drop(reply);
        assert!(!waits());
        drop(around);
    }

    #[test]
    fn what_is_around_a_method_holds_until_the_method_ends_however_it_ends() {
        let name = || Current::of_thread().map(|current| current.name);
        let outer = running("outer", None).enter();
        let panicked = catch_unwind(|| {
            let _inner = running("inner", None).enter();
            assert_eq!(name(), Some("inner"));
            assert_eq!(thread::spawn(move || Current::of_thread().is_none()).join().ok(), Some(true));
            panic!("on its way");
        });
        assert!(panicked.is_err());
        assert_eq!(name(), Some("outer"));
        drop(outer);
        assert_eq!(name(), None);
    }
}

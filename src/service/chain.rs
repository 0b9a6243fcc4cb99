//! The chain of services that a call has come through, so that a cycle is refused instead of waiting for itself.

use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

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

/// One service on the way of a call, and those before it.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    service: ServiceId,
    name: &'static str,
    before: Option<Arc<Link>>,
}

impl Link {
    pub(crate) fn new(service: ServiceId, name: &'static str, before: Option<Arc<Link>>) -> Self {
        Self { service, name, before }
    }

    /// Whether the way has already come through this service.
    pub(crate) fn visits(&self, service: ServiceId) -> bool {
        let mut link = Some(self);
        while let Some(here) = link {
            if here.service == service {
                return true;
            }
            link = here.before.as_deref();
        }
        false
    }
}

/// `a → b → c`, the first service first.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(before) = &self.before {
            write!(f, "{before} → ")?;
        }
        f.write_str(self.name)
    }
}

/// What travels around a method that runs: where the call has been, and until when it may take.
#[derive(Clone, Debug)]
pub(crate) struct Current {
    /// The service of the method, and those that the call came through.
    pub(crate) chain: Link,
    pub(crate) deadline: Instant,
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

impl Current {
    /// Of the method that runs on this thread now, if one does.
    pub(crate) fn of_thread() -> Option<Self> {
        // A thread that is about to end has none.
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    /// Holds for what this thread does until the guard is dropped.
    ///
    /// A guard and not tokio's `task_local`, whose scopes are generic over what runs in them: they would be generated three times
    /// for each method.
    #[must_use = "it holds until the guard is dropped"]
    pub(crate) fn enter(self) -> Entered {
        Entered { before: CURRENT.replace(Some(self)), of_thread: PhantomData }
    }
}

/// While this lives, its [`Current`] is that of the thread.
pub(crate) struct Entered {
    before: Option<Current>,
    of_thread: PhantomData<*const ()>,
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.before.take());
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::thread;

    use super::*;

    #[test]
    fn a_chain_knows_the_services_that_it_went_through_and_names_them_in_order() {
        let (a, b, c) = (ServiceId::fresh(), ServiceId::fresh(), ServiceId::fresh());
        let chain = Link::new(b, "b", Some(Arc::new(Link::new(a, "a", None))));
        assert!(chain.visits(a) && chain.visits(b) && !chain.visits(c));
        assert_eq!(chain.to_string(), "a → b");
    }

    #[test]
    fn what_is_around_a_method_holds_until_the_method_ends_however_it_ends() {
        let current = |name| {
            let chain = Link::new(ServiceId::fresh(), name, None);
            Current { chain, deadline: Instant::now() }
        };
        let name = || Current::of_thread().map(|current| current.chain.name);
        let outer = current("outer").enter();
        let panicked = catch_unwind(|| {
            let _inner = current("inner").enter();
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

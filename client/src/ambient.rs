//! The chain of calls that led to a call. With it, a call that would wait for itself through a
//! cycle of services is rejected instead of deadlocking.

#![expect(missing_docs, missing_debug_implementations, reason = "public for the engine of callbox alone")]

use std::borrow::Cow;
use std::cell::RefCell;
use std::fmt;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};

use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use pin_project_lite::pin_project;
use tokio::time::Instant;

use crate::ambient_request::RequestRef;
use crate::call_trace::{CallTrace, Entered};

/// Identifies a running service, also among several of the same type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceId(u64);

impl ServiceId {
    /// Returns an id that no other service of the process has.
    pub fn fresh() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        Self(NEXT.fetch_add(1, Ordering::Relaxed))
    }
}

/// One call that a method has made, with the service of that method and the calls that led to it.
#[derive(Debug)]
pub struct Link {
    /// The service, if it is one of this process.
    service: Option<ServiceId>,
    name: Cow<'static, str>,
    before: Option<Arc<Link>>,
    /// Whether the method waits for the reply. Only a call that somebody waits for can be part of a
    /// deadlock.
    waits: AtomicBool,
}

/// Writes `a → b → c`, the first service first.
impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(before) = waiting(self.before.as_ref()) {
            write!(f, "{before} → ")?;
        }
        f.write_str(&self.name)
    }
}

impl Link {
    /// Reads a chain of services in other processes, as [`to_header`](Self::to_header) has written
    /// it. A text that is too long, or that names too many services, is none.
    pub fn from_header(text: &str) -> Option<Arc<Self>> {
        if text.len() > MAX_HEADER || text.split(',').count() > MAX_LINKS {
            return None;
        }
        let names = text.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.fold(None, |before, name| {
            let name = percent_decode_str(name).decode_utf8_lossy().into_owned();
            Some(Arc::new(Self { service: None, name: name.into(), before, waits: AtomicBool::new(true) }))
        })
    }

    /// Writes the chain for another process: the names of the services that wait, the first one
    /// first, with commas between them.
    pub fn to_header(&self) -> String {
        let name = utf8_percent_encode(&self.name, NON_ALPHANUMERIC);
        match waiting(self.before.as_ref()) {
            Some(before) => format!("{},{name}", before.to_header()),
            None => name.to_string(),
        }
    }

    /// Whether a service waits in the chain: in this process the service itself, and in another
    /// process one of its name.
    pub fn has(&self, service: ServiceId, name: &str) -> bool {
        let mut link = Some(self);
        while let Some(here) = link {
            if here.service.map_or(here.name == name, |here| here == service) {
                return true;
            }
            link = waiting(here.before.as_ref());
        }
        false
    }
}

/// Maximum length of a chain from outside, in bytes.
const MAX_HEADER: usize = 4096;

/// Maximum number of services in a chain from outside.
const MAX_LINKS: usize = 64;

/// Returns the link, if somebody waits for the reply of its call.
fn waiting(link: Option<&Arc<Link>>) -> Option<&Link> {
    link.map(Arc::as_ref).filter(|link| link.waits.load(Ordering::Relaxed))
}

/// The method that runs on this thread: its service and name, the calls that led to it, its
/// deadline, its request, and its span.
///
/// Calls that the method makes get the chain, the deadline, the id of the request and the trace
/// from here.
#[derive(Clone, Debug)]
pub struct Current {
    pub service: ServiceId,
    pub name: &'static str,
    pub chain: Option<Arc<Link>>,
    pub method: &'static str,
    pub deadline: Instant,
    /// The request of the method's call.
    pub request: RequestRef,
    /// The name of the caller, if the request is known. Lines of the log have it.
    pub caller: Option<Arc<str>>,
    /// Whether the call of the method is traced.
    pub trace: CallTrace,
}

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
}

impl Current {
    /// Returns the method that runs on this thread now, if there is one.
    #[inline]
    pub fn of_thread() -> Option<Self> {
        // While a thread ends, its thread-locals may be gone already. Then no method runs.
        CURRENT.try_with(|current| current.borrow().clone()).ok().flatten()
    }

    /// Whether a method of `service` runs on this thread now, or of any service for `None`.
    #[inline]
    pub fn is_of_thread(service: Option<ServiceId>) -> bool {
        let is_it = |current: &Self| service.is_none_or(|service| service == current.service);
        CURRENT.try_with(|current| current.borrow().as_ref().is_some_and(is_it)).unwrap_or(false)
    }

    /// Whether a method runs on this thread whose call is recorded.
    pub fn is_recorded() -> bool {
        let is_it = |current: &Self| current.trace.span().is_some();
        CURRENT.try_with(|current| current.borrow().as_ref().is_some_and(is_it)).unwrap_or(false)
    }

    /// Whether a call to a service would wait for itself: the method is one of that service, or a
    /// method of that service waits in the chain of calls.
    pub fn waits_for(&self, service: ServiceId, name: &str) -> bool {
        self.service == service || waiting(self.chain.as_ref()).is_some_and(|link| link.has(service, name))
    }

    /// Returns the link of a call that the method makes and waits for.
    pub fn link(self) -> Arc<Link> {
        let Self { service, name, chain: before, .. } = self;
        Arc::new(Link { service: Some(service), name: name.into(), before, waits: AtomicBool::new(true) })
    }

    /// Makes this the current method of the thread until the guard is dropped.
    ///
    /// A guard and not tokio's `task_local`, whose scopes are generic over the future in them: they
    /// would be compiled three times for each method.
    #[must_use = "the method is current until the guard is dropped"]
    #[inline]
    pub fn enter(self) -> CurrentGuard {
        // Not `LocalKey::replace`, which calls a function each time in case the value is not
        // initialized.
        let span = self.trace.enter();
        CurrentGuard { before: CURRENT.with(|current| current.replace(Some(self))), span, of_thread: PhantomData }
    }
}

/// Keeps a [`Current`] in place, and restores the one before it when dropped.
pub struct CurrentGuard {
    before: Option<Current>,
    span: Option<Box<Entered>>,
    of_thread: PhantomData<*const ()>,
}

impl Drop for CurrentGuard {
    #[inline]
    fn drop(&mut self) {
        if let Some(span) = self.span.take() {
            drop(span);
        }
        CURRENT.with(|current| current.replace(self.before.take()));
    }
}

pin_project! {
    /// The reply to a call that a method has made. The method counts as waiting while it polls this
    /// future itself. It no longer does when it drops the future, or moves it to another task.
    pub struct Awaited<F> {
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
    /// Creates the future. `link` is the link of the call, if a method has made the call.
    pub fn new(link: Option<Arc<Link>>, reply: F) -> Self {
        Self { link, reply }
    }
}

impl<F: Future> Future for Awaited<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(link) = this.link {
            link.waits.store(Current::is_of_thread(link.service), Ordering::Relaxed);
        }
        this.reply.poll(cx)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;
    use std::thread;

    use futures_util::FutureExt;

    use super::*;

    fn running(name: &'static str, chain: Option<Arc<Link>>) -> Current {
        let (service, deadline) = (ServiceId::fresh(), Instant::now());
        let trace = CallTrace::Off;
        Current { service, name, chain, method: "m", deadline, request: RequestRef::NONE, caller: None, trace }
    }

    #[test]
    fn a_chain_contains_the_services_that_wait_in_their_order() {
        let a = running("a", None);
        let b = running("b", Some(a.clone().link()));
        let link = b.clone().link();
        let c = running("c", Some(Arc::clone(&link)));
        let other = ServiceId::fresh();
        let waits_for = |it| c.waits_for(it, "a");
        assert_eq!([a.service, b.service, c.service, other].map(waits_for), [true, true, true, false], "by itself");
        assert_eq!(c.clone().link().to_string(), "a → b → c");

        link.waits.store(false, Ordering::Relaxed);
        assert_eq!([a.service, b.service, c.service].map(waits_for), [false, false, true]);
        assert_eq!(c.link().to_string(), "c", "a service that does not wait is not in the chain");
    }

    #[test]
    fn a_chain_goes_on_in_another_process() {
        let first = running("a, \"b\"", None).link();
        let text = running("ü", Some(first)).link().to_header();
        assert!(text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"'), "{text}");
        let there = Link::from_header(&text).unwrap();
        assert_eq!(there.to_string(), "a, \"b\" → ü");
        let has = |name| there.has(ServiceId::fresh(), name);
        assert_eq!(["a, \"b\"", "ü", "a"].map(has), [true, true, false], "by name");
        let next = running("c", Some(there)).link();
        assert_eq!(next.to_header(), format!("{text},c"));

        for text in ["", " , ,", &"a,".repeat(100), &"a".repeat(5000)] {
            assert!(Link::from_header(text).is_none(), "{text}");
        }
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
        assert!(reply.as_mut().now_or_never().is_none() && !waits(), "it was moved to a task");
        let around = a.enter();
        assert!(reply.as_mut().now_or_never().is_none() && waits());
        drop(reply);
        assert!(!waits());
        drop(around);
    }

    #[test]
    fn a_method_is_current_until_it_ends_also_by_a_panic() {
        let name = || Current::of_thread().map(|current| current.name);
        let outer = running("outer", None).enter();
        let panicked = catch_unwind(|| {
            let _inner = running("inner", None).enter();
            assert_eq!(name(), Some("inner"));
            assert_eq!(thread::spawn(move || Current::of_thread().is_none()).join().ok(), Some(true));
            panic!("in a method");
        });
        assert!(panicked.is_err());
        assert_eq!(name(), Some("outer"));
        drop(outer);
        assert_eq!(name(), None);
    }
}

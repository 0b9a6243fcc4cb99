//! The request that a thread handles, for lines of the log: also where no method runs.

#![expect(missing_docs, missing_debug_implementations, reason = "public for the engine of callbox alone")]

use std::cell::RefCell;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::ambient::Current;
use crate::ambient_request::{AmbientRequest, RequestRef};

thread_local! {
    static REQUEST: RefCell<Option<Arc<dyn AmbientRequest>>> = const { RefCell::new(None) };
}

/// Makes a request that of the thread, and restores the one before it when dropped.
#[must_use = "the request is that of the thread until the guard is dropped"]
pub struct RequestScope {
    before: Option<Arc<dyn AmbientRequest>>,
    of_thread: PhantomData<*const ()>,
}

impl RequestScope {
    pub fn enter(request: Arc<dyn AmbientRequest>) -> Self {
        Self { before: REQUEST.with(|current| current.replace(Some(request))), of_thread: PhantomData }
    }
}

impl Drop for RequestScope {
    fn drop(&mut self) {
        REQUEST.with(|current| current.replace(self.before.take()));
    }
}

pin_project! {
    /// A future that is polled within a request, if there is one.
    pub struct WithinRequest<F> {
        request: Option<Arc<dyn AmbientRequest>>,
        #[pin]
        run: F,
    }
}

impl<F> WithinRequest<F> {
    #[inline]
    pub fn new(request: Option<Arc<dyn AmbientRequest>>, run: F) -> Self {
        Self { request, run }
    }
}

impl<F: Future> Future for WithinRequest<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _scope = this.request.as_ref().map(|request| RequestScope::enter(Arc::clone(request)));
        this.run.poll(cx)
    }
}

/// What is known of the call in which a line of the log is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineContext {
    /// The method that runs on this thread.
    pub method: Option<&'static str>,
    /// The name of its caller, if the request of the call is known.
    pub caller: Option<Arc<str>>,
    /// The id of the request, if there is one. If it has no id yet, it gets one.
    pub request_id: Option<Arc<str>>,
    /// The number of the trace that the request belongs to, if it is known.
    pub trace_id: Option<String>,
}

impl LineContext {
    /// Returns the names and the values of what is known.
    pub fn facts(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let Self { method, caller, request_id, trace_id } = self;
        let facts = [
            ("method", *method),
            ("caller", caller.as_deref()),
            ("request_id", request_id.as_deref()),
            ("trace_id", trace_id.as_deref()),
        ];
        facts.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }

    /// Returns what is known on this thread now.
    pub fn of_thread() -> Self {
        match Current::of_thread() {
            None => {
                let request = request();
                let trace_id = request.as_ref().and_then(|request| request.trace()).map(|trace| trace.trace_id());
                Self { request_id: request.map(|request| request.id()), trace_id, ..Self::default() }
            }
            Some(current) => {
                let current = in_scope(current);
                let sent = || current.request.known()?.trace();
                let trace = current.trace.span().and_then(|span| span.context().cloned()).or_else(sent);
                let (request_id, trace_id) = (current.request.id(), trace.map(|trace| trace.trace_id()));
                Self { method: Some(current.method), caller: current.caller, request_id, trace_id }
            }
        }
    }
}

/// Returns the id of the request that this thread handles, if there is one.
pub(crate) fn current_request_id() -> Option<Arc<str>> {
    match Current::of_thread() {
        Some(current) => in_scope(current).request.id(),
        None => request().map(|request| request.id()),
    }
}

/// Returns the method with its request: one that nobody has looked at may be known to the thread.
fn in_scope(current: Current) -> Current {
    match (&current.request, request()) {
        (RequestRef::Numbered(_), Some(request)) => Current { request: RequestRef::Known(request), ..current },
        _ => current,
    }
}

/// Returns the request in whose scope the thread is.
fn request() -> Option<Arc<dyn AmbientRequest>> {
    // While a thread ends, its thread-locals may be gone already.
    REQUEST.try_with(|current| current.borrow().clone()).ok().flatten()
}

#[cfg(test)]
mod tests {
    use std::panic::catch_unwind;

    use futures_util::FutureExt;
    use tokio::time::Instant;

    use crate::ambient::ServiceId;
    use crate::call_trace::{CallSpan, CallTrace};
    use crate::trace_context::TraceContext;

    use super::*;

    #[derive(Debug)]
    struct Named(&'static str);

    impl AmbientRequest for Named {
        fn id(&self) -> Arc<str> {
            self.0.into()
        }

        fn trace(&self) -> Option<TraceContext> {
            TraceContext::from_parts(self.0.len() as u128, 1, true, None)
        }
    }

    fn named(id: &'static str) -> Arc<dyn AmbientRequest> {
        Arc::new(Named(id))
    }

    fn current(request: Option<Arc<dyn AmbientRequest>>) -> Current {
        let (service, caller) = (ServiceId::fresh(), Some("ann".into()));
        let request = request.map_or(RequestRef::NONE, RequestRef::Known);
        let (deadline, trace) = (Instant::now(), CallTrace::Off);
        Current { service, name: "s", chain: None, method: "m", deadline, request, caller, trace }
    }

    #[test]
    fn a_request_is_that_of_the_thread_until_its_scope_ends_also_by_a_panic() {
        let id = || LineContext::of_thread().request_id;
        assert_eq!(LineContext::of_thread(), LineContext::default());
        let outer = RequestScope::enter(named("outer"));
        let panicked = catch_unwind(|| {
            let _inner = RequestScope::enter(named("inner"));
            assert_eq!(id().as_deref(), Some("inner"));
            panic!("in a scope");
        });
        assert!(panicked.is_err());
        assert_eq!(id().as_deref(), Some("outer"));
        drop(outer);
        assert_eq!(id(), None);
    }

    #[test]
    fn the_request_of_a_method_goes_before_that_of_the_thread() {
        let _scope = RequestScope::enter(named("thread"));
        for (request, expected) in [(Some(named("method")), "method"), (None, "thread")] {
            let _current = current(request).enter();
            let line = LineContext::of_thread();
            assert_eq!((line.method, line.caller.as_deref()), (Some("m"), Some("ann")));
            assert_eq!(line.request_id.as_deref(), Some(expected));
            assert_eq!(current_request_id().as_deref(), Some(expected));
        }
    }

    #[test]
    fn a_line_has_the_trace_of_the_span_and_else_that_of_the_request() {
        let trace_id = || LineContext::of_thread().trace_id.map(|id| id.trim_start_matches('0').to_owned());
        assert_eq!(trace_id(), None);
        let _scope = RequestScope::enter(named("of length 12"));
        assert_eq!(trace_id().as_deref(), Some("c"));
        let _method = current(Some(named("three"))).enter();
        assert_eq!(trace_id().as_deref(), Some("5"));
        let of_span = TraceContext::from_parts(0xabc, 1, true, None);
        let trace = CallTrace::Span(Arc::new(CallSpan::new(tracing::Span::none(), of_span)));
        let _recorded = Current { trace, ..current(Some(named("three"))) }.enter();
        assert_eq!(trace_id().as_deref(), Some("abc"));
    }

    #[test]
    fn a_future_within_a_request_leaves_it_whenever_it_waits() {
        let run = async {
            let before = current_request_id();
            tokio::task::yield_now().await;
            (before, current_request_id())
        };
        let mut within = Box::pin(WithinRequest::new(Some(named("r")), run));
        assert!(within.as_mut().now_or_never().is_none());
        assert_eq!(current_request_id(), None);
        let expected = Some(Arc::<str>::from("r"));
        assert_eq!(within.now_or_never(), Some((expected.clone(), expected)));
        assert_eq!(WithinRequest::new(None, async { current_request_id() }).now_or_never(), Some(None));
    }
}

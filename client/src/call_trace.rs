//! Whether a call is traced, and its span: what the calls that a method makes take over.

#![expect(missing_docs, reason = "public for the engine of callbox alone")]

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use tracing::Span;
use tracing::span::EnteredSpan;

use crate::ambient::Current;
use crate::log::{Harmless, caught};
use crate::trace_context::TraceContext;

/// Whether a call is traced.
#[derive(Clone, Debug, Default)]
pub enum CallTrace {
    /// Nothing records calls. What the caller has sent goes on to others all the same.
    #[default]
    Off,
    /// The call was not chosen to be recorded, and neither are those that it makes.
    Unsampled,
    /// The call is recorded.
    Span(Arc<CallSpan>),
}

/// The span of a call. It ends when this is dropped.
pub struct CallSpan {
    /// Harmless, since the end of a span runs code of the program's subscriber.
    span: Harmless<Span>,
    context: Option<TraceContext>,
}

impl CallSpan {
    /// `context` is where the span stands in its trace, if what records it has said so.
    pub fn new(span: Span, context: Option<TraceContext>) -> Self {
        Self { span: Harmless::new(span), context }
    }

    pub fn span(&self) -> &Span {
        self.span.get()
    }

    #[cold]
    fn enter(&self) -> Option<Box<Entered>> {
        // A subscriber of the program, which may panic.
        let entered = caught(|| self.span().clone().entered()).ok()?;
        Some(Box::new(Entered { _span: Harmless::new(entered) }))
    }

    /// Returns where the span stands in its trace, if that is known.
    pub fn context(&self) -> Option<&TraceContext> {
        self.context.as_ref()
    }
}

impl fmt::Debug for CallSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallSpan").field("context", &self.context).finish_non_exhaustive()
    }
}

impl CallTrace {
    /// Returns the span, if the call is recorded.
    #[inline]
    pub fn span(&self) -> Option<&CallSpan> {
        if let Self::Span(span) = self { Some(span) } else { None }
    }

    /// Makes the span that of this thread, if the call is recorded.
    #[inline]
    pub(crate) fn enter(&self) -> Option<Box<Entered>> {
        self.span().and_then(CallSpan::enter)
    }

    /// Returns the context that the calls of the method have. `sent` is what its own caller has
    /// sent.
    fn for_calls(&self, sent: impl FnOnce() -> Option<TraceContext>) -> Option<TraceContext> {
        match self {
            Self::Off => sent(),
            Self::Unsampled => sent().or_else(|| Some(TraceContext::unsampled())),
            Self::Span(span) => span.context.clone().or_else(sent),
        }
    }
}

/// Keeps a span that of the thread, until it is dropped. In a box, since nearly all guards have
/// none, and each call moves one.
pub(crate) struct Entered {
    _span: Harmless<EnteredSpan>,
}

/// Reads the context of the span that the thread is in.
pub type SpanReader = fn() -> Option<TraceContext>;

static SPAN_READER: OnceLock<SpanReader> = OnceLock::new();

/// Sets what reads the context of the span that a thread is in. Calls then continue that span, also
/// if it is one that the program has made itself. The first one counts.
pub fn read_spans_by(reader: SpanReader) {
    let _ = SPAN_READER.set(reader);
}

/// Returns the context of a call that is made on this thread now. `current` is the method that runs
/// here.
pub fn trace_for_calls(current: Option<&Current>) -> Option<TraceContext> {
    let of_span = SPAN_READER.get().and_then(|read| caught(read).ok().flatten());
    of_span.or_else(|| {
        let Current { trace, request, .. } = current?;
        trace.for_calls(|| request.known()?.trace())
    })
}

static HAS_CLIENTS: AtomicBool = AtomicBool::new(false);

/// Notes that this program calls others, so that a method has to know the trace that it is in.
pub fn note_client() {
    HAS_CLIENTS.store(true, Ordering::Relaxed);
}

/// Whether a method may make calls that its service does not know of.
#[inline]
pub fn has_clients() -> bool {
    HAS_CLIENTS.load(Ordering::Relaxed)
}

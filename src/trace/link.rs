//! The bond between spans and the contexts of traces, which only an OpenTelemetry layer has.

#[cfg(not(feature = "otel"))]
pub(super) use none::{IS_POSSIBLE, add_event, attach, read_spans};
#[cfg(feature = "otel")]
pub(crate) use otel::add_events_directly;
#[cfg(feature = "otel")]
pub(super) use otel::{IS_POSSIBLE, add_event, attach, read_spans};

/// Without the feature `otel`, nobody knows the context of a span.
#[cfg(not(feature = "otel"))]
mod none {
    use callbox_client::TraceContext;
    use tracing::Span;

    /// Whether a span can have a parent that is no span of this process.
    pub(crate) const IS_POSSIBLE: bool = false;

    pub(crate) fn attach(_: &Span, _: Option<&TraceContext>, _: bool) -> Option<TraceContext> {
        None
    }

    pub(crate) fn read_spans() {}

    pub(crate) fn add_event(_: &Span, _: &'static str) {}
}

#[cfg(feature = "otel")]
mod otel {
    use callbox_client::__engine::read_spans_by;
    use callbox_client::TraceContext;
    use opentelemetry::Context;
    use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt, TraceFlags, TraceId, TraceState};
    use tracing::Span;
    use tracing_opentelemetry::OpenTelemetrySpanExt;

    use crate::sync::{AtomicBool, Ordering};

    /// Whether a span can have a parent that is no span of this process.
    pub(crate) const IS_POSSIBLE: bool = true;

    /// Puts a new span into its trace, and returns where it stands there. Returns nothing if no
    /// layer of OpenTelemetry has the span.
    pub(crate) fn attach(span: &Span, parent: Option<&TraceContext>, is_remote: bool) -> Option<TraceContext> {
        if let Some(parent) = parent {
            let ((trace_id, parent_id), state) = (parent.ids(), parent.tracestate());
            let flags = if parent.is_sampled() { TraceFlags::SAMPLED } else { TraceFlags::NOT_SAMPLED };
            let state = state.and_then(|state| state.parse().ok()).unwrap_or(TraceState::NONE);
            let parent = SpanContext::new(TraceId::from(trace_id), SpanId::from(parent_id), flags, is_remote, state);
            // An error means that there is no such layer.
            let _ = span.set_parent(Context::new().with_remote_span_context(parent));
        }
        context_of(span)
    }

    /// Has calls continue the span that the thread is in.
    pub(crate) fn read_spans() {
        read_spans_by(|| context_of(&Span::current()));
    }

    /// Whether callbox's own layer has the spans.
    static IS_DIRECT: AtomicBool = AtomicBool::new(false);

    /// Has events go directly to the span of OpenTelemetry. As events of `tracing` they would cost
    /// several times as much, and the layer of callbox takes none.
    pub(crate) fn add_events_directly() {
        IS_DIRECT.store(true, Ordering::Relaxed);
    }

    /// Adds an event to a span, if it goes there directly.
    pub(crate) fn add_event(span: &Span, name: &'static str) {
        if IS_DIRECT.load(Ordering::Relaxed) {
            span.add_event(name, Vec::new());
        }
    }

    fn context_of(span: &Span) -> Option<TraceContext> {
        if span.is_disabled() {
            return None;
        }
        let context = span.context();
        let span = context.span();
        let context = span.span_context();
        let (trace_id, span_id) = (context.trace_id().to_bytes(), context.span_id().to_bytes());
        let state = context.trace_state().header();
        TraceContext::from_parts(
            u128::from_be_bytes(trace_id),
            u64::from_be_bytes(span_id),
            context.is_sampled(),
            Some(&state),
        )
    }
}

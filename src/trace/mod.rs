//! Spans of calls, for whatever records them.
//!
//! A span is made only if a layer of the program's subscriber asks for the target
//! [`callbox::call`](TARGET), and after [sampling](sampler). Otherwise a call pays for one branch.
//! The names of the fields are those of OpenTelemetry, in [one version](CONVENTIONS).
//!
//! A span begins when its call arrives, and ends with it. In between are three events, of level
//! debug: `queued` if the call goes into a mailbox, `started` when its method begins to run, and
//! `ended`. So they show the time in the mailbox beside the time of the method.

mod link;
mod sampler;

use std::thread;
use std::time::Duration;

use callbox_client::__engine::{CallSpan, CallTrace};

#[cfg(feature = "otel")]
use callbox_client::__engine::Current;
use callbox_client::TraceContext;
use tracing::field::Empty;
use tracing::{Level, Span, dispatcher};

use crate::log::{self, caught, discard};
#[cfg(feature = "otel")]
use crate::sync::AtomicU64;
use crate::sync::{AtomicBool, Ordering};

#[cfg(feature = "otel")]
pub(crate) use link::add_events_directly;
use sampler::is_sampled;
#[cfg(feature = "otel")]
pub(crate) use sampler::{Sampler, set_sampler};

/// The target of the spans, and of their events.
pub(crate) const TARGET: &str = "callbox::call";

/// The version of OpenTelemetry's semantic conventions that the spans follow: those for RPC, and
/// for JSON-RPC in particular.
#[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "an exporter tells collectors"))]
pub(crate) const CONVENTIONS: &str = "1.45.0";

/// The name that stands for all methods that do not exist.
pub(crate) const OTHER: &str = "_OTHER";

/// Whether a layer has asked for spans when a server of this program started.
///
/// Asked once, and not for each call: with several layers, asking them takes longer than a call.
static WANTED: AtomicBool = AtomicBool::new(false);

/// Asks whether a layer wants spans. Call this once the log is set up.
pub(crate) fn ask_subscriber() {
    let subscriber = dispatcher::get_default(Clone::clone);
    let ask = || log::ask_subscriber(|| tracing::span_enabled!(target: TARGET, Level::INFO));
    // On a thread of its own: the filters of layers keep their answers per thread for the span or
    // the line that follows, which here would be another one.
    let answer = thread::scope(|scope| scope.spawn(|| dispatcher::with_default(&subscriber, ask)).join());
    if answer.unwrap_or(false) {
        link::read_spans();
        WANTED.store(true, Ordering::Relaxed);
    }
}

/// Whether this thread runs a method whose call is recorded.
#[cfg(feature = "otel")]
pub(crate) fn is_within_span() -> bool {
    Current::is_recorded()
}

/// Whether the calls of a request are recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sampling {
    /// Nothing records calls.
    Off,
    /// `in_trace`: whether its sender has sent a context.
    Unsampled {
        in_trace: bool,
    },
    Sampled,
}

impl Sampling {
    /// Decides it for a request. `sent` returns the context that its sender has sent.
    #[inline]
    pub(crate) fn decide(sent: impl FnOnce() -> Option<TraceContext>) -> Self {
        if WANTED.load(Ordering::Relaxed) { Self::of(sent().as_ref()) } else { Self::Off }
    }

    /// Decides it for a request of which this is known, where something records calls.
    fn of(sent: Option<&TraceContext>) -> Self {
        if is_sampled(sent) { Self::Sampled } else { Self::Unsampled { in_trace: sent.is_some() } }
    }

    /// Decides it for a call of the request. It may have a context of its own, which counts
    /// instead.
    pub(crate) fn of_call(self, sent: Option<&TraceContext>) -> Self {
        sent.map_or(self, |sent| Self::of(Some(sent)))
    }
}

/// A call that begins.
#[derive(Debug)]
pub(crate) struct NewCall<'a> {
    /// The name of the service; `None` for a method of callbox's own.
    pub(crate) service: Option<&'static str>,
    pub(crate) method: &'static str,
    /// The id of the request object.
    pub(crate) id: Option<&'a str>,
    /// What the sender has sent.
    pub(crate) sent: Option<&'a TraceContext>,
}

/// Begins the span of a call that came over a transport.
#[cold]
pub(crate) fn begin(call: &NewCall<'_>) -> CallTrace {
    spanned(call, true, None)
}

/// Begins the trace of a call within the process. `around` is the trace of the method that makes
/// it, if a method does.
#[inline]
pub(crate) fn begin_in_process(around: Option<&CallTrace>, call: &NewCall<'_>) -> CallTrace {
    if WANTED.load(Ordering::Relaxed) { begin_within(around, call) } else { CallTrace::Off }
}

#[cold]
fn begin_within(around: Option<&CallTrace>, call: &NewCall<'_>) -> CallTrace {
    let is_sampled = match around {
        Some(CallTrace::Unsampled) => false,
        Some(CallTrace::Span(span)) if span.context().is_none() => true,
        _ => is_sampled(call.sent),
    };
    if is_sampled { spanned(call, false, None) } else { CallTrace::Unsampled }
}

/// Records a request that reached no method: there is none of this name, or its caller may not call
/// it.
#[cold]
pub(crate) fn refused(call: &NewCall<'_>, original: Option<&str>, code: i32) {
    ended(&spanned(call, true, original), &End { error: Some(Failure::Code(code)), ran: None });
}

/// Makes the span of a call. `original` is what its caller wrote for a method that does not exist.
fn spanned(call: &NewCall<'_>, is_remote: bool, original: Option<&str>) -> CallTrace {
    let NewCall { service, method, id, sent } = *call;
    // The span of the thread goes before what was sent: a middleware of the program may have made
    // it, and has read the same headers.
    let parent = TraceContext::current();
    let (parent, is_remote) = if parent.is_some() { (parent, false) } else { (sent.cloned(), is_remote) };
    let made = caught(|| {
        // Among spans of one process, a parent would end no earlier than the last of its children,
        // such as a notification. A recorder that has the context needs no such bond.
        let around = if parent.is_some() && link::IS_POSSIBLE { Span::none() } else { Span::current() };
        let span = tracing::info_span!(
            target: TARGET,
            parent: around.id(),
            "call",
            // A name that is made up by a caller names no span.
            "otel.name" = if method == OTHER { "jsonrpc" } else { method },
            "otel.kind" = "server",
            "otel.status_code" = Empty,
            "rpc.system.name" = "jsonrpc",
            "rpc.method" = method,
            "rpc.method_original" = original,
            "rpc.response.status_code" = Empty,
            "error.type" = Empty,
            "jsonrpc.protocol.version" = "2.0",
            "jsonrpc.request.id" = id,
            "callbox.service" = service,
        );
        let context = link::attach(&span, parent.as_ref(), is_remote);
        (!span.is_disabled()).then(|| CallSpan::new(span, context))
    });
    match made {
        Ok(Some(span)) => CallTrace::Span(span.into()),
        Ok(None) => CallTrace::Off,
        Err(panic) => {
            discard(panic);
            CallTrace::Off
        }
    }
}

/// Notes that a call waits in its mailbox from now on.
#[inline]
pub(crate) fn queued(trace: &CallTrace) {
    if let CallTrace::Span(span) = trace {
        note(span, |span| {
            link::add_event(span, "queued");
            tracing::debug!(target: TARGET, parent: span, "queued");
        });
    }
}

/// Notes that the method of a call begins to run.
#[inline]
pub(crate) fn started(trace: &CallTrace) {
    if let CallTrace::Span(span) = trace {
        note(span, |span| {
            link::add_event(span, "started");
            tracing::debug!(target: TARGET, parent: span, "started");
        });
    }
}

/// How a call has ended.
#[derive(Clone, Copy, Debug)]
pub(crate) struct End {
    pub(crate) error: Option<Failure>,
    /// How long its method ran; `None` if it never started.
    pub(crate) ran: Option<Duration>,
}

/// Why a call has no result.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Failure {
    /// It was answered with an error of this code.
    Code(i32),
    /// Nobody waits for its answer.
    Abandoned,
}

/// Notes the end of a call.
#[inline]
pub(crate) fn ended(trace: &CallTrace, end: &End) {
    if let CallTrace::Span(span) = trace {
        note_end(span, end);
    }
}

#[cold]
fn note_end(span: &CallSpan, end: &End) {
    note(span, |span| {
        match end.error {
            None => {}
            Some(Failure::Code(code)) => {
                let code = code.to_string();
                span.record("rpc.response.status_code", &*code);
                span.record("error.type", &*code);
                span.record("otel.status_code", "ERROR");
            }
            // There is no response, and the fault is not the server's.
            Some(Failure::Abandoned) => _ = span.record("error.type", "abandoned"),
        }
        link::add_event(span, "ended");
        let ran_us = end.ran.map(|ran| u64::try_from(ran.as_micros()).unwrap_or(u64::MAX));
        tracing::debug!(target: TARGET, parent: span, ran_us, "ended");
    });
}

/// Writes to a span, which runs code of the program's subscriber.
fn note(span: &CallSpan, write: impl FnOnce(&Span)) {
    if let Err(panic) = caught(|| write(span.span())) {
        log_throttled!(ERROR, "the subscriber of the program panicked while a call was recorded");
        discard(panic);
    }
}

#[cfg(feature = "otel")]
static LOST: AtomicU64 = AtomicU64::new(0);

/// Counts spans that were made and not exported.
#[cfg(feature = "otel")]
pub(crate) fn count_lost_spans(spans: u64) {
    LOST.fetch_add(spans, Ordering::Relaxed);
}

/// Returns the number of spans that were made and not exported.
#[cfg(feature = "otel")]
pub(crate) fn lost_spans() -> u64 {
    LOST.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests;

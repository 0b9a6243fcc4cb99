//! The context of a distributed trace, as [W3C Trace Context](https://www.w3.org/TR/trace-context/)
//! has it in two headers: `traceparent` and `tracestate`.

mod state;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::sync::Arc;

use crate::ambient::Current;
use crate::call_trace::trace_for_calls;

/// The place of a request in a distributed trace: the trace that it belongs to, and the span that
/// has sent it.
///
/// A server reads it from the headers `traceparent` and `tracestate` of a request, or from members
/// of these names in `_meta`. A client sends it with the calls that a method makes, so that the
/// trace goes on there. A method that calls something else over HTTP passes it on itself:
///
/// ```
/// use callbox::TraceContext;
///
/// let mut headers = Vec::new();
/// if let Some(trace) = TraceContext::current() {
///     headers.push(("traceparent", trace.traceparent()));
///     headers.extend(trace.tracestate().map(|state| ("tracestate", state.to_owned())));
/// }
/// # assert!(headers.is_empty(), "no method runs here");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceContext {
    trace_id: u128,
    parent_id: u64,
    flags: u8,
    state: Option<Arc<str>>,
}

/// The flag of a trace that is recorded.
const SAMPLED: u8 = 1;

/// The flags of version 00, with that of random trace ids, which level 2 adds. Others are not
/// passed on, since nobody knows what they mean.
const KNOWN_FLAGS: u8 = 0b11;

/// Length of a `traceparent` of version 00, in bytes.
const LENGTH: usize = 55;

impl TraceContext {
    /// Reads the two headers. Returns nothing if `traceparent` is malformed. A `tracestate` that is
    /// malformed, or longer than 512 bytes, is left out.
    ///
    /// ```
    /// use callbox::TraceContext;
    ///
    /// let sent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    /// let trace = TraceContext::parse(sent, Some("vendor=1")).unwrap();
    /// assert!(trace.is_sampled());
    /// assert_eq!(trace.trace_id(), "4bf92f3577b34da6a3ce929d0e0e4736");
    /// assert_eq!((trace.traceparent().as_str(), trace.tracestate()), (sent, Some("vendor=1")));
    /// assert!(TraceContext::parse("00-4bf9-00f0-01", None).is_none());
    /// ```
    pub fn parse(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let (head, rest) = traceparent.as_bytes().split_at_checked(LENGTH)?;
        let (version, [b'-', trace_id @ ..]) = head.split_at_checked(2)? else { return None };
        let (trace_id, [b'-', parent_id @ ..]) = trace_id.split_at_checked(32)? else { return None };
        let (parent_id, [b'-', flags @ ..]) = parent_id.split_at_checked(16)? else { return None };
        // A later version may have more after what version 00 has, behind a dash.
        match hex(version)? {
            0xff => return None,
            0 if !rest.is_empty() => return None,
            _ if !matches!(rest, [] | [b'-', ..]) => return None,
            _ => {}
        }
        let context = Self {
            trace_id: hex(trace_id)?,
            parent_id: hex(parent_id)? as u64,
            flags: hex(flags)? as u8 & KNOWN_FLAGS,
            state: tracestate.and_then(state::usable).map(Arc::from),
        };
        (context.trace_id != 0 && context.parent_id != 0).then_some(context)
    }

    /// Returns the context that a call would have which is made on this thread now. Within a method
    /// that is its span, if it has one, else what the caller of the method has sent. Returns
    /// nothing if there is no trace, and where the request of the method is not known: see
    /// [tracing](https://docs.rs/callbox/latest/callbox/guide/tracing/index.html).
    ///
    /// ```
    /// use callbox::{TraceContext, service};
    ///
    /// #[derive(Default)]
    /// struct Orders;
    ///
    /// #[service(name = "shop.orders")]
    /// impl Orders {
    ///     /// Returns the number of the trace, for whoever looks for it.
    ///     #[public_method]
    ///     fn trace(&self) -> Option<String> {
    ///         TraceContext::current().map(|trace| trace.trace_id())
    ///     }
    /// }
    /// ```
    pub fn current() -> Option<Self> {
        trace_for_calls(Current::of_thread().as_ref())
    }

    /// Makes a context from its parts. Returns nothing if one of the ids is zero.
    #[doc(hidden)]
    pub fn from_parts(trace_id: u128, parent_id: u64, is_sampled: bool, state: Option<&str>) -> Option<Self> {
        let state = state.filter(|state| !state.is_empty()).map(Arc::from);
        let context = Self { trace_id, parent_id, flags: u8::from(is_sampled), state };
        (trace_id != 0 && parent_id != 0).then_some(context)
    }

    /// Returns the ids of trace and parent as numbers.
    #[doc(hidden)]
    pub fn ids(&self) -> (u128, u64) {
        (self.trace_id, self.parent_id)
    }

    /// Makes a context of a trace that is not recorded. Those who get it do not record it either.
    pub(crate) fn unsampled() -> Self {
        // Nobody looks for this trace, so its number need only be unlikely to occur twice.
        let random = RandomState::new();
        let [high, low, parent_id] = [0_u8, 1, 2].map(|part| random.hash_one(part).max(1));
        Self { trace_id: u128::from(high) << 64 | u128::from(low), parent_id, flags: 0, state: None }
    }

    /// Returns the number of the trace, as 32 hexadecimal digits.
    pub fn trace_id(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// Whether the sender records the trace, and wants others to record it.
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// Returns the value of the header `traceparent`.
    pub fn traceparent(&self) -> String {
        self.to_string()
    }

    /// Returns the value of the header `tracestate`: what the tools that record the trace say to
    /// each other. It has at most 512 bytes.
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// Writes the header `traceparent`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { trace_id, parent_id, flags, .. } = self;
        write!(f, "00-{trace_id:032x}-{parent_id:016x}-{flags:02x}")
    }
}

/// The error of a `traceparent` that cannot be read.
///
/// ```
/// use callbox::TraceContext;
///
/// let error = "00-0-0-00".parse::<TraceContext>().unwrap_err();
/// assert_eq!(error.to_string(), "it is not a `traceparent` of W3C Trace Context");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("it is not a `traceparent` of W3C Trace Context")]
pub struct InvalidTraceparent(());

/// Reads the header `traceparent`.
impl FromStr for TraceContext {
    type Err = InvalidTraceparent;

    fn from_str(traceparent: &str) -> Result<Self, Self::Err> {
        Self::parse(traceparent, None).ok_or(InvalidTraceparent(()))
    }
}

/// Returns the number in these digits, which may not be capital letters.
fn hex(digits: &[u8]) -> Option<u128> {
    digits.iter().try_fold(0, |number, digit| {
        let digit = match digit {
            b'0'..=b'9' => digit - b'0',
            b'a'..=b'f' => digit - b'a' + 10,
            _ => return None,
        };
        Some(number << 4 | u128::from(digit))
    })
}

#[cfg(test)]
mod tests;

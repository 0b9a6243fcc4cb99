//! The request that brought the call of a method, as far as others need it: the calls that the
//! method makes, and lines of the log.

use std::fmt;
use std::sync::Arc;

use crate::request_number::RequestNumber;
use crate::trace_context::TraceContext;

/// A request that is known.
pub trait AmbientRequest: fmt::Debug + Send + Sync {
    /// Returns the id of the request, which these calls have as well.
    fn id(&self) -> Arc<str>;

    /// Returns the trace that the request belongs to, if its sender has said so.
    fn trace(&self) -> Option<TraceContext>;
}

/// The request of a method's call. No larger than a known request alone, since each call has one.
#[derive(Clone, Debug)]
pub enum RequestRef {
    /// The method reads it, or the log names requests.
    Known(Arc<dyn AmbientRequest>),
    /// Nobody has looked at it; `None` if no request brought the call.
    Numbered(Option<RequestNumber>),
}

impl RequestRef {
    /// Stands for no request.
    pub const NONE: Self = Self::Numbered(None);

    /// Returns the request, if it is known.
    pub fn known(&self) -> Option<&Arc<dyn AmbientRequest>> {
        match self {
            Self::Known(request) => Some(request),
            Self::Numbered(_) => None,
        }
    }

    /// Returns the number of a request that nobody has looked at.
    pub fn number(&self) -> Option<RequestNumber> {
        match self {
            Self::Known(_) => None,
            Self::Numbered(number) => *number,
        }
    }

    /// Returns the id of the request, if there is one.
    pub fn id(&self) -> Option<Arc<str>> {
        match self {
            Self::Known(request) => Some(request.id()),
            Self::Numbered(number) => number.map(RequestNumber::id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_takes_no_more_room_than_a_known_request() {
        assert_eq!(size_of::<RequestRef>(), size_of::<Arc<dyn AmbientRequest>>());
    }
}

//! A request that is described once, when the first of its calls asks for it.

use std::cell::Cell;
use std::sync::Arc;

use super::request::RequestInfo;
use super::{RequestNumber, TraceContext};

/// A request as its transport has it, which describes as much of it as somebody needs.
pub(crate) trait DescribeRequest {
    /// Returns all of the request.
    fn whole(&self) -> RequestInfo;

    /// Returns what the log and traces need of it.
    fn brief(&self) -> RequestInfo;

    /// Returns its trace, if its sender has said so.
    fn trace(&self) -> Option<TraceContext>;

    /// Whether its client takes more than one answer, as a response of events.
    fn takes_events(&self) -> bool {
        false
    }
}

/// A request that is described once, when the first of its calls asks for it.
///
/// Most methods do not look at their request, and copying its headers would cost as much as they
/// do.
pub(crate) struct LazyRequest<'a> {
    described: &'a dyn DescribeRequest,
    /// What is known so far. Not two fields, since the future of each request holds them.
    known: Cell<Option<Arc<RequestInfo>>>,
    number: RequestNumber,
}

impl<'a> LazyRequest<'a> {
    #[inline]
    pub(crate) fn new(described: &'a dyn DescribeRequest) -> Self {
        Self { described, known: Cell::new(None), number: RequestNumber::fresh() }
    }

    /// Returns the same request with what the log knows of it.
    #[cfg(feature = "nats")]
    pub(crate) fn logged_as(self, brief: &Arc<RequestInfo>) -> Self {
        self.known.set(Some(Arc::clone(brief)));
        Self { number: brief.number(), ..self }
    }

    /// Returns a request that is described already.
    pub(crate) fn known(info: Arc<RequestInfo>) -> Self {
        let number = info.number();
        Self { described: &Unknown, known: Cell::new(Some(info)), number }
    }

    /// Returns the request.
    pub(crate) fn info(&self) -> Arc<RequestInfo> {
        let whole = match self.get() {
            Some(known) if !known.is_brief() => return known,
            // An id that was made must not be made again.
            Some(brief) => self.described.whole().known_to_log(&brief),
            None => self.described.whole(),
        };
        self.keep(whole)
    }

    /// Returns the request with its id and its trace, and maybe nothing else.
    pub(crate) fn brief(&self) -> Arc<RequestInfo> {
        self.get().unwrap_or_else(|| self.keep(self.described.brief().into_brief()))
    }

    /// Returns the id of the request, and makes one if it has none yet.
    pub(crate) fn id(&self) -> Arc<str> {
        self.get().map_or_else(|| self.number.id(), |known| Arc::clone(known.shared_id()))
    }

    /// Returns the number of the request.
    #[inline]
    pub(crate) fn number(&self) -> RequestNumber {
        self.number
    }

    /// Returns the trace that the request belongs to, if its sender has said so.
    pub(crate) fn trace(&self) -> Option<TraceContext> {
        self.get().map_or_else(|| self.described.trace(), |known| known.trace().cloned())
    }

    /// Whether the client takes more than one answer, as a response of events.
    pub(crate) fn takes_events(&self) -> bool {
        self.described.takes_events()
    }

    /// Returns the request, if a call has asked for it.
    pub(crate) fn known_info(&self) -> Option<Arc<RequestInfo>> {
        self.get().filter(|known| !known.is_brief())
    }

    fn get(&self) -> Option<Arc<RequestInfo>> {
        let known = self.known.take();
        self.known.set(known.clone());
        known
    }

    fn keep(&self, info: RequestInfo) -> Arc<RequestInfo> {
        let info = Arc::new(info.numbered(Some(self.number)));
        self.known.set(Some(Arc::clone(&info)));
        info
    }
}

/// A request of which nothing is known but that it came from this process.
pub(crate) struct Unknown;

impl DescribeRequest for Unknown {
    fn whole(&self) -> RequestInfo {
        RequestInfo::in_process(None, None)
    }

    fn brief(&self) -> RequestInfo {
        self.whole()
    }

    fn trace(&self) -> Option<TraceContext> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_described_once_and_only_if_somebody_asks() {
        /// Counts how often all of it, and what is needed of it, was described.
        #[derive(Default)]
        struct Counted(Cell<u8>, Cell<u8>);
        impl DescribeRequest for Counted {
            fn whole(&self) -> RequestInfo {
                self.0.update(|times| times + 1);
                Unknown.whole()
            }

            fn brief(&self) -> RequestInfo {
                self.1.update(|times| times + 1);
                Unknown.whole()
            }

            fn trace(&self) -> Option<TraceContext> {
                None
            }
        }
        let counted = Counted::default();
        let request = LazyRequest::new(&counted);
        let times = || (counted.0.get(), counted.1.get());
        assert!(request.known_info().is_none() && request.trace().is_none());
        assert_eq!(times(), (0, 0));
        assert!(Arc::ptr_eq(&request.brief(), &request.brief()) && request.known_info().is_none());
        assert_eq!(times(), (0, 1));
        let made = request.brief().id().to_owned();
        assert!(Arc::ptr_eq(&request.info(), &request.info()) && Arc::ptr_eq(&request.info(), &request.brief()));
        assert_eq!(request.info().id(), made, "there is one id");
        assert_eq!(times(), (1, 1));
        assert!(request.known_info().is_some());
    }
}

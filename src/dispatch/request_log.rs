//! What the log says of a request: its id, and the line of the access log.

use std::cell::{Cell, RefCell};
use std::fmt::Write;
use std::net::IpAddr;
use std::rc::Rc;

use tokio::time::Instant;

use crate::jsonrpc::Id;
use crate::service::{CallTimes, CallTransport, RequestInfo, RequestScope, TraceContext};
use crate::sync::Arc;
use crate::trace::OTHER;

/// What is logged of each request.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct RequestLogging {
    /// Whether lines of the log have the ids of requests.
    pub(crate) ids: bool,
    /// Whether each request has a line of its own. Then it has an id as well.
    pub(crate) access: bool,
}

/// Maximum number of methods that the line of a batch names.
const MAX_NAMES: usize = 10;

/// Maximum length of a JSON-RPC id that is logged, in bytes: room for a UUID in quotes.
const MAX_RPC_ID: usize = 40;

/// What the log knows of a request: of one HTTP request, or of one message of a WebSocket.
pub(crate) struct RequestLog {
    request: Arc<RequestInfo>,
    arrived: Instant,
    calls: RefCell<NotedCalls>,
    body_size: Cell<usize>,
    code: Cell<Option<i32>>,
    trace_id: RefCell<Option<String>>,
    /// The request of the only call of the body, if its caller has said something of it.
    of_call: RefCell<Option<Arc<RequestInfo>>>,
}

/// The calls of a body.
#[derive(Debug, Default)]
struct NotedCalls {
    /// The method of a single call, or of the first members of a batch, with commas between.
    names: String,
    count: usize,
    is_batch: bool,
    rpc_id: Option<String>,
}

impl RequestLog {
    /// `request` has the id, and need not have more.
    pub(crate) fn new(request: Arc<RequestInfo>) -> Self {
        Self {
            request,
            arrived: Instant::now(),
            calls: RefCell::default(),
            body_size: Cell::new(0),
            code: Cell::new(None),
            trace_id: RefCell::default(),
            of_call: RefCell::default(),
        }
    }

    pub(crate) fn request(&self) -> &Arc<RequestInfo> {
        &self.request
    }

    /// Makes lines of this thread lines of the request, until the scope is dropped.
    pub(crate) fn enter(&self) -> RequestScope {
        RequestScope::enter(self.request.clone())
    }

    /// Notes the size of the body, in bytes.
    pub(crate) fn note_body(&self, size: usize) {
        self.body_size.set(size);
    }

    /// Notes the error code of a response that is a single error.
    pub(crate) fn note_code(&self, code: Option<i32>) {
        self.code.set(code);
    }

    /// Whether the body is a batch.
    pub(super) fn is_batch(&self) -> bool {
        self.calls.borrow().is_batch
    }

    /// Notes the request of the only call of the body, which may have an id or a trace of its own.
    pub(super) fn note_request(&self, request: &Arc<RequestInfo>) {
        self.of_call.replace(Some(Arc::clone(request)));
    }

    /// Returns the request that the line is about.
    fn named_request(&self) -> Arc<RequestInfo> {
        self.of_call.borrow().as_ref().map_or_else(|| Arc::clone(&self.request), Arc::clone)
    }

    /// Notes where the span of the only call of the body stands in its trace, if that is known.
    pub(super) fn note_trace(&self, context: Option<&TraceContext>) {
        self.trace_id.replace(context.map(TraceContext::trace_id));
    }

    /// Returns the number of the trace that the request belongs to: that of the span of its call,
    /// or else the one that its sender has sent.
    pub(crate) fn trace_id(&self) -> Option<String> {
        let of_span = self.trace_id.borrow().clone();
        of_span.or_else(|| self.named_request().trace().map(TraceContext::trace_id))
    }

    /// Notes the only call of the body. `method` is `None` if there is no such method.
    pub(super) fn note_call(&self, method: Option<&'static str>, id: Option<Id<'_>>) {
        let mut calls = self.calls.borrow_mut();
        *calls = NotedCalls { rpc_id: id.and_then(short_id), ..NotedCalls::default() };
        calls.add(method);
    }

    /// Notes the methods of a batch; `None` stands for a member without one.
    pub(super) fn note_batch(&self, methods: impl Iterator<Item = Option<&'static str>>) {
        let mut calls = self.calls.borrow_mut();
        *calls = NotedCalls { is_batch: true, ..NotedCalls::default() };
        methods.for_each(|method| calls.add(method));
    }
}

impl NotedCalls {
    fn add(&mut self, method: Option<&'static str>) {
        let name = method.unwrap_or(OTHER);
        if self.count < MAX_NAMES {
            let comma = if self.count == 0 { "" } else { "," };
            // Writing to a string cannot fail.
            let _ = write!(self.names, "{comma}{name}");
        }
        self.count += 1;
    }
}

/// Returns the text of an id that is short and plain, without the quotes of a string.
pub(super) fn short_id(id: Id<'_>) -> Option<String> {
    let json = id.as_json();
    let text = json.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).unwrap_or(json);
    let plain = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\\');
    (json.len() <= MAX_RPC_ID && text.bytes().all(plain)).then(|| text.to_owned())
}

/// The line of the access log. It is written once: when the response is there, or when this is
/// dropped, because the client is gone.
pub(crate) struct AccessLine {
    log: Rc<RequestLog>,
    transport: CallTransport,
    peer: Option<IpAddr>,
    is_written: bool,
}

impl AccessLine {
    pub(crate) fn new(log: Rc<RequestLog>, transport: CallTransport, peer: Option<IpAddr>) -> Self {
        Self { log, transport, peer, is_written: false }
    }

    /// Writes the line of a request that was answered. `status` is that of HTTP, and `size` that of
    /// the response in bytes; `None` while the response goes on.
    pub(crate) fn answered(mut self, status: Option<u16>, size: Option<usize>) {
        self.write(status, size, false);
    }

    /// Writes no line: there was nothing to answer.
    pub(crate) fn skip(mut self) {
        self.is_written = true;
    }

    fn write(&mut self, status: Option<u16>, size: Option<usize>, abandoned: bool) {
        self.is_written = true;
        let RequestLog { arrived, calls, body_size, code, .. } = &*self.log;
        let request = self.log.named_request();
        let calls = calls.borrow();
        let (single, batch) = if calls.is_batch { (None, Some(&*calls)) } else { (Some(&*calls), None) };
        log_access!(
            peer = self.peer.map(|peer| peer.to_string()),
            transport = match self.transport {
                CallTransport::WebSocket => "websocket",
                CallTransport::Http => "http",
                CallTransport::Nats => "nats",
                CallTransport::InProcess => "process",
            },
            method = single.filter(|calls| calls.count > 0).map(|calls| calls.names.as_str()),
            methods = batch.map(|calls| calls.names.as_str()),
            calls = batch.map(|calls| calls.count),
            rpc_id = calls.rpc_id.as_deref(),
            request_id = request.id(),
            trace_id = self.log.trace_id(),
            status,
            code = code.get(),
            bytes_in = body_size.get(),
            bytes_out = size,
            duration_us = u64::try_from(arrived.elapsed().as_micros()).unwrap_or(u64::MAX),
            wait_us = request.times().and_then(CallTimes::wait_us),
            run_us = request.times().and_then(CallTimes::run_us),
            abandoned = abandoned.then_some(true),
            "request"
        );
    }

    /// Whether the body had calls, or was answered with an error.
    pub(crate) fn has_calls(&self) -> bool {
        self.log.calls.borrow().count > 0 || self.log.code.get().is_some()
    }
}

impl Drop for AccessLine {
    fn drop(&mut self) {
        if !self.is_written {
            self.write(None, None, true);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_the_first_members_of_a_batch_and_counts_all() {
        let mut calls = NotedCalls::default();
        (0..37).for_each(|_| calls.add(Some("say")));
        assert_eq!((calls.names.as_str(), calls.count), ("say,say,say,say,say,say,say,say,say,say", 37));
    }
}

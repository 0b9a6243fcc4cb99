//! Bodies that are taken although a session has no room for further calls.

use std::sync::Arc;

use crate::dispatch::RpcResponse;
use crate::jsonrpc::{Dialect, Envelope, RpcError};
use crate::route::Route;
use crate::service::StreamUse;

use super::cancel_request::cancelled_id;
use super::{Ended, Frame, MAX_ENDED_BYTES, Session};

/// When a body has its turn while there is no room for further calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Urgency {
    /// Now: it ends a call that has begun, or a subscription.
    Now,
    /// It cancels the call with this id, which has not begun.
    Cancels(Box<str>),
    /// Once there is room. The id is that of a single call.
    Waits(Option<Box<str>>),
}

impl Session {
    /// Whether bodies may be looked at although there is no room for one: some of them make room.
    /// Not if the client does not read, since they may have replies.
    pub(crate) fn looks_ahead(&self) -> bool {
        self.ended_bytes < MAX_ENDED_BYTES
    }

    /// Returns when a body has its turn.
    pub(crate) fn urgency(&self, frame: &impl Frame) -> Urgency {
        let dispatch = &self.shared.dispatch;
        let Ok(Envelope::Single(Ok(request))) = frame.envelope(&dispatch.limits) else { return Urgency::Waits(None) };
        // With an id it is a call of a method that does not exist.
        if request.id.is_none()
            && let Some(id) = cancelled_id(&request)
        {
            return if self.shared.in_flight.has(id) { Urgency::Now } else { Urgency::Cancels(id.into()) };
        }
        let unsubscribes = |route: &Arc<dyn Route>| route.options().streams == StreamUse::Unsubscribes;
        if dispatch.router.find(&request.method).is_some_and(unsubscribes) {
            return Urgency::Now;
        }
        Urgency::Waits(request.id.map(|id| id.as_json().into()))
    }

    /// Answers a call that was cancelled before it has begun.
    pub(crate) fn answer_cancelled(&mut self, frame: &impl Frame) {
        let Ok(Envelope::Single(Ok(request))) = frame.envelope(&self.shared.dispatch.limits) else { return };
        let Some(id) = request.id else { return };
        let response = RpcResponse::error(Dialect::Jsonrpc, id, &RpcError::cancelled());
        self.started += 1;
        self.keep_ended(Ended { envelope: self.started, response });
    }
}

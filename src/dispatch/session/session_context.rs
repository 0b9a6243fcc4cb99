//! What a call needs of the session that it belongs to.

use std::rc::Rc;
use std::sync::Arc;

use crate::jsonrpc::{CallMeta, RpcError, RpcRequest};
use crate::route::{Route, Subscriber};
use crate::service::{CallContext, ProgressSlot, StreamUse};

use super::Shared;
use super::call_subscriber::CallSubscriber;
use super::caller_meta;
use super::cancel_request::{CANCEL, cancelled_id};
use super::in_flight::InFlight;
use super::subscriptions::ProgressGuard;

/// What a call needs of the session that it belongs to.
#[derive(Clone, Copy)]
pub(crate) struct SessionContext<'a> {
    pub(super) shared: &'a Shared,
    pub(super) envelope: u64,
    /// Whether no call may begin any more.
    pub(super) is_stopping: bool,
}

impl<'a> SessionContext<'a> {
    /// Whether no call may begin any more.
    pub(in crate::dispatch) fn is_stopping(self) -> bool {
        self.is_stopping
    }

    /// Whether this notification is for the session and not for a method. Then it was handled.
    pub(in crate::dispatch) fn takes(self, request: &RpcRequest<'_>) -> bool {
        if request.method != CANCEL {
            return false;
        }
        if let Some(id) = cancelled_id(request) {
            self.shared.in_flight.cancel(id);
        }
        true
    }

    /// Returns the calls of the connection.
    pub(in crate::dispatch) fn in_flight(self) -> &'a InFlight {
        &self.shared.in_flight
    }

    /// Applies what the caller says about a call with these parameters, and returns what takes more
    /// of it than its reply.
    ///
    /// # Errors
    /// -32602 if the caller says something that cannot be read, and -32603 if the call would wait
    /// for itself.
    pub(in crate::dispatch) fn streams(
        self,
        params: Option<&str>,
        route: &Arc<dyn Route>,
        call: &mut CallContext,
    ) -> Result<CallStreams, RpcError> {
        let (mut meta, subscriptions) = (CallMeta::of(params)?, &self.shared.subscriptions);
        caller_meta::apply(&meta, &self.shared.client.request, &**route, call)?;
        meta.after = meta.after.or_else(|| self.shared.client.after.as_deref().map(Into::into));
        let mut streams = CallStreams::default();
        if let Some(token) = meta.progress_token.filter(|_| !call.notification) {
            let slot = Arc::<ProgressSlot>::default();
            call.progress = Some(Arc::clone(&slot));
            streams.progress = Some(ProgressGuard::new(subscriptions, token, slot));
        }
        if route.options().streams != StreamUse::Nothing {
            streams.subscriber = Some(Rc::new(CallSubscriber::new(subscriptions, self.envelope, meta)));
        }
        Ok(streams)
    }
}

/// What takes more of a call than its reply, until the reply is there.
#[derive(Default)]
pub(in crate::dispatch) struct CallStreams {
    /// Takes the items of a subscription.
    pub(in crate::dispatch) subscriber: Option<Rc<dyn Subscriber>>,
    /// Ends the reports of the progress.
    progress: Option<ProgressGuard>,
}

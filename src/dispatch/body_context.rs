//! What the calls of one body have in common.

use std::rc::Rc;

use tokio::time::Instant;

use crate::auth::{Caller, NotChecked};
use crate::jsonrpc::{Id, PendingResults, ResponseBudget, RpcError, code};
use crate::measure::{RefusedReason, RefusedRequests};
use crate::route::{CallOutcome, StartContext};
use crate::service::Link;
use crate::sync::Arc;

use super::RequestMeta;
use super::session::{CallStreams, CancellableCall};

/// What all calls of one body have in common.
pub(super) struct BodyContext<'a> {
    pub(super) arrived: Instant,
    pub(super) meta: RequestMeta<'a>,
    pub(super) who: Result<Caller, NotChecked>,
    /// The services of other processes that wait for the calls.
    pub(super) chain: Option<Arc<Link>>,
    pub(super) budget: Rc<ResponseBudget>,
    pub(super) refused: &'a RefusedRequests,
}

impl<'a> BodyContext<'a> {
    /// The caller is anonymous until it is identified.
    #[inline]
    pub(super) fn new(
        arrived: Instant,
        meta: RequestMeta<'a>,
        budget: ResponseBudget,
        refused: &'a RefusedRequests,
    ) -> Self {
        let chain = meta.chain.and_then(Link::from_header);
        Self { arrived, meta, who: Ok(Caller::anonymous()), chain, budget: Rc::new(budget), refused }
    }

    /// Returns the context in which one of the calls starts. Its result is appended to `out`.
    pub(super) fn start_context<'c>(
        &'c self,
        inline: bool,
        streams: &'c CallStreams,
        out: &'c mut Vec<u8>,
    ) -> StartContext<'c> {
        StartContext {
            budget: &self.budget,
            inline,
            peer: self.meta.peer,
            subscriber: streams.subscriber.as_ref(),
            out,
        }
    }

    /// Counts a request that reached no method.
    pub(super) fn count_refused(&self, error: &RpcError) {
        count_refused(self.refused, &self.meta, error);
    }

    /// Registers a call that nobody polls yet, so that its caller can cancel it.
    pub(super) fn cancellable(&self, id: Option<Id<'_>>) -> Option<CancellableCall<'_>> {
        self.meta.session.zip(id).map(|(session, id)| session.in_flight().register(id))
    }

    /// Waits for the reply of a call, unless its caller cancels it. It may have been registered
    /// before.
    pub(super) async fn unless_cancelled(
        &self,
        id: Id<'_>,
        registered: Option<CancellableCall<'_>>,
        reply: impl Future<Output = CallOutcome>,
    ) -> CallOutcome {
        match self.meta.session {
            None => reply.await,
            Some(session) => {
                let reply = session.in_flight().unless_cancelled(id, registered, reply).await;
                reply.unwrap_or_else(|| Err(RpcError::cancelled()))
            }
        }
    }

    /// Returns the error of a member with this id that need not run, because the response has no
    /// room for its result. A notification has none.
    pub(super) fn skipped_error(&self, id: Option<Id<'_>>) -> Option<RpcError> {
        (id.is_some() && self.budget.is_full()).then(|| self.budget.error(PendingResults::not_run()))
    }
}

/// Counts a request that reached no method, for the reason in its error.
#[cold]
pub(super) fn count_refused(refused: &RefusedRequests, meta: &RequestMeta<'_>, error: &RpcError) {
    let reason = match error.code() {
        code::PARSE_ERROR => RefusedReason::Parse,
        code::INVALID_REQUEST => RefusedReason::Invalid,
        code::METHOD_NOT_FOUND => RefusedReason::UnknownMethod,
        code::ACCESS_DENIED => RefusedReason::Access,
        // Of a server that stops, or whose authenticator is away, which counts for itself.
        _ => return,
    };
    refused.add(meta.carrier, reason);
}

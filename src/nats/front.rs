//! What all messages of a server need.

use std::cell::Cell;
use std::rc::Rc;

use tokio::sync::{Notify, watch};

use callbox_client::__engine::NatsConnection;

use crate::dispatch::{Dispatch, RequestLogging};
use crate::jsonrpc::RpcError;
use crate::measure::{Carrier, NatsCounters, RefusedReason};
use crate::sync::Arc;

use super::open_calls::OpenCalls;
use super::pauses::Pauses;

/// Maximum number of subscriptions, and of calls with reports of their progress, of all callers.
const MAX_STREAMS: usize = 16_384;

/// The calls of a server over NATS, on the thread of the connection.
pub(super) struct Front {
    pub(super) connection: Arc<NatsConnection>,
    pub(super) dispatch: Arc<Dispatch>,
    /// The header that carries a token, in addition to `Authorization: Bearer …`.
    pub(super) token_header: String,
    pub(super) logging: RequestLogging,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) open_calls: Rc<OpenCalls>,
    pub(super) counters: Arc<NatsCounters>,
    /// The id of this process among the instances.
    pub(super) instance: String,
    /// The subject of messages for this instance alone.
    pub(super) instance_subject: String,
    pub(super) pauses: Pauses,
    /// Maximum size of the parameters of a call, in bytes.
    body_limit: usize,
    /// Cloned for each call with more than a reply.
    streams: Rc<()>,
    /// Number of messages whose calls have not ended.
    under_way: Cell<usize>,
    ended: Notify,
}

/// What a server brings to NATS.
pub(super) struct FrontParts {
    pub(super) connection: Arc<NatsConnection>,
    pub(super) dispatch: Arc<Dispatch>,
    pub(super) token_header: String,
    pub(super) logging: RequestLogging,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) counters: Arc<NatsCounters>,
    pub(super) instance: String,
    pub(super) body_limit: usize,
}

impl Front {
    pub(super) fn new(parts: FrontParts) -> Rc<Self> {
        let FrontParts { connection, dispatch, token_header, logging, stopping, counters, instance, body_limit } =
            parts;
        let instance_subject = format!("{}._instance.{instance}", connection.prefix);
        Rc::new(Self {
            connection,
            dispatch,
            token_header,
            logging,
            stopping,
            open_calls: Rc::default(),
            counters,
            instance,
            instance_subject,
            pauses: Pauses::new(),
            body_limit,
            streams: Rc::default(),
            under_way: Cell::new(0),
            ended: Notify::new(),
        })
    }

    /// Checks the size of the parameters in a message, which NATS may let be larger.
    ///
    /// # Errors
    /// That of a request that is too large.
    pub(super) fn check_size(&self, payload: &[u8]) -> Result<(), RpcError> {
        if payload.len() <= self.body_limit {
            return Ok(());
        }
        self.dispatch.refused.add(Carrier::Nats, RefusedReason::TooLarge);
        let reason = format_args!("the parameters have {} bytes, of at most {}", payload.len(), self.body_limit);
        Err(RpcError::invalid_request(&reason))
    }

    /// Checks that there is room for another call with more than a reply.
    ///
    /// # Errors
    /// That of a subscription for which there is none.
    pub(super) fn check_streams(&self, method: &'static str) -> Result<(), RpcError> {
        let is_full = Rc::strong_count(&self.streams) > MAX_STREAMS;
        if is_full { Err(RpcError::too_many_subscriptions(method, MAX_STREAMS)) } else { Ok(()) }
    }

    /// Counts a call with more than a reply, for as long as the returned value exists.
    pub(super) fn count_stream(&self) -> Rc<()> {
        Rc::clone(&self.streams)
    }

    /// Counts a message until its call has ended.
    pub(super) fn begin(self: &Rc<Self>) -> UnderWay {
        UnderWay::new(self)
    }

    /// Waits until all calls have ended.
    pub(super) async fn all_ended(&self) {
        while self.under_way.get() > 0 {
            self.ended.notified().await;
        }
    }
}

/// A message whose call has not ended.
pub(super) struct UnderWay(Rc<Front>);

impl UnderWay {
    fn new(front: &Rc<Front>) -> Self {
        front.under_way.update(|count| count + 1);
        Self(Rc::clone(front))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.update(|count| count - 1);
        if self.0.under_way.get() == 0 {
            self.0.ended.notify_waiters();
        }
    }
}

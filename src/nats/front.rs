//! What all messages of a server need.

use std::cell::Cell;
use std::rc::Rc;

use async_nats::Message;
use futures::FutureExt;
use tokio::sync::{Notify, watch};
use tokio::task::spawn_local;

use callbox_client::__engine::NatsConnection;

use crate::dispatch::{Dispatch, RequestLogging};
use crate::route::Route;
use crate::sync::Arc;

use super::call;
use super::open_calls::OpenCalls;

/// The calls of a server over NATS, on the thread of the connection.
pub(super) struct Front {
    pub(super) connection: Arc<NatsConnection>,
    pub(super) dispatch: Arc<Dispatch>,
    /// The header that carries a token, in addition to `Authorization: Bearer …`.
    pub(super) token_header: String,
    pub(super) logging: RequestLogging,
    pub(super) stopping: watch::Receiver<bool>,
    pub(super) open_calls: Rc<OpenCalls>,
    /// The id of this process among the instances.
    pub(super) instance: String,
    /// The subject of messages for this instance alone.
    pub(super) instance_subject: String,
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
    pub(super) instance: String,
}

impl Front {
    pub(super) fn new(parts: FrontParts) -> Rc<Self> {
        let FrontParts { connection, dispatch, token_header, logging, stopping, instance } = parts;
        let instance_subject = format!("{}._instance.{instance}", connection.prefix);
        Rc::new(Self {
            connection,
            dispatch,
            token_header,
            logging,
            stopping,
            open_calls: Rc::default(),
            instance,
            instance_subject,
            under_way: Cell::new(0),
            ended: Notify::new(),
        })
    }

    /// Takes a message for this method. Its call is begun, and has most often ended, when this
    /// returns: so no message waits for the call of another.
    pub(super) fn take(self: &Rc<Self>, route: &Arc<dyn Route>, message: Message) {
        let under_way = UnderWay::new(self);
        let (front, route) = (Rc::clone(self), Arc::clone(route));
        let mut call = Box::pin(async move {
            let _under_way = under_way;
            call::answer(front, route, message).await;
        });
        if call.as_mut().now_or_never().is_none() {
            spawn_local(call);
        }
    }

    /// Waits until all calls have ended.
    pub(super) async fn all_ended(&self) {
        while self.under_way.get() > 0 {
            self.ended.notified().await;
        }
    }
}

/// A message whose call has not ended.
struct UnderWay(Rc<Front>);

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

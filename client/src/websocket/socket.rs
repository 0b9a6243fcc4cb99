//! What clients hold of a WebSocket: the way to its background task.

use std::fmt;
use std::sync::{Arc, Weak};

use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot, watch};

use crate::progress::ProgressSlot;
use crate::request::BodyShape;
use crate::stream::{CallStreams, Feed, FeedStart};
use crate::transport::{BodyIds, DynTransport, TransportError, TransportRequest, TransportResponse};

use super::feed::{self, FeedBuffer};

/// Number of bodies that may wait for the background task. Further ones wait for room.
const QUEUE: usize = 64;

/// A connection that is opened again when it is lost, as its clients see it.
pub(super) struct Socket {
    commands: mpsc::Sender<Command>,
    controls: mpsc::UnboundedSender<Control>,
    /// Ends with the background task.
    running: watch::Receiver<()>,
    /// The token that the connection was opened with.
    token: Option<Arc<str>>,
}

/// A body to send.
#[derive(Debug)]
pub(super) struct Command {
    pub(super) text: BodyText,
    pub(super) ids: BodyIds,
    /// Who gets the reports of its only call.
    pub(super) progress: Option<Weak<ProgressSlot>>,
    pub(super) reply: Reply,
}

/// The text of a body.
#[derive(Debug)]
pub(super) struct BodyText {
    pub(super) plain: Vec<u8>,
    /// The same with what the caller says in the parameters, for a server that reads it there.
    pub(super) with_meta: Option<Vec<u8>>,
}

/// Where the response to a body goes, or that it was sent, if it has only notifications.
pub(super) type Reply = oneshot::Sender<Result<Vec<u8>, TransportError>>;

/// A change that must not wait, because it is made in a `Drop`. For each call and each subscription
/// there is at most one of each kind, so the queue is bounded by those that there are.
#[derive(Debug)]
pub(super) enum Control {
    /// A subscription whose call is going to be sent.
    Open(Arc<FeedBuffer>),
    /// Nobody takes the items of this subscription any more.
    Close {
        /// The id of its first call.
        call: u64,
    },
    /// What was opened is no subscription, so there is nothing to end.
    Forget {
        /// The id of its call.
        call: u64,
    },
    /// Nobody waits for the response to this body any more.
    Cancel {
        /// The id of its first call.
        first: u64,
    },
}

/// The other ends, for the background task.
pub(super) struct Queues {
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) controls: mpsc::UnboundedReceiver<Control>,
    /// Dropped with the background task.
    #[expect(dead_code, reason = "its drop says that the task has ended")]
    pub(super) running: watch::Sender<()>,
}

impl Socket {
    pub(super) fn new(token: Option<Arc<str>>) -> (Self, Queues) {
        let (commands, received) = mpsc::channel(QUEUE);
        let (controls, changed) = mpsc::unbounded_channel();
        let (runs, running) = watch::channel(());
        let queues = Queues { commands: received, controls: changed, running: runs };
        (Self { commands, controls, running, token }, queues)
    }

    async fn exchange(&self, request: TransportRequest) -> Result<TransportResponse, TransportError> {
        if request.token != self.token {
            return Err(TransportError::unsupported(
                "all calls over a WebSocket have the token that it was opened with: connect another client for \
                 another token",
            ));
        }
        let (reply, received) = oneshot::channel();
        let TransportRequest { body, body_with_meta, ids, streams, .. } = request;
        let text = BodyText { plain: body, with_meta: body_with_meta };
        let progress = streams.progress.as_ref().map(Arc::downgrade);
        let mut waiting = Waiting { received, first: ids.calls.first().copied(), controls: &self.controls };
        let command = Command { text, ids, progress, reply };
        if self.commands.send(command).await.is_err() {
            waiting.first = None;
            return Err(TransportError::never_sent(STOPPED));
        }
        let received = (&mut waiting.received).await;
        // There is nothing left to cancel.
        waiting.first = None;
        received.unwrap_or_else(|_| Err(TransportError::lost(STOPPED))).map(TransportResponse::new)
    }
}

/// The error of a call after the background task has ended.
pub(super) const STOPPED: &str = "the runtime that has opened the WebSocket has stopped";

impl DynTransport for Socket {
    fn send_boxed(&self, request: TransportRequest) -> BoxFuture<'_, Result<TransportResponse, TransportError>> {
        Box::pin(self.exchange(request))
    }

    fn puts_meta_into_params(&self) -> bool {
        true
    }

    fn closed(&self) -> BoxFuture<'static, ()> {
        let mut running = self.running.clone();
        // Nothing is ever sent, so the only change is the end of the task.
        Box::pin(async move { while running.changed().await.is_ok() {} })
    }

    fn has_streams(&self, _: BodyShape) -> bool {
        true
    }

    fn open_feed(&self, start: FeedStart) -> Option<(Feed, CallStreams)> {
        Some((feed::open(start, self.controls.clone()), CallStreams::default()))
    }
}

impl fmt::Debug for Socket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Socket").field("has_token", &self.token.is_some()).finish_non_exhaustive()
    }
}

/// A caller that waits for a response. If it stops waiting, its calls are cancelled.
struct Waiting<'a> {
    received: oneshot::Receiver<Result<Vec<u8>, TransportError>>,
    /// The id of the first call. None for notifications, and when there is nothing to cancel.
    first: Option<u64>,
    controls: &'a mpsc::UnboundedSender<Control>,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        let Some(first) = self.first else { return };
        // Closed first, so that a body that is still in the queue is not sent afterwards.
        self.received.close();
        let _ = self.controls.send(Control::Cancel { first });
    }
}

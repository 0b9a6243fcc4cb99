//! What an instance sends besides the reply to a call: reports of its progress, and the items of a
//! subscription across all instances that have it.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{self, BoxStream};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use crate::client_error::ClientError;
use crate::progress::ProgressSlot;
use crate::rpc_error::RpcError;
use crate::stream::{Backoff, FeedEnd, FeedEvent, Frame, OpenSubscription, ProgressNotice};
use crate::transport::TransportError;

use super::connection::Connection;
use super::replies::{StreamLoss, StreamMessage, WaitingStream};
use super::reply::Reply;
use super::transport::{CallHeaders, ServiceCalls};
use super::wire::{ControlMessage, RENEW_INTERVAL};

/// Maximum time for an instance to answer a renewal.
const RENEW_TIMEOUT: Duration = Duration::from_secs(2);

/// A call that gets more than its reply.
pub(super) struct NatsCall<'a> {
    pub(super) calls: &'a ServiceCalls,
    pub(super) headers: &'a CallHeaders,
    pub(super) events: &'a mut WaitingStream,
}

impl NatsCall<'_> {
    /// Sends the call, and waits for its reply. Reports of the progress that come before it go into
    /// the slot.
    pub(super) async fn reply(
        self,
        method: &str,
        params: &str,
        call: u64,
        progress: Option<&ProgressSlot>,
    ) -> Result<Result<Reply, RpcError>, TransportError> {
        let Self { calls, headers, events } = self;
        let subject = events.subject();
        let reply = calls.call(method, params, headers, Some(&subject));
        let mut reply = std::pin::pin!(reply);
        loop {
            tokio::select! {
                biased;
                report = events.next(), if progress.is_some() => {
                    let Some(StreamMessage { message, .. }) = report else { return reply.await };
                    if let Ok(Frame::Progress(ProgressNotice { token, value })) = Frame::parse(&text(&message.payload))
                        && token == call
                    {
                        progress.into_iter().for_each(|slot| slot.put(value.clone()));
                    }
                }
                reply = &mut reply => return reply,
            }
        }
    }
}

/// A subscription that an instance has, or had.
struct NatsItems {
    calls: Arc<ServiceCalls>,
    headers: CallHeaders,
    subscription: Arc<OpenSubscription>,
    open: Option<OpenItems>,
    backoff: Backoff,
    /// What comes after an item of the same message.
    end: Option<FeedEnd>,
}

/// A subscription that an instance has.
struct OpenItems {
    calls: Arc<ServiceCalls>,
    /// The reply subject of the call that has started it, by which the instance knows it.
    id: String,
    /// The subject of the instance.
    instance: String,
    events: WaitingStream,
    /// Ends the renewals when it is dropped.
    _renewed: oneshot::Sender<()>,
}

/// Returns the items of a subscription that was started. It is renewed until they are dropped,
/// which ends it. `begun` is the reply subject of its call, and the subject of the
/// instance that has it.
pub(super) fn items(
    calls: Arc<ServiceCalls>,
    headers: CallHeaders,
    subscription: Arc<OpenSubscription>,
    begun: (String, String),
    events: WaitingStream,
) -> BoxStream<'static, FeedEvent> {
    let open = OpenItems::new(&calls, begun, events);
    let items = NatsItems { calls, headers, subscription, open: Some(open), backoff: Backoff::new(), end: None };
    Box::pin(stream::unfold(items, |mut items| async {
        let event = items.next().await;
        Some((event, items))
    }))
}

impl NatsItems {
    /// Returns the next item, or the end.
    async fn next(&mut self) -> FeedEvent {
        loop {
            if let Some(end) = self.end.take() {
                return FeedEvent::End(end);
            }
            let open = match &mut self.open {
                Some(open) => open,
                None => match self.reopen().await {
                    Ok(open) => self.open.insert(open),
                    Err(error) => return FeedEvent::End(FeedEnd::Failed(error)),
                },
            };
            // The instance, or the connection, is gone when there is no next message.
            let Some(StreamMessage { message, missed }) = open.events.next().await else {
                let method = &*self.subscription.start.method;
                log_debug!(method, "the instance with a subscription is lost, and another is asked for it");
                self.open = None;
                continue;
            };
            let text = text(&message.payload);
            match Frame::parse(&text) {
                Ok(Frame::Notice(notice)) => {
                    self.backoff.reset();
                    let (item, end) = self.subscription.with_position(|position| {
                        position.missed(missed);
                        position.receive(notice)
                    });
                    // Another instance may go on with it.
                    let stops = matches!(&end, Some(FeedEnd::Failed(ClientError::Rejected(_))));
                    self.end = end.filter(|_| !stops);
                    if self.end.is_some() || stops {
                        self.open = None;
                    }
                    if let Some(item) = item {
                        return FeedEvent::Item(item);
                    }
                }
                // A report of the progress, for example, although the call has ended.
                Ok(_) => {}
                Err(cause) => return FeedEvent::malformed(cause),
            }
        }
    }

    /// Starts the subscription again, with any instance.
    ///
    /// # Errors
    /// If the service refuses it for good.
    async fn reopen(&mut self) -> Result<OpenItems, ClientError> {
        #[derive(Deserialize)]
        struct Restart<'a> {
            #[serde(borrow, default)]
            params: Option<&'a RawValue>,
        }
        let subscription = &*self.subscription;
        let (call, method) = (subscription.start.call, &*subscription.start.method);
        loop {
            sleep(self.backoff.next_pause()).await;
            let body = subscription.with_position(|position| position.restart(&subscription.start)).unwrap_or_default();
            let restart: Option<Restart<'_>> = serde_json::from_slice(&body).ok();
            let params = restart.and_then(|restart| restart.params).map_or("", RawValue::get);
            let time = subscription.start.deadline;
            let headers = self.headers.with_timeout(time);
            let mut events = self.calls.connection.inbox.stream();
            let waiting = NatsCall { calls: &self.calls, headers: &headers, events: &mut events };
            let cause = match timeout(time, waiting.reply(method, params, call, None)).await {
                Ok(Ok(Ok(reply))) => match (reply.instance(), reply.error()) {
                    (Some(instance), None) => {
                        return Ok(OpenItems::new(&self.calls, (reply.subject, instance), events));
                    }
                    (_, Some(error)) => ClientError::from_server(error),
                    (None, None) => return Err(ClientError::bad_response("it has started no subscription")),
                },
                Ok(Ok(Err(error))) => ClientError::from_server(error),
                Ok(Err(error)) => error.into(),
                Err(_) => ClientError::Deadline(None),
            };
            match cause {
                ClientError::Method(_) | ClientError::Server(_) => return Err(cause),
                _ => log_debug!(method, %cause, "a subscription could not be started again"),
            }
        }
    }
}

impl OpenItems {
    fn new(calls: &Arc<ServiceCalls>, (id, instance): (String, String), events: WaitingStream) -> Self {
        let (renewed, released) = oneshot::channel();
        let renewal = Renewal {
            connection: Arc::clone(&calls.connection),
            message: serde_json::to_vec(&ControlMessage::Renew(id.clone())).unwrap_or_default(),
            instance: instance.clone(),
            loss: events.loss(),
        };
        // Not as the items are polled: their subscriber may take long for one of them.
        calls.connection.thread.spawn(|| renewal.run(released));
        Self { calls: Arc::clone(calls), id, instance, events, _renewed: renewed }
    }
}

/// Renews a subscription for as long as somebody has it.
struct Renewal {
    connection: Arc<Connection>,
    message: Vec<u8>,
    instance: String,
    loss: StreamLoss,
}

impl Renewal {
    async fn run(self, released: oneshot::Receiver<()>) {
        let lost = async {
            loop {
                sleep(RENEW_INTERVAL).await;
                if !self.renew().await {
                    break;
                }
            }
        };
        tokio::select! {
            _ = released => {}
            () = lost => self.loss.end(),
        }
    }

    /// Keeps the subscription for another while. Returns whether the instance still has it.
    async fn renew(&self) -> bool {
        let mut waiting = self.connection.inbox.call();
        let message = self.message.clone().into();
        let sent = self.connection.client.publish_with_reply(self.instance.clone(), waiting.subject(), message).await;
        if sent.is_err() {
            return false;
        }
        match timeout(RENEW_TIMEOUT, waiting.reply()).await {
            Ok(Some(reply)) => reply.status.is_none() && &*reply.payload == b"true",
            _ => false,
        }
    }
}

impl Drop for OpenItems {
    fn drop(&mut self) {
        if let Ok(message) = serde_json::to_vec(&ControlMessage::Cancel(std::mem::take(&mut self.id))) {
            self.calls.connection.publish_later(std::mem::take(&mut self.instance), message);
        }
    }
}

fn text(payload: &[u8]) -> String {
    String::from_utf8_lossy(payload).into_owned()
}

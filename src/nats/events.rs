//! A call with more than its reply: the items of a subscription, or reports of its progress, which
//! go to the subject that its caller names.
//!
//! It is a session of its own. A subscription is kept for as long as its caller renews it, since
//! nobody says that a subscriber is gone.

use std::future::poll_fn;
use std::mem;
use std::rc::Rc;

use async_nats::{Message, Subject};
use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use callbox_client::__engine::wire::LEASE;

use crate::dispatch::{
    CANCEL, Frame, Outbox, RequestLog, RpcResponse, Session, SessionClient, SessionLimits, SessionToken,
};
use crate::jsonrpc::{Envelope, Limits, RpcError, RpcRequest};
use crate::route::Route;
use crate::service::{Cursor, DescribeRequest, StreamUse};
use crate::sync::Arc;

use super::front::Front;
use super::headers::CallHeaders;
use super::reply;

/// Maximum number of messages that are made before they are given to the connection.
const MESSAGES_AT_ONCE: usize = 64;

/// A call, and its cancelling, within one session.
const LIMITS: SessionLimits = SessionLimits { envelopes: 2, subscriptions: 1 };

/// A message as a body of a session.
struct MessageFrame {
    method: &'static str,
    params: Bytes,
    is_call: bool,
}

impl Frame for MessageFrame {
    fn bytes(&self) -> &[u8] {
        &self.params
    }

    fn envelope(&self, limits: &Limits) -> Result<Envelope<'_>, RpcError> {
        let request = RpcRequest::of_parts(self.method, &self.params, self.is_call, limits)?;
        Ok(Envelope::Single(Ok(request)))
    }
}

/// What is to be sent.
struct NatsOutbox {
    reply: Option<RpcResponse>,
    messages: Vec<Bytes>,
    /// Whether the messages are items. Otherwise they are reports of the progress.
    is_subscription: bool,
    /// Maximum size of a message, in bytes.
    limit: usize,
    /// Whether the last message is the end, because an item was too large.
    is_cut: bool,
}

impl Outbox for NatsOutbox {
    fn is_empty(&self) -> bool {
        self.reply.is_none() && self.messages.is_empty()
    }

    fn has_room(&self) -> bool {
        self.messages.len() < MESSAGES_AT_ONCE && !self.is_cut
    }

    fn push_reply(&mut self, response: RpcResponse) {
        // The second is that of the cancelling, which has none.
        self.reply.get_or_insert(response);
    }

    fn push(&mut self, message: &[u8], _: Option<Cursor>) {
        if self.is_cut {
            return;
        }
        if message.len() <= self.limit {
            self.messages.push(Bytes::copy_from_slice(message));
        } else if self.is_subscription {
            self.is_cut = true;
            self.messages.push(too_large(message, self.limit));
        } else {
            let (bytes, limit) = (message.len(), self.limit);
            log_throttled!(WARN, bytes, limit, "a report of progress has more bytes than NATS takes, and is not sent");
        }
    }
}

/// Returns the end of a subscription with an item that is too large for NATS.
fn too_large(message: &[u8], limit: usize) -> Bytes {
    let head = memchr::memmem::find(message, br#","result":"#).unwrap_or_default();
    let reason = format_args!("an item has more bytes than NATS takes, which are {limit}");
    let error = RpcError::too_large().with_reason(&reason);
    [&message[..head], br#","error":"#, &error.to_json(), b"}}"].concat().into()
}

/// Answers a call that takes more than its reply. Returns the size of the reply.
pub(super) async fn answer(
    front: &Rc<Front>,
    route: &Arc<dyn Route>,
    message: Message,
    log: Option<&Rc<RequestLog>>,
) -> Option<usize> {
    let headers = CallHeaders::of(&message);
    let (to, events) = (message.reply.clone()?, Subject::from(headers.events(&front.connection.prefix)?));
    let timeout = headers.timeout();
    let request = match log {
        Some(log) => headers.whole().known_to_log(log.request()),
        None => headers.whole(),
    };
    let client = SessionClient {
        token: headers.token(&front.token_header).map(|token| SessionToken(token.to_owned())),
        peer: None,
        request: Arc::new(request),
        log: log.cloned(),
        logs_messages: false,
        timeout,
        chain: timeout.and_then(|_| headers.chain()).map(str::to_owned),
        after: None,
    };
    let session = Session::new(Arc::clone(&front.dispatch), client, LIMITS, front.stopping.clone());
    let limit = front.connection.client.max_payload();
    let is_subscription = matches!(route.options().streams, StreamUse::Subscribes(_));
    let outbox = NatsOutbox { reply: None, messages: Vec::new(), is_subscription, limit, is_cut: false };
    let first = MessageFrame { method: route.name(), params: message.payload, is_call: true };
    let streaming = Streaming { front, session, outbox, to, events, log, replied: None };
    streaming.run(first).await
}

/// A call that takes more than its reply.
struct Streaming<'a> {
    front: &'a Rc<Front>,
    session: Session,
    outbox: NatsOutbox,
    /// The subject of the reply.
    to: Subject,
    /// The subject of everything else.
    events: Subject,
    log: Option<&'a Rc<RequestLog>>,
    /// Size of the reply, once it was sent.
    replied: Option<usize>,
}

impl Streaming<'_> {
    async fn run(mut self, first: MessageFrame) -> Option<usize> {
        let mut open = self.front.open_calls.open(&self.to);
        let _counted = self.front.count_stream();
        let mut next = Some(first);
        let mut until = Instant::now() + LEASE;
        loop {
            let has_reply = self.replied.is_some();
            let Self { session, outbox, .. } = &mut self;
            let work = poll_fn(|cx| {
                if let Some(frame) = next.take() {
                    session.start(frame, cx);
                }
                if session.poll(cx, outbox) {
                    cx.waker().wake_by_ref();
                }
                if outbox.is_empty() && !session.is_over() {
                    std::task::Poll::Pending
                } else {
                    std::task::Poll::Ready(())
                }
            });
            tokio::select! {
                biased;
                () = work => {
                    let is_over = self.session.is_over() || self.outbox.is_cut;
                    self.send().await;
                    if is_over {
                        return self.replied;
                    }
                }
                changed = open.wish.changed() => {
                    let wish = *open.wish.borrow_and_update();
                    // An error means that another call has taken its place.
                    if changed.is_err() || wish.is_cancelled && self.replied.is_some() {
                        return self.replied;
                    }
                    if wish.is_cancelled {
                        next = Some(MessageFrame { method: CANCEL, params: Bytes::from_static(br#"{"id":null}"#), is_call: false });
                    }
                    until = Instant::now() + LEASE;
                }
                // The deadline of a call ends it before, unless that is longer: then its caller
                // renews nothing until it has the reply.
                () = sleep_until(until), if has_reply => {
                    log_debug!("a subscription over NATS was not renewed, and ends");
                    return self.replied;
                }
            }
        }
    }

    /// Sends what there is to send.
    async fn send(&mut self) {
        let client = &self.front.connection.client;
        // Reports of the progress come before the reply, and items after it.
        let messages = mem::take(&mut self.outbox.messages);
        let (before, after) = if self.outbox.is_subscription { (Vec::new(), messages) } else { (messages, Vec::new()) };
        for message in before {
            self.publish(client, message).await;
        }
        if let Some(response) = self.outbox.reply.take() {
            if let Some(log) = self.log {
                log.note_code(response.error);
            }
            let instance = self.outbox.is_subscription.then_some(&*self.front.instance_subject);
            self.replied = Some(reply::send(self.front, self.to.clone(), response, instance).await);
        }
        for message in after {
            self.publish(client, message).await;
        }
    }

    async fn publish(&self, client: &async_nats::Client, message: Bytes) {
        if let Err(error) = client.publish(self.events.clone(), message).await {
            log_throttled!(ERROR, %error, "an item could not be sent over NATS");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_that_is_too_large_ends_the_subscription() {
        let item = br#"{"jsonrpc":"2.0","method":"prices","params":{"subscription":"1","result":[1,2,3]}}"#;
        let mut outbox =
            NatsOutbox { reply: None, messages: Vec::new(), is_subscription: true, limit: item.len(), is_cut: false };
        outbox.push(item, None);
        assert!(outbox.has_room() && outbox.messages.len() == 1);
        outbox.limit -= 1;
        outbox.push(item, None);
        outbox.push(b"{}", None);
        let expected = r#"{"jsonrpc":"2.0","method":"prices","params":{"subscription":"1","error":{"code":-32004,"#;
        let end = String::from_utf8(outbox.messages[1].to_vec()).unwrap();
        assert!(end.starts_with(expected) && end.ends_with("}}}"), "{end}");
        assert!(serde_json::from_str::<serde::de::IgnoredAny>(&end).is_ok());
        assert!(!outbox.has_room() && outbox.messages.len() == 2);
    }

    #[test]
    fn a_report_that_is_too_large_is_left_out() {
        let mut outbox =
            NatsOutbox { reply: None, messages: Vec::new(), is_subscription: false, limit: 2, is_cut: false };
        outbox.push(b"[1]", None);
        outbox.push(b"{}", None);
        assert!(outbox.has_room() && outbox.messages == [&b"{}"[..]]);
    }
}

//! Messages about calls that are under way: their caller has left, or wants to keep a subscription.

use std::rc::Rc;

use async_nats::Subscriber;
use bytes::Bytes;
use futures::StreamExt;
use serde::Deserialize;

use callbox_client::__engine::wire::ControlMessage;

use crate::dispatch::CANCEL;

use super::front::Front;
use super::headers::may_receive;

/// Does what the messages of a subscription ask for. Only this instance, or all instances of a
/// service, get them.
pub(super) async fn obey(front: Rc<Front>, mut messages: Subscriber) {
    while let Some(message) = messages.next().await {
        let is_done = match serde_json::from_slice(&message.payload) {
            Ok(ControlMessage::Cancel(call)) => front.open_calls.cancel(&call),
            Ok(ControlMessage::Renew(call)) => front.open_calls.renew(&call),
            Err(_) => cancelled_call(&message.payload).is_some_and(|call| front.open_calls.cancel(&call)),
        };
        if let Some(reply) = message.reply.filter(|reply| may_receive(reply, &front.connection.prefix)) {
            let answer = Bytes::from_static(if is_done { b"true" } else { b"false" });
            // An error means that the connection is about to end.
            let _ = front.connection.client.publish(reply, answer).await;
        }
    }
}

/// Returns the reply subject of the call that a message cancels in the words of JSON-RPC, as over a
/// WebSocket.
fn cancelled_call(payload: &[u8]) -> Option<String> {
    #[derive(Deserialize)]
    struct CancelRequest {
        method: String,
        params: CancelParams,
    }
    #[derive(Deserialize)]
    struct CancelParams {
        id: String,
    }
    let CancelRequest { method, params } = serde_json::from_slice(payload).ok()?;
    (method == CANCEL).then_some(params.id)
}

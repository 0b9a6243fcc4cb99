//! Reading a request's body: so many bytes, in so much time, and no longer than the server runs.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::http::header::{CONTENT_LENGTH, HeaderMap};
use actix_web::web::{Bytes, BytesMut};
use futures::StreamExt;
use futures::future::poll_immediate;
use tokio::sync::watch;

use super::connection_state::ConnectionState;
use super::rejection::HttpRejection;

/// What a body may cost.
#[derive(Clone, Debug)]
pub(crate) struct BodyLimits {
    /// The most bytes that a body may have. Not more is ever kept of one.
    pub(crate) bytes: usize,
    /// The time from the request's head to the end of its body.
    pub(crate) time: Duration,
}

/// Reads the whole body. `stopping` becomes true when the server drains: bodies still under way are given up then, as one
/// that stalls would hold the stop to its limit. `connection` is that of the connection.
pub(crate) async fn read(
    payload: &mut Payload,
    headers: &HeaderMap,
    limits: &BodyLimits,
    stopping: &watch::Receiver<bool>,
    connection: Option<&ConnectionState>,
) -> Result<Bytes, HttpRejection> {
    let declared = headers.get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
    if declared.is_some_and(|length| length.parse::<usize>().map_or(true, |length| length > limits.bytes)) {
        return Err(HttpRejection::body_too_large(declared, limits.bytes));
    }
    let mut whole = pin!(collect(payload, limits.bytes));
    // Most bodies arrive with their head, and need neither a timer nor an ear for the stop. But
    // actix hands a request on before it takes the body out of what it has read, so that even those
    // are there at the second look only.
    match connection.filter(|connection| connection.is_fully_forwarded()) {
        Some(connection) => connection.body_decoded().await,
        None => {
            if let Some(body) = poll_immediate(whole.as_mut()).await {
                return body;
            }
            yield_once().await;
        }
    }
    if let Some(body) = poll_immediate(whole.as_mut()).await {
        return body;
    }
    let mut stopping = stopping.clone();
    let stopped = async move {
        if stopping.wait_for(|stopping| *stopping).await.is_err() {
            std::future::pending::<()>().await;
        }
    };
    tokio::select! {
        biased;
        body = whole => body,
        () = stopped => Err(HttpRejection::draining()),
        () = tokio::time::sleep(limits.time) => Err(HttpRejection::body_timeout(limits.time)),
    }
}

/// Lets whoever polls do other work before this task goes on, but nothing else of its thread's: that
/// may take long.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if yielded {
            return Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn collect(payload: &mut Payload, limit: usize) -> Result<Bytes, HttpRejection> {
    let mut next = async || match payload.next().await {
        Some(Err(PayloadError::Overflow)) => Err(HttpRejection::excessive_framing()),
        Some(Err(error)) => {
            log_debug!(%error, "a body broke off");
            Err(HttpRejection::incomplete_body())
        }
        Some(Ok(chunk)) => Ok(Some(chunk)),
        None => Ok(None),
    };
    let Some(first) = next().await? else { return Ok(Bytes::new()) };
    if first.len() > limit {
        return Err(HttpRejection::body_too_large(None, limit));
    }
    let Some(second) = next().await? else { return Ok(first) };
    let mut whole = BytesMut::from(first);
    let mut chunk = second;
    loop {
        if chunk.len() > limit - whole.len() {
            return Err(HttpRejection::body_too_large(None, limit));
        }
        whole.extend_from_slice(&chunk);
        match next().await? {
            Some(more) => chunk = more,
            None => return Ok(whole.freeze()),
        }
    }
}

#[cfg(test)]
mod tests;

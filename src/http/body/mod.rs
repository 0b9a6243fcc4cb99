//! Reads a request's body, within a limit of bytes and time, and until the server stops.

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

/// Limits for the body of a request.
#[derive(Clone, Debug)]
pub(crate) struct BodyLimits {
    /// Maximum size of a body, in bytes. No more than this is ever kept of one.
    pub(crate) bytes: usize,
    /// Maximum time from the end of the request's head to the end of its body.
    pub(crate) time: Duration,
}

/// Reads the whole body.
///
/// `stopping` becomes true when the server drains. Bodies that are still incomplete are then
/// rejected, as one that stalls would delay the stop until its limit. `connection` is the state of
/// the request's connection, if it came through our listener.
///
/// # Errors
/// If the body exceeds a limit or is malformed, and if the server stops.
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
    // Most bodies arrive with their head, and need neither a timer nor the stop signal. But actix
    // calls the service before it decodes the body from its read buffer, so even those bodies are
    // available only at the second poll.
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

/// Yields once to the future that polls this one, which is actix's connection, but not to the other
/// tasks of the thread, which may take long.
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
            log_debug!(%error, "a request's body could not be read");
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

//! The stream of server-sent events that updates a console page.

use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::Method;
use actix_web::http::header::RETRY_AFTER;
use actix_web::web::{Bytes, BytesMut};
use actix_web::{HttpRequest, HttpResponse, ResponseError};
use futures::{Stream, stream};
use tokio::sync::watch;

use crate::console::Frames;
use crate::dispatch::Dispatch;

use super::super::caller_headers;
use super::Console;

/// Time after which the token of an open stream is checked again: it may have been revoked or have
/// expired.
const RECHECK: Duration = Duration::from_secs(10);

/// The stream of one console page.
struct MailboxStream {
    frames: Frames,
    stopping: watch::Receiver<bool>,
    dispatch: Arc<Dispatch>,
    token: Option<String>,
    peer: Option<IpAddr>,
    last_checked: Instant,
}

impl Console {
    /// Answers with a stream of frames, until the server stops. The first frame is sent at once,
    /// each further one when it is new and the page has read the last. The caller needs access to
    /// `rpc.mailboxes`.
    pub(super) async fn stream(&self, request: &HttpRequest) -> HttpResponse {
        let inner = &*self.0;
        let token = caller_headers::token(request.headers(), &inner.endpoint_config.token_header);
        let peer = request.peer_addr().map(|peer| peer.ip());
        if let Err(error) = inner.dispatch.admits(token, peer).await {
            return error.error_response();
        }
        let mut response = HttpResponse::Ok();
        // Without this header, some proxies buffer the frames until they have enough of them.
        response.content_type("text/event-stream").insert_header(("x-accel-buffering", "no"));
        if request.method() == Method::HEAD {
            return response.finish();
        }
        let Some(frames) = inner.feed.subscribe() else {
            return HttpResponse::ServiceUnavailable()
                .insert_header((RETRY_AFTER, "5"))
                .content_type("text/plain; charset=utf-8")
                .body("Too many console pages are open\n");
        };
        let page = MailboxStream {
            frames,
            stopping: inner.endpoint_config.stopping.clone(),
            dispatch: Arc::clone(&inner.dispatch),
            token: token.map(str::to_owned),
            peer,
            last_checked: Instant::now(),
        };
        response.streaming(page.events())
    }
}

impl MailboxStream {
    /// Returns the events. They end when the server stops, as an open response would delay the stop
    /// until its limit.
    fn events(self) -> impl Stream<Item = Result<Bytes, Infallible>> {
        stream::unfold(self, async |mut page| {
            let frame = page.next().await?;
            Some((Ok(event(&frame)), page))
        })
    }

    async fn next(&mut self) -> Option<Arc<[u8]>> {
        let frame = tokio::select! {
            biased;
            _ = self.stopping.wait_for(|stopping| *stopping) => None,
            frame = self.frames.next() => frame,
        }?;
        if self.last_checked.elapsed() >= RECHECK {
            self.dispatch.admits(self.token.as_deref(), self.peer).await.ok()?;
            self.last_checked = Instant::now();
        }
        Some(frame)
    }
}

fn event(frame: &[u8]) -> Bytes {
    let (head, tail) = (b"event: mailboxes\ndata: ", b"\n\n");
    let mut event = BytesMut::with_capacity(head.len() + frame.len() + tail.len());
    event.extend_from_slice(head);
    event.extend_from_slice(frame);
    event.extend_from_slice(tail);
    event.freeze()
}

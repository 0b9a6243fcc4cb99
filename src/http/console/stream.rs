//! The stream of server-sent events that keeps a page up to date.

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

/// How often a page that stays is asked whose token it came with: it may have been revoked, or have come to its end.
const RECHECK: Duration = Duration::from_secs(10);

/// A page that watches.
struct MailboxStream {
    frames: Frames,
    stopping: watch::Receiver<bool>,
    dispatch: Arc<Dispatch>,
    token: Option<String>,
    peer: Option<IpAddr>,
    last_checked: Instant,
}

impl Console {
    /// A frame at once, and then one whenever there is a new one and the page has taken the last: for whoever may call
    /// `rpc.mailboxes`, until the server stops.
    pub(super) async fn stream(&self, request: &HttpRequest) -> HttpResponse {
        let inner = &*self.0;
        let token = caller_headers::token(request.headers(), &inner.front.token_header);
        let peer = request.peer_addr().map(|peer| peer.ip());
        if let Err(error) = inner.dispatch.admits(token, peer).await {
            return error.error_response();
        }
        let mut response = HttpResponse::Ok();
        // Proxies would keep the frames until there are enough of them.
        response.content_type("text/event-stream").insert_header(("x-accel-buffering", "no"));
        if request.method() == Method::HEAD {
            return response.finish();
        }
        let Some(frames) = inner.feed.look() else {
            return HttpResponse::ServiceUnavailable()
                .insert_header((RETRY_AFTER, "5"))
                .content_type("text/plain; charset=utf-8")
                .body("Too many pages watch the mailboxes already\n");
        };
        let page = MailboxStream {
            frames,
            stopping: inner.front.stopping.clone(),
            dispatch: Arc::clone(&inner.dispatch),
            token: token.map(str::to_owned),
            peer,
            last_checked: Instant::now(),
        };
        response.streaming(page.events())
    }
}

impl MailboxStream {
    /// Ends when the server stops, as an open answer would hold the stop up to its limit.
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

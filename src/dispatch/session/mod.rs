//! One client with many answers: a connection over which calls, subscriptions and their messages
//! share one way out.
//!
//! A transport passes what it receives to [`Session::start`], and polls the session whenever it can
//! take more: so a client that reads slowly is sent less, and holds no memory but its positions.
//! Replies go before items. The items of all subscriptions take turns.

mod call_subscriber;
mod caller_meta;
mod cancel_request;
mod client;
mod in_flight;
mod judgement;
mod notices;
mod open_subscription;
mod open_table;
mod progress_feed;
mod ready_queue;
mod session_context;
mod subscriptions;
mod token_watch;
mod transport;
mod urgency;

#[cfg(test)]
mod scene_of_tests;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod token_tests;

use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::LocalBoxFuture;
use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use tokio::sync::watch;
use tokio::task::yield_now;
use tokio::time::{Sleep, sleep_until};

use crate::jsonrpc::{Dialect, RpcError};
use crate::measure::Carrier;
use crate::service::{CallTransport, LazyRequest, RequestScope};
use crate::trace::Sampling;

use super::stopping::Stopping;
use super::{AccessLine, Dispatch, RequestLog, RequestMeta, RpcResponse};

pub(crate) use cancel_request::CANCEL;
pub(crate) use client::{SessionClient, SessionLimits, SessionToken};
pub(super) use in_flight::CancellableCall;
use in_flight::InFlight;
use judgement::Judgement;
pub(super) use session_context::CallStreams;
pub(crate) use session_context::SessionContext;
use subscriptions::Subscriptions;
use token_watch::{TokenWatch, Verdict};
pub(crate) use transport::{Frame, Outbox};
pub(crate) use urgency::Urgency;

/// Size of the replies that wait for room from which on nothing more is started, in bytes.
const MAX_ENDED_BYTES: usize = 64 * 1024;

/// The calls and subscriptions of one connection. Dropping it ends them.
pub(crate) struct Session {
    shared: Rc<Shared>,
    /// Those of `shared`, and the log of its client: with thousands of connections, each step on
    /// the way to what an item needs takes its time.
    subscriptions: Rc<Subscriptions>,
    log: Option<Rc<RequestLog>>,
    limits: SessionLimits,
    /// Number of bodies so far.
    started: u64,
    under_way: FuturesUnordered<LocalBoxFuture<'static, Ended>>,
    /// Replies that were there at once, and wait for room.
    ended: Vec<Ended>,
    /// Number of bytes of these replies.
    ended_bytes: usize,
    alarm: Option<Pin<Box<Sleep>>>,
    judgement: Option<Box<Judgement>>,
    /// The next verdict about the token, if there is one to wait for.
    verdict: Option<LocalBoxFuture<'static, Option<(Verdict, TokenWatch)>>>,
    /// `None` once the server stops.
    stopping: Option<Stopping>,
}

/// What the calls of a session share.
struct Shared {
    dispatch: Arc<Dispatch>,
    client: SessionClient,
    in_flight: InFlight,
    subscriptions: Rc<Subscriptions>,
}

/// A body whose calls have ended.
struct Ended {
    envelope: u64,
    response: RpcResponse,
}

impl Session {
    /// Begins a session. `stopping` becomes true when the server drains.
    pub(crate) fn new(
        dispatch: Arc<Dispatch>,
        client: SessionClient,
        limits: SessionLimits,
        stopping: watch::Receiver<bool>,
    ) -> Self {
        let subscriptions = Rc::new(Subscriptions::new(limits.subscriptions));
        let watch = client.token.as_ref().and_then(|token| token_watch::watch(&dispatch, token));
        let last = watch.as_ref().and_then(|watch| Some((watch.verdicts.borrow().clone()?, &watch.is_outdated)));
        let judgement = last.map(|(verdict, is_outdated)| Judgement::new(0, verdict, is_outdated)).map(Box::new);
        Self {
            subscriptions: Rc::clone(&subscriptions),
            log: client.log.clone(),
            shared: Rc::new(Shared { dispatch, client, in_flight: InFlight::default(), subscriptions }),
            limits,
            started: 0,
            under_way: FuturesUnordered::new(),
            ended: Vec::new(),
            ended_bytes: 0,
            alarm: None,
            judgement,
            verdict: watch.map(token_watch::next),
            stopping: Some(Stopping::new(stopping)),
        }
    }

    /// Whether another body may be started. While large replies wait for room, none may: a client
    /// that does not read must not have as many of them kept as it may have calls.
    pub(crate) fn has_room(&self) -> bool {
        self.under_way.len() + self.ended.len() < self.limits.envelopes && self.ended_bytes < MAX_ENDED_BYTES
    }

    /// Whether all calls have ended, and all replies were sent.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.is_empty() && self.ended.is_empty()
    }

    /// Makes lines of the log lines of the request, if they are to have its id.
    fn lines(&self) -> Option<RequestScope> {
        self.log.as_ref().map(|log| log.enter())
    }

    /// Whether the server drains, as far as the last poll has seen.
    pub(crate) fn has_seen_stop(&self) -> bool {
        self.stopping.is_none()
    }

    /// Starts the calls of a body.
    pub(crate) fn start(&mut self, frame: impl Frame, cx: &mut Context<'_>) {
        let _lines = self.lines();
        self.started += 1;
        let is_stopping = self.stopping.as_ref().is_none_or(Stopping::has_begun);
        let mut run = Box::pin(run(Rc::clone(&self.shared), frame, self.started, is_stopping));
        // Most calls end at once, and need no place among those under way.
        match run.as_mut().poll(cx) {
            Poll::Ready(ended) => self.keep_ended(ended),
            Poll::Pending => self.under_way.push(run),
        }
    }

    /// Keeps a reply until there is room for it.
    fn keep_ended(&mut self, ended: Ended) {
        self.ended_bytes += ended.response.body.as_ref().map_or(0, Vec::len);
        self.ended.push(ended);
    }

    /// Sends what there is to send, as long as there is room. Returns whether others should have
    /// their turn now: the session has more to do at once, and does not wake anybody for it.
    #[must_use]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, outbox: &mut impl Outbox) -> bool {
        let _lines = self.lines();
        if self.stopping.as_mut().is_some_and(|stopping| stopping.poll_unpin(cx).is_ready()) {
            self.stopping = None;
        }
        self.send_ended(outbox);
        // Without the first condition each poll would register a waker.
        while !self.under_way.is_empty()
            && outbox.has_room()
            && let Poll::Ready(Some(ended)) = self.under_way.poll_next_unpin(cx)
        {
            send(&self.subscriptions, self.judgement.as_deref(), ended, outbox);
        }
        if self.has_seen_stop() {
            self.subscriptions.end(&RpcError::unavailable(), outbox, |_, _| true);
            return false;
        }
        self.poll_verdicts(cx, outbox);
        self.poll_subscriptions(cx, outbox)
    }

    /// Sends the replies to the calls that have ended at once.
    pub(crate) fn send_ended(&mut self, outbox: &mut impl Outbox) {
        if self.ended.is_empty() {
            return;
        }
        self.ended_bytes = 0;
        for ended in self.ended.drain(..) {
            send(&self.subscriptions, self.judgement.as_deref(), ended, outbox);
        }
    }

    /// Ends the subscriptions that the caller may no longer have.
    fn poll_verdicts(&mut self, cx: &mut Context<'_>, outbox: &mut impl Outbox) {
        while let Some(verdict) = &mut self.verdict
            && let Poll::Ready(next) = verdict.as_mut().poll(cx)
        {
            let Some((verdict, watch)) = next else { return self.verdict = None };
            let judgement = Judgement::new(self.started, verdict, &watch.is_outdated);
            judgement.apply(&self.subscriptions, outbox);
            self.judgement = Some(Box::new(judgement));
            self.verdict = Some(token_watch::next(watch));
        }
    }

    /// Waits until there is more to send than one response, which the outbox has then. Returns that
    /// response instead if there is nothing else.
    pub(crate) fn poll_first(&mut self, cx: &mut Context<'_>, outbox: &mut impl Outbox) -> Poll<Option<RpcResponse>> {
        let _lines = self.lines();
        let ended = match self.ended.pop() {
            Some(ended) => Some(ended),
            None => match self.under_way.poll_next_unpin(cx) {
                Poll::Ready(ended) => ended,
                Poll::Pending => None,
            },
        };
        match ended {
            Some(ended) if self.subscriptions.is_empty() => Poll::Ready(Some(ended.response)),
            Some(ended) => {
                send(&self.subscriptions, self.judgement.as_deref(), ended, outbox);
                Poll::Ready(None)
            }
            None => {
                if self.poll_subscriptions(cx, outbox) {
                    // Wakes the task after others have had their turn.
                    let _ = pin!(yield_now()).poll(cx);
                }
                if outbox.is_empty() { Poll::Pending } else { Poll::Ready(None) }
            }
        }
    }

    /// Whether there may be messages besides replies: from a subscription that was started or is
    /// being started, or from a call that reports its progress.
    pub(crate) fn may_send_events(&self) -> bool {
        self.subscriptions.may_send()
    }

    /// Whether nothing is to come: all calls and subscriptions have ended.
    pub(crate) fn is_over(&self) -> bool {
        self.is_idle() && self.subscriptions.is_empty()
    }

    fn poll_subscriptions(&mut self, cx: &mut Context<'_>, outbox: &mut impl Outbox) -> bool {
        let subscriptions = &self.subscriptions;
        if subscriptions.is_empty() {
            return false;
        }
        let mut is_turn_over = subscriptions.poll(cx, outbox);
        if let Some(at) = subscriptions.next_alarm() {
            let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(at)));
            if alarm.deadline() != at {
                alarm.as_mut().reset(at);
            }
            // An alarm that is due while there is no room waits for the next poll.
            is_turn_over |= alarm.as_mut().poll(cx).is_ready() && outbox.has_room();
        }
        is_turn_over
    }
}

/// Sends the reply to a body. From then on its subscriptions may send.
fn send(
    subscriptions: &Subscriptions,
    judgement: Option<&Judgement>,
    Ended { envelope, response }: Ended,
    outbox: &mut impl Outbox,
) {
    outbox.push_reply(response);
    let has_started = subscriptions.announce(envelope);
    if let Some(judgement) = judgement.filter(|_| has_started) {
        judgement.take_started(envelope, subscriptions, outbox);
    }
}

/// Returns what carries the requests of a transport.
fn carrier(transport: CallTransport) -> Carrier {
    match transport {
        CallTransport::WebSocket => Carrier::WebSocket,
        CallTransport::Nats => Carrier::Nats,
        CallTransport::Http | CallTransport::InProcess => Carrier::Http,
    }
}

/// Runs the calls of one body.
async fn run(shared: Rc<Shared>, frame: impl Frame, envelope: u64, is_stopping: bool) -> Ended {
    let client = &shared.client;
    // A response of events has the line of its request.
    let message = client.log.as_ref().filter(|_| client.logs_messages).map(|_| Arc::new(client.request.of_message()));
    let lazy_request = LazyRequest::known(Arc::clone(message.as_ref().unwrap_or(&client.request)));
    let line = message.map(|message| {
        let log = Rc::new(RequestLog::new(message));
        log.note_body(frame.bytes().len());
        (Rc::clone(&log), AccessLine::new(log, client.request.transport(), client.peer))
    });
    let log = line.as_ref().map(|(log, _)| log).or(client.log.as_ref());
    let meta = RequestMeta {
        token: client.token.as_ref().map(|token| &*token.0),
        peer: client.peer,
        timeout: client.timeout,
        chain: client.chain.as_deref(),
        dialect: Dialect::Jsonrpc,
        sampling: Sampling::decide(|| lazy_request.trace()),
        request: &lazy_request,
        log: log.map(Rc::as_ref),
        carrier: carrier(client.request.transport()),
        session: Some(SessionContext { shared: &shared, envelope, is_stopping }),
    };
    let response = shared.dispatch.handle_caught(frame.envelope(&shared.dispatch.limits), meta).await;
    if let Some((log, line)) = line {
        log.note_code(response.error);
        let size = response.body.as_ref().map_or(0, Vec::len);
        if line.has_calls() { line.answered(None, Some(size)) } else { line.skip() }
    }
    Ended { envelope, response }
}

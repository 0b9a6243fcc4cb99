//! One WebSocket: frames in, the session behind them, frames out.
//!
//! The connection is the body of the response to its handshake. actix polls a body only while its
//! write buffer has room, so the client's speed decides how much it is sent.

use std::convert::Infallible;
use std::mem;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use actix_web::body::{BodySize, MessageBody};
use actix_web::dev::Payload;
use actix_web::error::PayloadError;
use actix_web::web::Bytes;
use futures::StreamExt;
use tokio::time::Instant;

use crate::dispatch::{Outbox, Session, Urgency};
use crate::measure::{Carrier, ConnectionCounter, CountedConnection, RefusedReason, ServerCounters};
use crate::topic::wake_by_thread;

use super::super::connection_state::ConnectionState;
use super::super::turn::Turn;
use super::close::{CloseCode, ProtocolError};
use super::frame_reader::{Event, FrameReader};
use super::frame_writer;
use super::frames::Frames;
use super::timer::Timer;
use super::waiting::{Arrived, Waiting};

/// Maximum time to wait for the close frame of the client after our own.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// The times of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PingTimes {
    /// Time between two pings.
    pub(crate) interval: Duration,
    /// Maximum time after a ping for anything to arrive.
    pub(crate) timeout: Duration,
}

/// A WebSocket, as the body of a response.
///
/// In memory, what each item needs comes first. An item is sent on thousands of connections, whose
/// memory no cache of the processor holds, so the number of cache lines counts.
#[repr(C)]
pub(crate) struct Connection {
    /// Set after a chunk that was all there is: the poll of the connection in which that was.
    settled_in: Option<u64>,
    turn: Turn,
    state: State,
    /// Whether something may have arrived that was not read, for want of room.
    has_unread: bool,
    payload: Payload,
    /// The state of the stream below, which learns of the end.
    stream: Option<Rc<ConnectionState>>,
    /// Bytes that have arrived and were not read.
    input: Bytes,
    out: Frames,
    timer: Timer,
    session: Session,
    /// What waits until the session has room.
    waiting: Waiting,
    reader: FrameReader,
    pings: PingTimes,
    counters: ServerCounters,
    _counted: CountedConnection,
}

/// How far a connection has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// Open; the next ping is due at the end of the timer.
    Open,
    /// Open; a ping was sent, and the connection ends with the timer unless something arrives.
    Pinged,
    /// Our close frame was sent, and that of the client has not arrived.
    Closing,
    /// What is in the outbox is the last.
    Closed,
}

impl Connection {
    /// Begins the connection whose client sends `payload`. A message may have `limit` bytes.
    pub(in crate::http) fn new(
        payload: Payload,
        session: Session,
        limit: usize,
        pings: PingTimes,
        stream: Option<Rc<ConnectionState>>,
        counters: &ServerCounters,
    ) -> Self {
        wake_by_thread();
        if let Some(stream) = &stream {
            stream.upgraded();
        }
        let now = Instant::now();
        Self {
            payload,
            reader: FrameReader::new(limit),
            input: Bytes::new(),
            session,
            out: Frames::default(),
            state: State::Open,
            stream,
            pings,
            waiting: Waiting::default(),
            has_unread: false,
            timer: Timer::new(now + pings.interval),
            settled_in: None,
            turn: Turn::default(),
            counters: counters.clone(),
            _counted: counters.connections.count(ConnectionCounter::WebSockets),
        }
    }

    /// Reads what has arrived. Calls for which the session has no room wait, and what ends others
    /// goes before them. Returns whether all was read.
    fn read(&mut self, cx: &mut Context<'_>) -> bool {
        self.has_unread = false;
        while self.state != State::Closed {
            let has_room = self.session.has_room();
            if has_room && let Some(arrived) = self.waiting.pop() {
                self.handle_arrived(arrived, cx);
                continue;
            }
            let may_read = has_room || self.session.looks_ahead() && self.waiting.has_room();
            if !may_read {
                self.has_unread = true;
                return false;
            }
            // Without input there is no event. With thousands of connections, even a look at the
            // reader takes its time.
            let event = if self.input.is_empty() { Ok(None) } else { self.reader.read(&mut self.input) };
            match event {
                Ok(Some(event)) => self.handle(event, cx),
                Ok(None) => match self.poll_payload(cx) {
                    Poll::Ready(Some(Ok(bytes))) => {
                        self.input = bytes;
                        if self.state == State::Pinged {
                            self.state = State::Open;
                            self.timer.reset(Instant::now() + self.pings.interval);
                        }
                    }
                    Poll::Ready(Some(Err(_)) | None) => self.handle_end(Arrived::End, cx),
                    Poll::Pending => return true,
                },
                Err(ProtocolError { code, reason }) => {
                    log_debug!(code = code.get(), reason, "a WebSocket is closed, because its client broke a rule");
                    let is_large = code == CloseCode::TOO_LARGE;
                    let reason_to_count = if is_large { RefusedReason::TooLarge } else { RefusedReason::Invalid };
                    self.counters.refused.add(Carrier::WebSocket, reason_to_count);
                    // After our own close frame there is no other.
                    if self.is_open() {
                        self.close(Some(code), reason);
                    }
                    self.state = State::Closed;
                }
            }
        }
        false
    }

    /// Returns what has arrived.
    fn poll_payload(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, PayloadError>>> {
        match &self.stream {
            Some(stream) => {
                stream.seen();
                self.payload.poll_next_unpin(&mut Context::from_waker(Waker::noop()))
            }
            None => self.payload.poll_next_unpin(cx),
        }
    }

    fn is_open(&self) -> bool {
        matches!(self.state, State::Open | State::Pinged)
    }

    /// Sends what the session has.
    fn serve(&mut self, cx: &mut Context<'_>) {
        if !self.is_open() {
            return;
        }
        if self.session.poll(cx, &mut self.out) {
            self.turn.end();
        }
        if self.session.has_seen_stop() && self.session.is_idle() && self.waiting.is_empty() {
            self.close(Some(CloseCode::GOING_AWAY), "the server stops");
        }
    }

    /// Handles an event that was read, or has it wait.
    fn handle(&mut self, event: Event, cx: &mut Context<'_>) {
        match event {
            Event::Text(text) if self.is_open() && !self.session.has_room() => match self.session.urgency(&text) {
                Urgency::Now => self.session.start(text, cx),
                Urgency::Cancels(id) => match self.waiting.take_call(&id) {
                    Some(call) => self.session.answer_cancelled(&call),
                    // It may be a member of a batch that waits, or nobody's.
                    None => self.waiting.push(Arrived::Text(text, None)),
                },
                Urgency::Waits(id) => self.waiting.push(Arrived::Text(text, id)),
            },
            Event::Text(text) => self.handle_arrived(Arrived::Text(text, None), cx),
            // After our close frame, nothing is answered any more.
            Event::Ping(_) if self.state == State::Closing => {}
            Event::Ping(payload) => frame_writer::pong(&mut self.out.0, &payload),
            Event::Pong => {}
            Event::Close(code) => self.handle_end(Arrived::Close(code), cx),
        }
    }

    /// Handles the end of what the client sends. What was sent before it is still to be done.
    fn handle_end(&mut self, end: Arrived, cx: &mut Context<'_>) {
        if self.waiting.is_empty() { self.handle_arrived(end, cx) } else { self.waiting.push(end) }
    }

    /// Handles what has its turn.
    fn handle_arrived(&mut self, arrived: Arrived, cx: &mut Context<'_>) {
        match arrived {
            // After our close frame, nothing is answered any more.
            Arrived::Text(..) if self.state == State::Closing => {}
            Arrived::Text(text, _) => self.session.start(text, cx),
            Arrived::Close(code) => {
                if self.state != State::Closing {
                    self.close(code, "");
                }
                self.state = State::Closed;
                // The client waits for the end of the connection now (RFC 6455, 7.1.1).
                if let Some(stream) = &self.stream {
                    stream.set_peer_ended();
                }
            }
            Arrived::End => self.state = State::Closed,
        }
    }

    /// Sends a close frame, after the replies that are there.
    fn close(&mut self, code: Option<CloseCode>, reason: &str) {
        self.session.send_ended(&mut self.out);
        frame_writer::close(&mut self.out.0, code, reason);
        self.state = State::Closing;
        self.timer.reset(Instant::now() + CLOSE_TIMEOUT);
    }

    /// Returns which poll of the connection this is.
    fn current_poll(&self) -> Option<u64> {
        self.stream.as_ref().map(|stream| stream.writes())
    }

    /// Does what is due now.
    fn check_time(&mut self, cx: &mut Context<'_>) {
        while self.state != State::Closed && self.timer.poll(cx).is_ready() {
            let now = Instant::now();
            match self.state {
                State::Open => {
                    frame_writer::ping(&mut self.out.0, b"");
                    self.state = State::Pinged;
                    self.timer.reset(now + self.pings.timeout);
                }
                // The pong may be among what was not read.
                State::Pinged if self.has_unread => {
                    frame_writer::ping(&mut self.out.0, b"");
                    self.timer.reset(now + self.pings.timeout);
                }
                State::Pinged => {
                    log_debug!("a WebSocket is closed because its client did not answer a ping");
                    self.counters.connections.add(ConnectionCounter::Silent);
                    self.state = State::Closed;
                }
                State::Closing => self.state = State::Closed,
                State::Closed => {}
            }
        }
    }
}

impl MessageBody for Connection {
    type Error = Infallible;

    fn size(&self) -> BodySize {
        BodySize::Stream
    }

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes, Infallible>>> {
        let this = &mut *self;
        // actix polls once more after each chunk. What comes after the last one wakes the task.
        if this.settled_in.take().is_some_and(|poll| this.current_poll() == Some(poll)) {
            this.turn.restart();
            return Poll::Pending;
        }
        if this.turn.is_over() {
            return this.turn.yield_to_others(cx);
        }
        let all_read = loop {
            let all_read = this.read(cx);
            let was_full = !this.session.has_room();
            this.serve(cx);
            // Calls that have ended make room for further ones, which nobody wakes us for.
            if !(was_full && this.session.has_room() && this.out.has_room() && this.is_open()) {
                break all_read && !was_full;
            }
        };
        // While there is much to send, the time is looked at once in a turn.
        if this.out.0.is_empty() || this.turn.is_nearly_over() {
            this.check_time(cx);
        }
        if !this.out.0.is_empty() {
            let all_sent = this.is_open() && this.out.has_room() && !this.turn.is_over();
            // A timer that is due may have woken the task for this poll, and not for another one.
            if all_read && all_sent && this.timer.waits(cx) {
                this.settled_in = this.current_poll();
            }
            this.turn.add_chunk();
            return Poll::Ready(Some(Ok(Bytes::from(mem::take(&mut this.out.0)))));
        }
        if this.state == State::Closed {
            return Poll::Ready(None);
        }
        if this.turn.is_over() {
            return this.turn.yield_to_others(cx);
        }
        this.turn.restart();
        Poll::Pending
    }
}

//! A WebSocket that carries several calls at a time.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::{self, Read};
use std::mem;
use std::net::{SocketAddr, TcpStream};
use std::pin::pin;
use std::task::{Context, Poll, Waker};

use async_io::Async;
use futures::AsyncWriteExt;
use futures::future::select;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::frames::{self, Frame, MAX_MESSAGE_SIZE, Unusable};
use super::outcome::Outcome;
use super::upgrade::upgrade;

/// Number of bytes to read at once, at first. A connection on which more arrive at once reads more.
const INITIAL_BUFFER_SIZE: usize = 4096;
const MAX_BUFFER_SIZE: usize = 64 * 1024;

/// The text of a call, up to its id.
#[derive(Debug)]
pub(crate) struct CallText(Vec<u8>);

/// A connection to the server, which is opened again when necessary.
///
/// The calls put their frames into one buffer, so that those of the same moment are sent together.
/// [`drive`](Self::drive) sends them, and passes the responses on.
#[derive(Debug)]
pub(crate) struct Socket {
    address: SocketAddr,
    /// The request of the handshake.
    upgrade: Vec<u8>,
    state: RefCell<State>,
}

#[derive(Debug)]
struct State {
    /// The frames that were not sent.
    out: Vec<u8>,
    /// The calls in flight, by their ids.
    slots: Vec<Slot>,
    /// Wakes the future that sends.
    driver: Option<Waker>,
    /// The number of masks so far.
    masks: u32,
}

/// An open connection, with what has arrived after the handshake.
#[derive(Debug)]
pub(crate) struct OpenSocket {
    stream: Async<TcpStream>,
    received: Vec<u8>,
}

/// A place for a call.
#[derive(Debug)]
enum Slot {
    Free,
    Waiting(Option<Waker>),
    Done(Outcome),
}

impl CallText {
    pub(crate) fn new(method: &str, params: &str) -> Self {
        let method = serde_json::Value::from(method);
        let params = if params.is_empty() { String::new() } else { format!(r#""params":{params},"#) };
        Self(format!(r#"{{"jsonrpc":"2.0","method":{method},{params}"id":"#).into_bytes())
    }
}

impl Socket {
    /// Makes a socket with places for this number of calls. It is not opened yet.
    pub(crate) fn new(address: SocketAddr, upgrade: Vec<u8>, calls: usize) -> Self {
        let slots = (0..calls).map(|_| Slot::Free).collect();
        let state = RefCell::new(State { out: Vec::new(), slots, driver: None, masks: 0 });
        Self { address, upgrade, state }
    }

    /// Opens the connection.
    pub(crate) async fn open(&self) -> io::Result<OpenSocket> {
        let stream = Async::<TcpStream>::connect(self.address).await?;
        stream.get_ref().set_nodelay(true)?;
        let received = upgrade(&stream, &self.upgrade).await?;
        Ok(OpenSocket { stream, received })
    }

    /// Makes a call in this place, and returns its outcome.
    pub(crate) async fn call(&self, slot: usize, text: &CallText) -> Outcome {
        self.state.borrow_mut().send(slot, text);
        poll_fn(|cx| self.state.borrow_mut().poll_slot(slot, cx)).await
    }

    /// Sends calls and receives responses, on this connection and on those that follow it. Never
    /// completes.
    pub(crate) async fn drive(&self, mut opened: Option<OpenSocket>) {
        loop {
            if opened.is_none() {
                // Not before there is something to send.
                poll_fn(|cx| self.state.borrow_mut().poll_out(cx)).await;
                opened = self.open().await.ok();
            }
            let outcome = match opened.take() {
                Some(OpenSocket { stream, received }) => {
                    select(pin!(self.receive(&stream, received)), pin!(self.send(&stream))).await;
                    Outcome::ConnectionLost
                }
                None => Outcome::NoConnection,
            };
            self.state.borrow_mut().fail(outcome);
        }
    }

    /// Sends what there is to send, until the connection breaks.
    async fn send(&self, mut stream: &Async<TcpStream>) -> io::Result<()> {
        let mut frames = Vec::new();
        loop {
            poll_fn(|cx| self.state.borrow_mut().poll_out(cx)).await;
            mem::swap(&mut self.state.borrow_mut().out, &mut frames);
            stream.write_all(&frames).await?;
            frames.clear();
        }
    }

    /// Passes responses on, until the connection breaks. `buffer` has what has arrived already.
    async fn receive(&self, stream: &Async<TcpStream>, mut buffer: Vec<u8>) -> io::Result<()> {
        let mut filled = buffer.len();
        buffer.resize(INITIAL_BUFFER_SIZE.max(filled + 1), 0);
        let mut message = Vec::new();
        loop {
            stream.readable().await?;
            match stream.get_ref().read(&mut buffer[filled..]) {
                Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok(count) => filled += count,
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted) => {
                    continue;
                }
                Err(error) => return Err(error),
            }
            let handled = self.state.borrow_mut().handle(&buffer[..filled], &mut message);
            let handled = handled.map_err(|Unusable| io::ErrorKind::InvalidData)?;
            let was_full = filled == buffer.len();
            buffer.copy_within(handled..filled, 0);
            filled -= handled;
            if was_full && (buffer.len() < MAX_BUFFER_SIZE || filled == buffer.len()) {
                buffer.resize(buffer.len() * 2, 0);
            }
        }
    }
}

impl State {
    fn send(&mut self, slot: usize, CallText(text): &CallText) {
        self.slots[slot] = Slot::Waiting(None);
        let mask = self.mask();
        frames::push_text(&mut self.out, mask, &[text, format!("{slot}}}").as_bytes()]);
        if let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }

    /// Returns another mask than the last one: a multiplication spreads the bits of a counter.
    fn mask(&mut self) -> [u8; 4] {
        self.masks = self.masks.wrapping_add(1);
        self.masks.wrapping_mul(0x9e37_79b9).to_ne_bytes()
    }

    fn poll_slot(&mut self, slot: usize, cx: &Context<'_>) -> Poll<Outcome> {
        match &mut self.slots[slot] {
            Slot::Done(outcome) => {
                let outcome = *outcome;
                self.slots[slot] = Slot::Free;
                Poll::Ready(outcome)
            }
            waiting => {
                *waiting = Slot::Waiting(Some(cx.waker().clone()));
                Poll::Pending
            }
        }
    }

    /// Waits until there is something to send.
    fn poll_out(&mut self, cx: &Context<'_>) -> Poll<()> {
        if !self.out.is_empty() {
            return Poll::Ready(());
        }
        self.driver = Some(cx.waker().clone());
        Poll::Pending
    }

    /// Handles the frames that have arrived, and returns their length. `message` has the earlier
    /// parts of a message in several frames.
    fn handle(&mut self, received: &[u8], message: &mut Vec<u8>) -> Result<usize, Unusable> {
        let mut handled = 0;
        while let Some((frame, length)) = frames::parse(&received[handled..])? {
            handled += length;
            match frame {
                Frame::Text { payload, is_first: true, is_last: true } => self.respond(payload)?,
                Frame::Text { payload, is_first, is_last } => {
                    if is_first {
                        message.clear();
                    }
                    message.extend_from_slice(payload);
                    if message.len() > MAX_MESSAGE_SIZE {
                        return Err(Unusable);
                    }
                    if is_last {
                        self.respond(message)?;
                    }
                }
                Frame::Ping(payload) => {
                    let mask = self.mask();
                    frames::push_pong(&mut self.out, mask, payload);
                    self.driver.take().into_iter().for_each(Waker::wake);
                }
                Frame::Pong => {}
            }
        }
        Ok(handled)
    }

    /// Ends the call to which this is the response. Other messages are ignored, such as the items
    /// of a subscription.
    fn respond(&mut self, message: &[u8]) -> Result<(), Unusable> {
        #[derive(Deserialize)]
        struct Response<'a> {
            #[serde(borrow)]
            id: Option<&'a RawValue>,
            method: Option<IgnoredAny>,
            error: Option<ErrorObject>,
        }
        #[derive(Deserialize)]
        struct ErrorObject {
            code: i64,
        }
        let Response { id, method, error } = serde_json::from_slice(message).map_err(|_| Unusable)?;
        let id = id.filter(|_| method.is_none()).and_then(|id| id.get().parse::<usize>().ok());
        if let Some(slot) = id.and_then(|id| self.slots.get_mut(id)) {
            slot.end(error.map_or(Outcome::Result, |error| Outcome::Error(error.code)));
        }
        Ok(())
    }

    /// Ends all calls in flight.
    fn fail(&mut self, outcome: Outcome) {
        self.out.clear();
        self.slots.iter_mut().for_each(|slot| slot.end(outcome));
    }
}

impl Slot {
    /// Ends the call in this place, if there is one.
    fn end(&mut self, outcome: Outcome) {
        if let Self::Waiting(waker) = self {
            let waker = waker.take();
            *self = Self::Done(outcome);
            waker.into_iter().for_each(Waker::wake);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(calls: usize) -> State {
        let address = "127.0.0.1:1".parse().unwrap();
        Socket::new(address, Vec::new(), calls).state.into_inner()
    }

    fn frame(first: u8, payload: &str) -> Vec<u8> {
        [&[first, payload.len() as u8], payload.as_bytes()].concat()
    }

    fn outcome(state: &mut State, slot: usize) -> Option<Outcome> {
        match state.poll_slot(slot, &Context::from_waker(Waker::noop())) {
            Poll::Ready(outcome) => Some(outcome),
            Poll::Pending => None,
        }
    }

    #[test]
    fn responses_find_their_calls_in_any_order_and_in_any_parts() {
        let mut state = state(3);
        let text = CallText::new("m", "[1]");
        (0..3).for_each(|slot| state.send(slot, &text));
        let item = r#"{"method":"m","params":{"subscription":"1","result":0},"id":null}"#;
        let received = [
            frame(0x81, item),
            frame(0x81, r#"{"result":null,"id":2}"#),
            frame(0x01, r#"{"error":{"code":-32"#),
            frame(0x89, "ping"),
            frame(0x00, r#"000},"#),
            frame(0x80, r#""id":0}"#),
            frame(0x81, r#"{"result":1,"id":"other"}"#),
        ]
        .concat();
        let (mut rest, mut message) = (Vec::new(), Vec::new());
        for byte in received {
            rest.push(byte);
            let handled = state.handle(&rest, &mut message).unwrap();
            rest.drain(..handled);
        }
        assert_eq!(
            [0, 1, 2].map(|slot| outcome(&mut state, slot)),
            [Some(Outcome::Error(-32000)), None, Some(Outcome::Result)]
        );
        state.fail(Outcome::ConnectionLost);
        assert_eq!(outcome(&mut state, 1), Some(Outcome::ConnectionLost));
        assert!(state.out.is_empty());
    }

    #[test]
    fn what_is_no_json_breaks_the_connection() {
        assert_eq!(state(1).handle(&frame(0x81, "<html>"), &mut Vec::new()), Err(Unusable));
    }

    #[test]
    fn a_call_is_sent_with_its_place_as_its_id() {
        let mut state = state(12);
        state.send(11, &CallText::new("a\"b", "{}"));
        let (head, masked) = state.out.split_at(6);
        let mask = head[2..].iter().cycle();
        let text: Vec<_> = masked.iter().zip(mask).map(|(byte, key)| byte ^ key).collect();
        let expected = r#"{"jsonrpc":"2.0","method":"a\"b","params":{},"id":11}"#;
        assert_eq!(String::from_utf8(text).unwrap(), expected);
        assert_eq!(usize::from(head[1] & 0x7f), expected.len());
    }
}

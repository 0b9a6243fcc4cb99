//! Reads the frames of a client, and puts their fragments together to messages.

use std::mem;

use actix_web::web::{Buf, Bytes};

use super::close::{self, CloseCode, ProtocolError};
use super::frame_head::{FrameHead, HeadReader, Opcode};
use super::mask::Mask;
use super::text_message::{FramePosition, TextMessage};

/// What a client has sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Event {
    /// A whole message.
    Text(String),
    /// A ping, which is answered with a pong of the same payload.
    Ping(Vec<u8>),
    Pong,
    /// The end of what the client sends, with its code. Nothing that follows it is read.
    Close(Option<CloseCode>),
}

/// Reads what one client sends.
///
/// The only buffers are those of a message and of a control frame, while they are incomplete.
#[derive(Debug)]
pub(crate) struct FrameReader {
    /// Maximum size of a message, in bytes.
    limit: usize,
    state: State,
    head: HeadReader,
    /// The message of which not all fragments have arrived.
    message: Option<TextMessage>,
    /// The payload of a control frame, which may come between two fragments of a message.
    control: Vec<u8>,
}

/// What the next bytes are.
#[derive(Debug)]
enum State {
    Head,
    Payload(OpenFrame),
    /// Nothing is read any more, after a close frame or an error.
    Ended,
}

/// A frame whose payload is being read.
#[derive(Clone, Copy, Debug)]
struct OpenFrame {
    opcode: Opcode,
    fin: bool,
    /// Number of bytes of the payload that have not been read.
    left: usize,
    mask: Mask,
}

impl FrameReader {
    /// Returns a reader for messages of at most `limit` bytes.
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, state: State::Head, head: HeadReader::default(), message: None, control: Vec::new() }
    }

    /// Takes bytes from the input up to the end of the next event, and returns that event. Returns
    /// `None` if the event is not complete: the input is empty then.
    ///
    /// # Errors
    /// If the client breaks a rule. The reader has ended then, as after a close frame: it discards
    /// all further input.
    pub(crate) fn read(&mut self, input: &mut Bytes) -> Result<Option<Event>, ProtocolError> {
        let mut rest = &**input;
        let event = self.read_event(&mut rest);
        let taken = input.len() - rest.len();
        if event.is_err() || matches!(event, Ok(Some(Event::Close(_)))) {
            (self.state, self.message, self.control) = (State::Ended, None, Vec::new());
        }
        if taken == input.len() || matches!(self.state, State::Ended) {
            // Even an empty rest would keep the buffer that it is a part of.
            *input = Bytes::new();
        } else {
            input.advance(taken);
        }
        event
    }

    fn read_event(&mut self, input: &mut &[u8]) -> Result<Option<Event>, ProtocolError> {
        loop {
            let frame = match &mut self.state {
                State::Ended => return Ok(None),
                State::Head => {
                    let Some(head) = self.head.read(input)? else { return Ok(None) };
                    self.state = State::Payload(self.open(head)?);
                    continue;
                }
                State::Payload(frame) => frame,
            };
            let (piece, rest) = input.split_at(input.len().min(frame.left));
            *input = rest;
            match frame.opcode {
                // The payload of a pong says nothing that is needed.
                Opcode::Pong => {}
                Opcode::Ping | Opcode::Close => {
                    let start = self.control.len();
                    self.control.extend_from_slice(piece);
                    frame.mask.apply(&mut self.control[start..]);
                }
                Opcode::Text | Opcode::Continuation | Opcode::Binary => {
                    let position = FramePosition { left: frame.left, fin: frame.fin };
                    self.message.get_or_insert_default().append(piece, &mut frame.mask, position)?;
                }
            }
            frame.left -= piece.len();
            if frame.left > 0 {
                return Ok(None);
            }
            let (opcode, fin) = (frame.opcode, frame.fin);
            self.state = State::Head;
            if fin {
                return self.complete(opcode).map(Some);
            }
        }
    }

    /// Checks the rules that depend on earlier frames.
    fn open(&mut self, head: FrameHead) -> Result<OpenFrame, ProtocolError> {
        let FrameHead { opcode, fin, length, mask } = head;
        let maximum = match (opcode, &self.message) {
            (Opcode::Text | Opcode::Binary, Some(_)) => {
                return Err(ProtocolError::broken_rule("a message begins before the last one has ended"));
            }
            (Opcode::Continuation, None) => {
                return Err(ProtocolError::broken_rule("a fragment continues no message"));
            }
            (Opcode::Binary, None) => return Err(ProtocolError::binary()),
            (Opcode::Text, None) => self.limit,
            (Opcode::Continuation, Some(message)) => self.limit - message.len(),
            // The head's own rules have limited these.
            (Opcode::Close | Opcode::Ping | Opcode::Pong, _) => usize::MAX,
        };
        let left = usize::try_from(length).ok().filter(|length| *length <= maximum);
        let left = left.ok_or(ProtocolError::too_large())?;
        if opcode == Opcode::Text {
            self.message = Some(TextMessage::default());
        }
        Ok(OpenFrame { opcode, fin, left, mask })
    }

    /// Returns the event that ends with a frame of this kind.
    fn complete(&mut self, opcode: Opcode) -> Result<Event, ProtocolError> {
        Ok(match opcode {
            Opcode::Text | Opcode::Continuation | Opcode::Binary => {
                Event::Text(self.message.take().unwrap_or_default().finish()?)
            }
            Opcode::Ping => Event::Ping(mem::take(&mut self.control)),
            Opcode::Pong => Event::Pong,
            Opcode::Close => Event::Close(close::parse(&mem::take(&mut self.control))?),
        })
    }
}

#[cfg(test)]
mod tests;

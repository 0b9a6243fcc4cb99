//! Writes the frames of a server: not masked, and never fragmented.

use actix_web::web::BufMut;

use crate::jsonrpc::truncated;

use super::close::CloseCode;
use super::frame_head::{FIN, LENGTH_16, LENGTH_64, MAX_CONTROL_PAYLOAD, Opcode};

/// Length of the head that an open frame has room for, in bytes. It is that of a payload of 126
/// bytes to 64 KiB: shorter ones take no time to move, and longer ones are rare.
pub(crate) const EXPECTED_HEAD: usize = 4;

/// A text frame whose payload is being written.
///
/// If it is dropped before it was [closed](Self::close), for example by a panic while the payload
/// is written, the output is as it was before.
#[derive(Debug)]
pub(crate) struct TextFrame<'a> {
    out: &'a mut Vec<u8>,
    /// Where the frame begins in the output.
    start: usize,
    closed: bool,
}

impl<'a> TextFrame<'a> {
    /// Begins a frame at the end of the output.
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&[0; EXPECTED_HEAD]);
        Self { out, start, closed: false }
    }

    /// Returns the output, to which the payload is appended. What it already contains must stay.
    pub(crate) fn payload(&mut self) -> &mut Vec<u8> {
        self.out
    }

    /// Completes the frame, with what has been appended as its payload.
    pub(crate) fn close(mut self) {
        let (out, start) = (&mut *self.out, self.start);
        let payload = start + EXPECTED_HEAD;
        let (head, length) = head(Opcode::Text, out.len() - payload);
        if length > EXPECTED_HEAD {
            let end = out.len();
            out.resize(end + length - EXPECTED_HEAD, 0);
            out.copy_within(payload..end, start + length);
        } else if length < EXPECTED_HEAD {
            out.copy_within(payload.., start + length);
            out.truncate(out.len() - (EXPECTED_HEAD - length));
        }
        out[start..][..length].copy_from_slice(&head[..length]);
        self.closed = true;
    }
}

impl Drop for TextFrame<'_> {
    fn drop(&mut self) {
        if !self.closed {
            self.out.truncate(self.start);
        }
    }
}

/// Appends a text frame.
#[cfg(any(test, fuzzing))]
pub(crate) fn text(out: &mut impl BufMut, payload: &str) {
    frame(out, Opcode::Text, payload.as_bytes());
}

/// Appends a ping, with at most 125 bytes of the payload.
pub(crate) fn ping(out: &mut impl BufMut, payload: &[u8]) {
    control(out, Opcode::Ping, payload);
}

/// Appends the answer to a ping that had this payload.
pub(crate) fn pong(out: &mut impl BufMut, payload: &[u8]) {
    control(out, Opcode::Pong, payload);
}

/// Appends a close frame, which is the last frame of a connection. Without a code it has no reason.
/// A reason that is too long for a close frame is cut.
pub(crate) fn close(out: &mut impl BufMut, code: Option<CloseCode>, reason: &str) {
    let Some(code) = code else { return control(out, Opcode::Close, &[]) };
    let code = code.get().to_be_bytes();
    let reason = truncated(reason, MAX_CONTROL_PAYLOAD - code.len());
    control(out, Opcode::Close, &[&code, reason.as_bytes()].concat());
}

fn control(out: &mut impl BufMut, opcode: Opcode, payload: &[u8]) {
    frame(out, opcode, &payload[..payload.len().min(MAX_CONTROL_PAYLOAD)]);
}

fn frame(out: &mut impl BufMut, opcode: Opcode, payload: &[u8]) {
    let (head, length) = head(opcode, payload.len());
    out.put_slice(&head[..length]);
    out.put_slice(payload);
}

/// Returns the head of a frame, and its length.
fn head(opcode: Opcode, payload: usize) -> ([u8; 10], usize) {
    let mut head = [0; 10];
    head[0] = FIN | opcode as u8;
    let length = if let Ok(short) = u8::try_from(payload)
        && short < LENGTH_16
    {
        head[1] = short;
        2
    } else if let Ok(length) = u16::try_from(payload) {
        head[1] = LENGTH_16;
        head[2..4].copy_from_slice(&length.to_be_bytes());
        4
    } else {
        head[1] = LENGTH_64;
        head[2..].copy_from_slice(&(payload as u64).to_be_bytes());
        10
    };
    (head, length)
}

#[cfg(test)]
mod tests;

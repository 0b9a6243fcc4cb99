//! The head of a frame, which comes before its payload (RFC 6455, 5.2).

use super::close::ProtocolError;
use super::mask::Mask;

/// The bit of the first byte that marks the last frame of a message.
pub(super) const FIN: u8 = 0x80;

/// The bits of the first byte for extensions, of which none is ever agreed on.
const RESERVED: u8 = 0x70;

/// The bit of the second byte that says that the payload is masked.
const MASKED: u8 = 0x80;

/// The length that says that the next two bytes are the length.
pub(super) const LENGTH_16: u8 = 126;

/// The length that says that the next eight bytes are the length.
pub(super) const LENGTH_64: u8 = 127;

/// Maximum length of the payload of a control frame, in bytes.
pub(super) const MAX_CONTROL_PAYLOAD: usize = 125;

/// Length of the longest head, in bytes: two bytes, the length, and the mask.
const MAX_HEAD: usize = 2 + 8 + KEY;

/// Length of the key of a mask, in bytes.
const KEY: usize = 4;

/// What a frame is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Opcode {
    /// The next fragment of a message.
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

impl Opcode {
    fn new(number: u8) -> Option<Self> {
        let all = [Self::Continuation, Self::Text, Self::Binary, Self::Close, Self::Ping, Self::Pong];
        all.into_iter().find(|opcode| *opcode as u8 == number)
    }

    fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }
}

/// The head of a frame of a client.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameHead {
    pub(super) opcode: Opcode,
    /// Whether this is the last frame of its message.
    pub(super) fin: bool,
    /// Length of the payload, in bytes, as the client announces it.
    pub(super) length: u64,
    pub(super) mask: Mask,
}

/// Collects the bytes of one head after the other, and checks the rules that hold for any frame.
#[derive(Debug, Default)]
pub(super) struct HeadReader {
    bytes: [u8; MAX_HEAD],
    filled: usize,
}

impl HeadReader {
    /// Takes the bytes of the head from the input. Returns the head once it is complete.
    ///
    /// # Errors
    /// If the head breaks a rule, as soon as the byte that breaks it is there.
    pub(super) fn read(&mut self, input: &mut &[u8]) -> Result<Option<FrameHead>, ProtocolError> {
        if !self.fill(2, input) {
            return Ok(None);
        }
        let opcode = self.check()?;
        let length_end = self.length_end();
        if !self.fill(length_end, input) {
            return Ok(None);
        }
        let length = self.length()?;
        if !self.fill(length_end + KEY, input) {
            return Ok(None);
        }
        let mut key = [0; KEY];
        key.copy_from_slice(&self.bytes[length_end..][..KEY]);
        self.filled = 0;
        Ok(Some(FrameHead { opcode, fin: self.bytes[0] & FIN != 0, length, mask: Mask::new(key) }))
    }

    /// Takes bytes until the head has this many of them, and returns whether it has.
    fn fill(&mut self, needed: usize, input: &mut &[u8]) -> bool {
        let (taken, rest) = input.split_at(input.len().min(needed.saturating_sub(self.filled)));
        self.bytes[self.filled..][..taken.len()].copy_from_slice(taken);
        self.filled += taken.len();
        *input = rest;
        self.filled >= needed
    }

    /// Returns the length in the second byte, or the number that says where the length is.
    fn short_length(&self) -> u8 {
        self.bytes[1] & !MASKED
    }

    /// Checks the first two bytes.
    fn check(&self) -> Result<Opcode, ProtocolError> {
        let [first, second, ..] = self.bytes;
        if first & RESERVED != 0 {
            return Err(ProtocolError::broken_rule("a frame has reserved bits, but no extension was agreed on"));
        }
        let opcode = Opcode::new(first & !FIN).ok_or(ProtocolError::broken_rule("a frame has an unknown opcode"))?;
        if second & MASKED == 0 {
            return Err(ProtocolError::broken_rule("a frame is not masked"));
        }
        if opcode.is_control() && first & FIN == 0 {
            return Err(ProtocolError::broken_rule("a control frame is fragmented"));
        }
        if opcode.is_control() && usize::from(self.short_length()) > MAX_CONTROL_PAYLOAD {
            return Err(ProtocolError::broken_rule("a control frame has more than 125 bytes"));
        }
        Ok(opcode)
    }

    /// Returns where the length ends and the mask begins.
    fn length_end(&self) -> usize {
        match self.short_length() {
            LENGTH_16 => 2 + 2,
            LENGTH_64 => 2 + 8,
            _ => 2,
        }
    }

    fn length(&self) -> Result<u64, ProtocolError> {
        let [_, _, a, b, c, d, e, f, g, h, ..] = self.bytes;
        // The least length that needs this form.
        let (length, least) = match self.short_length() {
            LENGTH_16 => (u16::from_be_bytes([a, b]).into(), u64::from(LENGTH_16)),
            LENGTH_64 => (u64::from_be_bytes([a, b, c, d, e, f, g, h]), 1 << 16),
            short => (short.into(), 0),
        };
        if length < least {
            return Err(ProtocolError::broken_rule("the length of a frame is not in its shortest form"));
        }
        if length > i64::MAX as u64 {
            return Err(ProtocolError::broken_rule("the length of a frame has more than 63 bits"));
        }
        Ok(length)
    }
}

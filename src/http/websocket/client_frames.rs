//! Frames of a client, for tests: valid ones, and those that break a rule.

/// The key of the mask. Its bytes differ, so a wrong one of them shows.
const KEY: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// Opcodes, as their numbers.
pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// The bit of the first byte that marks the last frame of a message.
pub(super) const FIN: u8 = 0x80;

/// Returns a masked frame with this first byte.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = head(first, payload.len() as u64);
    frame.extend(payload.iter().zip(KEY.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// Returns the last or only frame of a message, or a control frame.
pub(super) fn last(opcode: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(FIN | opcode, payload.as_ref())
}

/// Returns a frame of a message that is followed by others.
pub(super) fn fragment(opcode: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    frame(opcode, payload.as_ref())
}

/// Returns a close frame.
pub(super) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    last(CLOSE, [&code.to_be_bytes(), reason].concat())
}

/// Returns the head of a masked frame, with the length in its shortest form.
pub(super) fn head(first: u8, length: u64) -> Vec<u8> {
    match length {
        0..126 => [&[first, 0x80 | length as u8][..], &KEY].concat(),
        126..0x10000 => [&[first, 0x80 | 126][..], &(length as u16).to_be_bytes(), &KEY].concat(),
        _ => long_head(first, length),
    }
}

/// Returns the head of a masked frame with a length of 64 bits.
pub(super) fn long_head(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0x80 | 127][..], &length.to_be_bytes(), &KEY].concat()
}

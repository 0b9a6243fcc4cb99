//! The frames of WebSockets, as far as a client needs them.

use std::io;
use std::ops::Range;

/// The key with which all frames are masked. A server does not see that it is always the same.
const MASK: [u8; 4] = [0x5a, 0x13, 0xc7, 0x2e];

/// The bit of a complete message, and that of a masked frame.
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

const TEXT: u8 = 0x1;
const CLOSE: u8 = 0x8;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// A frame of the server.
pub(super) enum Frame {
    /// A message, complete in one frame.
    Text,
    Ping,
    Pong,
}

/// Appends a text frame.
pub(super) fn write_text(out: &mut Vec<u8>, text: &[u8]) {
    write(out, TEXT, text);
}

/// Appends the answer to a ping.
pub(super) fn write_pong(out: &mut Vec<u8>, payload: &[u8]) {
    write(out, PONG, payload);
}

fn write(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    out.push(FIN | opcode);
    match payload.len() {
        short @ 0..126 => out.push(MASKED | short as u8),
        length => {
            out.push(MASKED | 126);
            out.extend_from_slice(&u16::try_from(length).expect("the load sends short messages").to_be_bytes());
        }
    }
    out.extend_from_slice(&MASK);
    out.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
}

/// Returns the first frame and the range of its payload, once it is complete.
///
/// # Errors
///
/// If the server closes the connection, or sends what the subjects never send.
pub(super) fn read(bytes: &[u8]) -> io::Result<Option<(Frame, Range<usize>)>> {
    let [first, second, ..] = bytes else { return Ok(None) };
    let (start, length) = match (second, &bytes[2..]) {
        (126, [high, low, ..]) => (4, usize::from(u16::from_be_bytes([*high, *low]))),
        (127, [length @ .., _, _]) if length.len() >= 6 => {
            (10, bytes[2..10].iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
        (126 | 127, _) => return Ok(None),
        (short, _) => (2, usize::from(*short)),
    };
    let Some(payload) = bytes.get(start..start + length) else { return Ok(None) };
    let frame = match first ^ FIN {
        TEXT => Frame::Text,
        PING => Frame::Ping,
        PONG => Frame::Pong,
        opcode => {
            let what = if opcode == CLOSE { "the server closes the connection" } else { "an unexpected frame" };
            return Err(io::Error::other(format!("{what}: {first:#x} {:?}", String::from_utf8_lossy(payload))));
        }
    };
    Ok(Some((frame, start..start + length)))
}

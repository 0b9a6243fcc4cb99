//! The frames of a WebSocket, as far as a load needs them.

/// Maximum size of a message, in bytes.
pub(crate) const MAX_MESSAGE_SIZE: usize = 64 << 20;

/// The bit of the last frame of a message, and that of a frame with a mask.
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

const CONTINUATION: u8 = 0x0;
const TEXT: u8 = 0x1;
const PING: u8 = 0x9;
const PONG: u8 = 0xa;

/// The received bytes are not frames that a server may send, or one that closes the connection.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unusable;

/// A frame of the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Frame<'a> {
    /// A part of a text message, and whether it is the last one.
    Text {
        payload: &'a [u8],
        /// Whether it is the first part.
        is_first: bool,
        is_last: bool,
    },
    Ping(&'a [u8]),
    Pong,
}

/// Appends a text message that is these parts together. The mask may be any number: it protects
/// proxies from contents that somebody else has chosen.
pub(crate) fn push_text(out: &mut Vec<u8>, mask: [u8; 4], parts: &[&[u8]]) {
    push(out, FIN | TEXT, mask, parts);
}

/// Appends the answer to a ping.
pub(crate) fn push_pong(out: &mut Vec<u8>, mask: [u8; 4], payload: &[u8]) {
    push(out, FIN | PONG, mask, &[payload]);
}

fn push(out: &mut Vec<u8>, first: u8, mask: [u8; 4], parts: &[&[u8]]) {
    out.push(first);
    let length: usize = parts.iter().map(|part| part.len()).sum();
    match (length, u16::try_from(length)) {
        (0..126, _) => out.push(MASKED | length as u8),
        (_, Ok(length)) => {
            out.push(MASKED | 126);
            out.extend_from_slice(&length.to_be_bytes());
        }
        (_, Err(_)) => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&mask);
    let start = out.len();
    parts.iter().for_each(|part| out.extend_from_slice(part));
    for group in out[start..].chunks_mut(4) {
        group.iter_mut().zip(mask).for_each(|(byte, key)| *byte ^= key);
    }
}

/// Parses the frame at the start of `received`, and returns it with its length. Returns `None` if
/// it is incomplete.
pub(crate) fn parse(received: &[u8]) -> Result<Option<(Frame<'_>, usize)>, Unusable> {
    let [first, second, rest @ ..] = received else { return Ok(None) };
    let (length, head) = match (*second, rest) {
        (MASKED.., _) => return Err(Unusable),
        (126, [high, low, ..]) => (usize::from(u16::from_be_bytes([*high, *low])), 4),
        (127, _) => match rest.first_chunk::<8>() {
            Some(length) => (usize::try_from(u64::from_be_bytes(*length)).map_err(|_| Unusable)?, 10),
            None => return Ok(None),
        },
        (126, _) => return Ok(None),
        (short, _) => (usize::from(short), 2),
    };
    if length > MAX_MESSAGE_SIZE {
        return Err(Unusable);
    }
    let Some(payload) = received.get(head..head + length) else { return Ok(None) };
    let is_last = first & FIN != 0;
    let frame = match (first & !FIN, is_last) {
        (TEXT, _) => Frame::Text { payload, is_first: true, is_last },
        (CONTINUATION, _) => Frame::Text { payload, is_first: false, is_last },
        (PING, true) => Frame::Ping(payload),
        (PONG, true) => Frame::Pong,
        _ => return Err(Unusable),
    };
    Ok(Some((frame, head + length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_parsed_once_it_is_complete() {
        for (length, head) in [(0, 2), (5, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)] {
            let payload = vec![b'x'; length];
            let mut bytes = Vec::new();
            push_text(&mut bytes, [0; 4], &[&payload]);
            // A server sends no mask.
            bytes[1] &= !MASKED;
            bytes.drain(head..head + 4);
            for cut in (0..bytes.len()).step_by(bytes.len() / 50 + 1) {
                assert_eq!(parse(&bytes[..cut]), Ok(None), "{cut} of {length}");
            }
            bytes.push(0);
            let expected = Frame::Text { payload: &payload, is_first: true, is_last: true };
            assert_eq!(parse(&bytes), Ok(Some((expected, head + length))), "{length}");
        }
    }

    #[test]
    fn kinds_of_frames_are_known_by_their_first_byte() {
        let text = |is_first, is_last| Frame::Text { payload: b"a", is_first, is_last };
        for (first, expected) in [
            (0x81, Ok(text(true, true))),
            (0x01, Ok(text(true, false))),
            (0x00, Ok(text(false, false))),
            (0x80, Ok(text(false, true))),
            (0x89, Ok(Frame::Ping(b"a"))),
            (0x8a, Ok(Frame::Pong)),
            (0x82, Err(Unusable)),
            (0x88, Err(Unusable)),
            (0x09, Err(Unusable)),
            (0xc1, Err(Unusable)),
        ] {
            assert_eq!(
                parse(&[first, 1, b'a']).map(|found| found.map(|(frame, _)| frame)),
                expected.map(Some),
                "{first:x}"
            );
        }
        assert_eq!(parse(&[0x81, 0x81, 0, 0, 0, 0, b'a']), Err(Unusable), "a server sends no mask");
        assert_eq!(parse(&[0x81, 127, 0, 0, 0, 1, 0, 0, 0, 0]), Err(Unusable), "4 GiB");
    }

    #[test]
    fn a_message_is_masked_as_a_whole() {
        let mut bytes = Vec::new();
        push_text(&mut bytes, [1, 2, 3, 4], &[b"abc", b"", b"de"]);
        assert_eq!(bytes, [0x81, 0x85, 1, 2, 3, 4, b'a' ^ 1, b'b' ^ 2, b'c' ^ 3, b'd' ^ 4, b'e' ^ 1]);
        bytes.clear();
        push_pong(&mut bytes, [0; 4], b"x");
        assert_eq!(bytes, [0x8a, 0x81, 0, 0, 0, 0, b'x']);
    }
}

//! The frames of a WebSocket.

/// The first byte of a whole text message.
pub const TEXT: u8 = 0x81;
/// The first byte of a whole binary message.
pub const BINARY: u8 = 0x82;
/// The first byte of a close frame.
pub const CLOSE: u8 = 0x88;
/// The first byte of a ping.
pub const PING: u8 = 0x89;
/// The first byte of a pong.
pub const PONG: u8 = 0x8a;

/// What a WebSocket received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// The first byte: the kind of the frame, and whether it is the last of its message.
    pub first: u8,
    /// The payload.
    pub payload: Vec<u8>,
}

impl Frame {
    /// Takes the first frame of these bytes, which a server has sent. Returns `None` if it is not
    /// whole yet.
    ///
    /// # Panics
    /// If the frame has a mask.
    pub fn take(bytes: &mut Vec<u8>) -> Option<Self> {
        let (&first, rest) = bytes.split_first()?;
        let (&length, rest) = rest.split_first()?;
        assert_eq!(length & 0x80, 0, "a server masks no frames");
        let (length, rest) = match length {
            126 => rest.split_first_chunk().map(|(length, rest)| (u64::from(u16::from_be_bytes(*length)), rest))?,
            127 => rest.split_first_chunk().map(|(length, rest)| (u64::from_be_bytes(*length), rest))?,
            length => (u64::from(length), rest),
        };
        let payload = rest.get(..usize::try_from(length).expect("a length"))?.to_vec();
        let taken = bytes.len() - rest.len() + payload.len();
        bytes.drain(..taken);
        Some(Self { first, payload })
    }
}

/// Returns the bytes of a frame of a client. A frame of a client has a mask.
pub fn frame(first: u8, payload: impl AsRef<[u8]>) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5a, 0x03, 0xc4, 0x91];
    let payload = payload.as_ref();
    let mut bytes = frame_head(first, payload.len());
    bytes.extend_from_slice(&MASK);
    bytes.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    bytes
}

/// Returns the first bytes of a frame with a mask, up to the mask.
pub fn frame_head(first: u8, length: usize) -> Vec<u8> {
    let mut bytes = vec![first];
    match (u16::try_from(length), length) {
        (_, 0..126) => bytes.push(0x80 | length as u8),
        (Ok(length), _) => {
            bytes.push(0x80 | 126);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
        _ => {
            bytes.push(0x80 | 127);
            bytes.extend_from_slice(&(length as u64).to_be_bytes());
        }
    }
    bytes
}

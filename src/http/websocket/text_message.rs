//! A text message of which not all bytes have arrived.

use super::close::ProtocolError;
use super::mask::Mask;

/// Size to which the buffer of a message grows at once, in bytes, if its frame announces so much.
/// A larger buffer grows with what has arrived: an announcement alone must not cost memory.
const FIRST_RESERVE: usize = 16 * 1024;

/// The bytes of a text message that have arrived.
#[derive(Debug, Default)]
pub(super) struct TextMessage {
    bytes: Vec<u8>,
    /// Length of the part that is known to be UTF-8. At most three bytes follow it, which may
    /// become a character.
    valid: usize,
}

/// Where a piece of a message stands in its frame.
#[derive(Clone, Copy, Debug)]
pub(super) struct FramePosition {
    /// Number of bytes of the frame that have not been appended, with those of the piece.
    pub(super) left: usize,
    /// Whether the frame is the last one of the message.
    pub(super) fin: bool,
}

impl TextMessage {
    pub(super) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Appends a piece of a frame's payload and removes the mask.
    ///
    /// # Errors
    /// If more is to come, but the message cannot become UTF-8 any more.
    pub(super) fn append(
        &mut self,
        piece: &[u8],
        mask: &mut Mask,
        position: FramePosition,
    ) -> Result<(), ProtocolError> {
        self.reserve(piece.len(), position);
        let start = self.bytes.len();
        self.bytes.extend_from_slice(piece);
        mask.apply(&mut self.bytes[start..]);
        let is_complete = position.fin && position.left == piece.len();
        // Nearly all messages arrive at once. They are checked once, by `finish`.
        if is_complete { Ok(()) } else { self.check() }
    }

    /// Makes room for a piece, and for what follows it in the frame.
    fn reserve(&mut self, piece: usize, FramePosition { left, fin }: FramePosition) {
        if self.bytes.capacity() - self.bytes.len() >= piece {
            return;
        }
        let expected = left.min(self.bytes.len().max(FIRST_RESERVE)).max(piece);
        if fin {
            // Nothing follows the frame, so a message of one frame gets a buffer of its own size.
            self.bytes.reserve_exact(expected);
        } else {
            // Many small fragments must not move the message with each of them.
            self.bytes.reserve(expected);
        }
    }

    /// Checks the bytes that are not known to be UTF-8.
    fn check(&mut self) -> Result<(), ProtocolError> {
        match str::from_utf8(&self.bytes[self.valid..]) {
            Ok(_) => self.valid = self.bytes.len(),
            // A character may be cut at the end.
            Err(error) if error.error_len().is_none() => self.valid += error.valid_up_to(),
            Err(_) => return Err(ProtocolError::not_utf8()),
        }
        Ok(())
    }

    /// Returns the text of the complete message.
    ///
    /// # Errors
    /// If it is not UTF-8.
    pub(super) fn finish(self) -> Result<String, ProtocolError> {
        String::from_utf8(self.bytes).map_err(|_| ProtocolError::not_utf8())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO_MASK: [u8; 4] = [0; 4];

    #[test]
    fn the_buffer_of_a_message_of_one_frame_has_the_size_of_the_message() {
        for size in [0, 1, 100, FIRST_RESERVE, FIRST_RESERVE + 1, 1 << 20] {
            for piece in [size, 1000] {
                let payload = vec![b'x'; size];
                let (mut message, mut mask, mut left) = (TextMessage::default(), Mask::new(NO_MASK), size);
                for piece in payload.chunks(piece.max(1)) {
                    message.append(piece, &mut mask, FramePosition { left, fin: true }).unwrap();
                    left -= piece.len();
                }
                let text = message.finish().unwrap();
                assert_eq!((text.len(), text.capacity()), (size, size), "in pieces of {piece}");
            }
        }
    }

    #[test]
    fn an_announced_length_alone_costs_no_memory() {
        let mut message = TextMessage::default();
        message.append(b"x", &mut Mask::new(NO_MASK), FramePosition { left: 1 << 30, fin: true }).unwrap();
        assert_eq!(message.bytes.capacity(), FIRST_RESERVE);
    }

    #[test]
    fn small_fragments_do_not_move_the_message_each_time() {
        let (mut message, mut moves) = (TextMessage::default(), 0);
        for _ in 0..100_000 {
            let before = message.bytes.capacity();
            message.append(b"x", &mut Mask::new(NO_MASK), FramePosition { left: 1, fin: false }).unwrap();
            moves += usize::from(message.bytes.capacity() != before);
        }
        assert!(moves < 30, "{moves}");
    }
}

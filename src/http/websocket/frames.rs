//! What a WebSocket has to send, as frames, and a message that it has received.

use crate::dispatch::{Frame, Outbox};
use crate::service::Cursor;

use super::frame_writer::{EXPECTED_HEAD, TextFrame};

/// Size from which on no further message is added to what is given to actix at once, in bytes. With
/// actix's own buffer of 32 KiB, a reply waits behind at most 64 KiB of items.
const CHUNK: usize = 16 * 1024;

/// The frames to send.
#[derive(Debug, Default)]
pub(super) struct Frames(pub(super) Vec<u8>);

impl Outbox for Frames {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn has_room(&self) -> bool {
        self.0.len() < CHUNK
    }

    fn push(&mut self, message: &[u8], _: Option<Cursor>) {
        if self.0.is_empty() {
            // A full vector becomes `Bytes` without a further allocation.
            self.0.reserve_exact(EXPECTED_HEAD + message.len());
        }
        let mut frame = TextFrame::open(&mut self.0);
        frame.payload().extend_from_slice(message);
        frame.close();
    }
}

impl Frame for String {
    fn bytes(&self) -> &[u8] {
        self.as_bytes()
    }
}

//! What a session needs of its transport: the bodies it receives, and room for what it sends.

use crate::dispatch::RpcResponse;
use crate::jsonrpc::{Envelope, Limits, RpcError};
use crate::service::Cursor;

/// Where the messages of a session go.
pub(crate) trait Outbox {
    /// Whether nothing was appended.
    fn is_empty(&self) -> bool;

    /// Whether there is room for another message.
    fn has_room(&self) -> bool;

    /// Appends a reply.
    fn push_reply(&mut self, response: RpcResponse) {
        if let Some(body) = response.body {
            self.push(&body, None);
        }
    }

    /// Appends a message: JSON in UTF-8. `cursor` is the position of the item in it, if it has one.
    fn push(&mut self, message: &[u8], cursor: Option<Cursor>);
}

/// A body that a transport has received.
pub(crate) trait Frame: 'static {
    /// Returns its bytes.
    fn bytes(&self) -> &[u8];

    /// Parses it.
    ///
    /// # Errors
    /// The one error that answers the whole body.
    fn envelope(&self, limits: &Limits) -> Result<Envelope<'_>, RpcError> {
        Envelope::parse(self.bytes(), limits)
    }
}

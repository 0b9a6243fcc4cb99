//! What happens to the connection of a client, for programs that show it.

use std::fmt;
use std::sync::Arc;

use crate::client_error::Cause;

/// What has happened to the connection of a client over a WebSocket. See
/// [`ClientBuilder::on_connection`](crate::ClientBuilder::on_connection).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ConnectionEvent {
    /// The connection was lost, and is going to be opened again.
    Lost(Cause),
    /// The connection is open again.
    Reopened,
}

/// What a program does with the events.
#[derive(Clone)]
pub(crate) struct ConnectionHandler(Arc<dyn Fn(&ConnectionEvent) + Send + Sync>);

impl ConnectionHandler {
    pub(crate) fn new(handle: impl Fn(&ConnectionEvent) + Send + Sync + 'static) -> Self {
        Self(Arc::new(handle))
    }

    pub(crate) fn handle(&self, event: &ConnectionEvent) {
        (self.0)(event);
    }
}

impl fmt::Debug for ConnectionHandler {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ConnectionHandler")
    }
}

//! A call that is a member of a batch: its result counts as long as the batch has not taken it.

use std::time::Duration;

use crate::jsonrpc::{Hold, Pending, RpcError};
use crate::service::{Message, Reply};
use crate::sync::Arc;

/// What a call knows of the batch whose member it is.
pub(crate) struct BatchMember<M: Message> {
    pub(crate) pending: Arc<Pending>,
    /// Writes a result, within what is left for it.
    pub(crate) write: fn(M::Output, &PendingResults) -> Result<Vec<u8>, RpcError>,
}

/// The result of a call that waits for its caller.
pub(crate) enum ReadyOutput<T> {
    /// As the method gave it. The caller's side writes it, if it is to be written.
    Value(T, Option<ResultLease>),
    /// As JSON: too many others of its batch waited.
    Written(Vec<u8>, ResultLease),
}

impl<M: Message> BatchMember<M> {
    /// The reply of a call that ran for so long, as it may wait.
    pub(crate) fn ready(&self, reply: Reply<M>, ran: Duration) -> Result<ReadyOutput<M::Output>, RpcError> {
        let output = reply?;
        if let Some(lease) = self.pending.lease_value(ran) {
            return Ok(ReadyOutput::Value(output, Some(lease)));
        }
        let written = (self.write)(output, &self.pending)?;
        let lease = self.pending.lease_bytes(written.len());
        Ok(ReadyOutput::Written(written, lease))
    }
}

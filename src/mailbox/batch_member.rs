//! A call that is a member of a batch: its result counts against the response limit until the batch
//! has taken it.

use std::time::Duration;

use crate::jsonrpc::{PendingResults, ResultLease, RpcError};
use crate::service::{Message, Reply};
use crate::sync::Arc;

/// The link of a call to its batch.
pub(crate) struct BatchMember<M: Message> {
    pub(crate) pending: Arc<PendingResults>,
    /// Writes a result as JSON, within the bytes that the response has left.
    pub(crate) write: fn(M::Output, &PendingResults) -> Result<Vec<u8>, RpcError>,
}

/// The result of a call, as it waits for the caller to fetch it.
pub(crate) enum ReadyOutput<T> {
    /// The value that the method returned. The caller's side serializes it, if it is to be
    /// serialized: the host's time is scarcer than the caller's.
    Value(T, Option<ResultLease>),
    /// JSON, written by the host because too many other results of the batch were waiting as
    /// values.
    Written(Vec<u8>, ResultLease),
}

impl<M: Message> BatchMember<M> {
    /// Returns the reply in the form in which it may wait, for a call that ran for `ran`.
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

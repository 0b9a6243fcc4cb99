//! The messages of calls, read from JSON parameters.

use std::any::Any;

use crate::jsonrpc::RpcError;
use crate::log::{caught, panic_text};
use crate::service::{Message, read_params};

/// Parses the message of a call. A panic in the user's `Deserialize` is an error of this call
/// alone.
pub(super) fn read<M: Message>(params: Option<&str>) -> Result<M, RpcError> {
    caught(|| read_params::<M>(params)).unwrap_or_else(|panic| Err(reading_panicked(M::NAME, &*panic)))
}

fn reading_panicked(name: &'static str, panic: &(dyn Any + Send)) -> RpcError {
    RpcError::internal_in(name, &format_args!("reading the parameters of {name} panicked: {}", panic_text(panic)))
}

/// Parses the messages of several calls, up to the first that fails or panics. That one is reported
/// when it is started by itself.
pub(super) fn read_all<M: Message>(params: &mut dyn Iterator<Item = Option<&str>>) -> Vec<M> {
    let mut messages = Vec::with_capacity(params.size_hint().0);
    let _ = caught(|| messages.extend(params.map_while(|params| read_params::<M>(params).ok())));
    messages
}

//! What calls within the process hand over as it is, held to the same rule as what goes over the
//! wire: it has a form in JSON.
//!
//! So a caller gets the same whichever way it calls: a value, or an error.

use std::any::Any;

use crate::jsonrpc::{NoForm, RpcError, check};
use crate::log::{caught, discard, panic_text};
use crate::service::{Method, Reply};

/// Refuses a message that could not be sent from outside.
#[inline]
pub(super) fn message<M: Method>(message: &M) -> Result<(), RpcError> {
    check(message).map_err(|error: NoForm| RpcError::invalid_params(error.field(), error.reason()))
}

/// Refuses an output that could not be answered to a caller outside. A panic in somebody's
/// `Serialize` is as it is there.
#[inline]
pub(super) fn output<M: Method>(output: M::Output) -> Reply<M> {
    let error = match caught(|| check(&output)) {
        Ok(Ok(())) => return Ok(output),
        Ok(Err(error)) => RpcError::unwritable(M::NAME, &error),
        Err(panic) => writing_panicked(M::NAME, panic),
    };
    discard(output);
    Err(error)
}

/// -32603 of a method whose result panicked while it was written.
#[cold]
pub(super) fn writing_panicked(method: &'static str, panic: Box<dyn Any + Send>) -> RpcError {
    let cause = panic_text(&*panic);
    let error =
        RpcError::internal_in(method, &format_args!("the result of {method} panicked while it was written: {cause}"));
    discard(panic);
    error
}

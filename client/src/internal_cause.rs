//! The cause of an internal error, as the field of a variant.

use std::error::Error as StdError;

use crate::internal_error::InternalError;
use crate::rpc_error::RpcError;

/// What an internal error can be made of: an error of any crate, or a text. Do not implement it by
/// hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the cause of an internal error",
    label = "neither an error nor a text",
    note = "an internal variant has an error that is `Send + Sync + 'static`, or a `String`, which goes to the log",
    note = "for `callbox::InternalError`, which is logged in any case: `#[rpc(transparent)]`"
)]
pub trait InternalCause: Into<Box<dyn StdError + Send + Sync>> {}

#[diagnostic::do_not_recommend]
impl<E: Into<Box<dyn StdError + Send + Sync>>> InternalCause for E {}

/// Converts the cause in an internal variant, and logs it.
pub fn internal_error<E: InternalCause>(cause: E) -> RpcError {
    InternalError::new(cause).into()
}

//! Who is calling: tokens, and the actor that checks them.

mod actor;
mod authenticate;
mod caller;

pub(crate) use actor::{Auth, Unsure};
pub use authenticate::Authenticate;
pub use caller::Caller;

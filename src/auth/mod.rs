//! Who is calling: tokens, and the actor that checks them.

mod caller;

pub use caller::Caller;

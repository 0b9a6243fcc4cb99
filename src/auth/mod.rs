//! Authentication: tokens, and the actor that checks them.
//!
//! A server asks an [`Authenticate`] about each token that is not cached; it decides who the
//! [caller](crate::Caller) is. [`Tokens`] is one for a file of hashed tokens, which [`TokenFile`]
//! and the command `callbox token` write. `Jwt` is one for JSON Web Tokens and needs the feature
//! `jwt`. A closure `|token: &str| token == "…"` is one, too, for programs without named callers.

// `handle` is the way in, on the thread of the transport. `limiter` rejects peers that guess
// tokens, and `cache` knows the tokens that were valid a moment ago. `actor` owns the
// authenticator, on a thread of its own, and asks it about all other tokens.
mod actor;
mod any_authenticator;
mod authenticate;
mod bounded_map;
mod cache;
pub(crate) mod caller;
mod checked_tokens;
mod digest;
mod file_watcher;
mod handle;
#[cfg(feature = "jwt")]
mod jwt;
#[cfg(feature = "jwt")]
mod key_set;
#[cfg(feature = "jwt")]
mod key_strength;
mod limiter;
mod not_checked;
mod token_file;
mod token_info;
mod tokens;

pub(crate) use actor::AuthUnavailable;
pub use authenticate::Authenticate;
pub(crate) use caller::Caller;
pub(crate) use checked_tokens::{CheckedTokens, TokenOutcome};
pub(crate) use handle::{AuthHandle, AuthLimits};
#[cfg(feature = "jwt")]
pub use jwt::Jwt;
pub(crate) use not_checked::NotChecked;
pub use token_file::TokenFile;
pub use token_info::{IssuedToken, TokenInfo};
pub use tokens::Tokens;

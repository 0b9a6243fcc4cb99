//! Who is calling: tokens, and the actor that checks them.
//!
//! A request passes through these modules in this order:
//!
//! - [`handle`] is the way in, on the thread of the transport.
//! - [`limiter`] rejects peers that guess tokens.
//! - [`cache`] knows the tokens that were found valid a moment ago.
//! - [`actor`] owns the authenticator on its own thread, and asks it about all other tokens.
//!
//! [`Authenticate`] is the trait of authenticators. [`tokens`] is one for a file of hashed tokens,
//! which [`token_file`] reads and writes; [`jwt`] is one for JSON Web Tokens.

mod actor;
mod authenticate;
mod bounded_map;
mod cache;
pub(crate) mod caller;
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
mod token_file;
mod token_info;
mod tokens;

pub(crate) use actor::AuthUnavailable;
pub use authenticate::Authenticate;
pub(crate) use caller::Caller;
pub(crate) use handle::{AuthHandle, AuthLimits};
#[cfg(feature = "jwt")]
pub use jwt::Jwt;
pub use token_file::TokenFile;
pub use token_info::{IssuedToken, TokenInfo};
pub use tokens::Tokens;

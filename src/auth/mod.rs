//! Who is calling: tokens, and the actor that checks them.
//!
//! A question goes through [`handle`], which turns away peers that guess ([`limiter`]) and knows the decisions that may be
//! used again ([`cache`]); what it does not know, the [`actor`] asks the [`Authenticate`]. [`tokens`] is the one for files
//! of hashed tokens, [`jwt`] the one for JSON Web Tokens.

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

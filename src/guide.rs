//! What to know of callbox beyond its types, a page for each subject.
//!
//! - [`promises`]: where a call runs, in which order, within which limits, and what becomes of it when something goes wrong.
//! - [`errors`]: who makes the errors that callers see, what they say, and when a call may be sent again.
//! - [`settings`]: where a setting comes from, and what it is called where.
//! - [`mod@testing`]: tests by functions, within the process, and over HTTP.
//! - [`migration`]: for those who come from pymicroservice or gemstone.

#[doc = include_str!("docs/promises.md")]
pub mod promises {}

#[doc = include_str!("docs/errors.md")]
pub mod errors {}

#[doc = include_str!("docs/settings.md")]
pub mod settings {}

#[doc = include_str!("docs/testing.md")]
pub mod testing {}

#[doc = include_str!("docs/migration.md")]
pub mod migration {}

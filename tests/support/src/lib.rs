//! Help for the tests of whole servers.

pub(crate) mod http;
pub(crate) mod wait;

//! Modules that the command `callbox` shares with the benches of callbox.
//!
//! This library has **no stable interface**: it exists for the command and for the benches alone,
//! and any release may change it. To call a server from Rust, use `callbox::client`.
#![doc(hidden)]

pub mod format;
pub mod load;
pub mod mailboxes;
pub mod plot;
pub mod table;

//! The commands with services on NATS.
//!
//! Needs a NATS server: `bash tests/python/setup` installs one. The variable `NATS_SERVER` names
//! another.

mod call;
mod orders;
mod services;
mod stress;
mod top;

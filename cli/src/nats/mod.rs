//! What the commands need to reach services on NATS.
//!
//! * `flags` has the options of a connection,
//! * `method_name` splits the name of a method from that of its service,
//! * `instances` shows instances in few characters.

mod flags;
mod instances;
mod method_name;

pub(crate) use flags::NatsFlags;
pub(crate) use instances::{age, short_length, shortened};
pub(crate) use method_name::MethodName;

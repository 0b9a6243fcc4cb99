//! The commands of `callbox` that call servers: their output and their exit codes.

mod addresses;
mod bar;
mod call;
mod describe;
mod fake_socket;
mod generate;
mod greeter;
mod market;
#[cfg(feature = "foreign")]
mod nats;
mod program;
mod streams;
mod stress;
mod stub;
mod terminal;
mod top;

//! The commands of `callbox` that call servers: what they print where, and how they end.

mod call;
mod describe;
mod greeter;
mod program;
mod stress;
mod stub;
mod terminal;
mod top;
mod wait;

//! The commands of `callbox` that call servers: their output and their exit codes.

mod call;
mod describe;
mod generate;
mod greeter;
mod program;
mod stress;
mod stub;
mod terminal;
mod top;

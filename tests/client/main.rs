//! The clients, against servers of callbox and of others.

mod foreign;
mod retries;
mod scripted;
mod service;
mod typed;
mod untyped;

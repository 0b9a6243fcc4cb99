//! The clients, against servers of callbox and of others.

mod service;
mod typed;
mod untyped;

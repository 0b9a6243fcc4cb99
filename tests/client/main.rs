//! The clients, against servers of callbox and of others.

mod service;
mod untyped;

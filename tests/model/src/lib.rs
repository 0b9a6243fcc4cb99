//! Model checks: the engine's own sources, with loom's locks and atomics in the place of `crate::sync`.
//!
//! loom runs each model in every order that its threads can take, up to a bound on preemptions, and reports a deadlock, which
//! is what a lost wake-up looks like. The sources are taken in by path, so what is checked is what runs.
//!
//! Each of these breaks was made by hand, and seen to be caught by the model in brackets:
//! - no fence, or no look at `armed`, when the bell is rung ([`bell`]);
//! - `arm` without a look at the bits ([`bell`]);
//! - `push` rings only for its first call ([`bell`]);
//! - a turn's end without [`Bell::released`](mailbox::bell::Bell::released), or `want` without the second try ([`turn`]);
//! - an inline call that does not ask again, with the lock, whether anyone waits ([`turn`]);
//! - `close` that leaves the mailbox open ([`mailbox_ends`]);
//! - `begin` that does not look whether the call was given up ([`calls`]).

// Each model uses a part of what it takes in.
#![allow(dead_code, unused_imports, unreachable_pub)]

pub mod bell;
pub mod calls;
mod lock;
mod mailbox;
pub mod mailbox_ends;
mod sync;
pub mod turn;

/// Runs a model. Three preemptions find nearly all races, and keep the number of orders small.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

//! Model checks: the engine's own sources, with loom's locks and atomics in place of `crate::sync`.
//!
//! loom runs each model in every order that its threads can take, up to a bound on preemptions. It
//! reports deadlocks, which is what a lost wake looks like. The sources are taken in by path, so
//! the checked code is the code that runs.
//!
//! Each of these mutations of the code was made by hand, one at a time, and was caught by the named
//! model:
//!
//! - the bell never wakes: [`bell`], [`turn`]
//! - no fence where the bell is rung, or where it is armed: [`bell`], [`turn`]
//! - the host arms the bell and does not look at the bits again: [`bell`], [`turn`]
//! - a push into a mailbox that has become empty does not ring:
//!   [`bell::two_pushes_into_one_mailbox_are_both_seen`]
//! - a push behind a deferred one does not ring:
//!   [`bell::a_push_behind_a_deferred_one_wakes_the_host`]
//! - a deferred push marks no mailbox:
//!   [`bell::deferred_pushes_are_seen_when_their_callers_wake_the_host`]
//! - a turn that ends does not ring, or the host's request for it has no fence: [`turn`]
//! - a permit does not count as waiting: [`turn::an_inline_call_never_overtakes_one_that_waits`]
//! - `close` leaves the mailbox open: [`mailbox_ends::a_push_racing_with_a_close_is_not_lost`]
//! - a counter is read, and then increased in a second step:
//!   [`mailbox_ends::a_slot_is_never_acquired_twice`]
//! - a slot is released after the look for waiting batches:
//!   [`mailbox_ends::a_batch_that_waits_for_a_slot_gets_it`]
//! - `CallState::begin` does not look whether the call was given up:
//!   [`calls::a_caller_that_gives_up_and_the_host_agree_on_the_end`]
//! - the end of a call does not hand over its caller's waker:
//!   [`calls::a_caller_that_waits_gets_the_answer`]
//! - a caller that leaves does not wake the running call:
//!   [`calls::a_running_call_learns_that_its_caller_has_left`]
//! - whether a call waits is read, and then it is rejected in a second step:
//!   [`calls::a_rejected_call_does_not_start`]

// Each model uses a part of these sources.
#![allow(dead_code, unused_imports, unreachable_pub)]
// loom's cells are not `Sync`, and its threads do not require it: to find such errors is their
// purpose.
#![allow(clippy::arc_with_non_send_sync)]

pub mod bell;
pub mod calls;
mod lock;
mod mailbox;
pub mod mailbox_ends;
mod measure;
#[cfg(test)]
#[path = "../../../src/property_tests.rs"]
mod property_tests;
mod sync;
pub mod turn;

/// Runs a model. Three preemptions find nearly all races, and keep the number of orders small.
fn check(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

//! Model checks: the engine's own sources, with loom's locks and atomics in the place of `crate::sync`.
//!
//! loom runs each model in every order that its threads can take, up to a bound on preemptions, and reports a deadlock, which
//! is what a lost wake-up looks like. The sources are taken in by path, so what is checked is what runs.
//!
//! Each of these breaks was made by hand, one at a time, and seen to be caught by the model named:
//!
//! | break | caught by |
//! |---|---|
//! | the bell never wakes | [`bell`], [`turn`] |
//! | no fence where the bell is rung, or where it is armed | [`bell`], [`turn`] |
//! | the host arms the bell and does not look at the bits again | [`bell`], [`turn`] |
//! | a push into a mailbox that has become empty does not ring | [`bell::two_pushes_into_one_mailbox_are_both_seen`] |
//! | a push behind an unheard one does not ring | [`bell::a_push_behind_an_unheard_one_wakes_the_host`] |
//! | an unheard push marks no mailbox | [`bell::unheard_pushes_are_seen_when_their_callers_wake_the_host`] |
//! | what a turn lets go does not ring, or the wish for it has no fence | [`turn`] |
//! | a permit does not count as waiting | [`turn::an_inline_call_never_overtakes_one_that_waits`] |
//! | `close` leaves the mailbox open | [`mailbox_ends::a_push_against_a_close_is_lost_by_neither`] |
//! | a limit that is looked at, and then taken | [`mailbox_ends::a_place_is_never_given_twice`] |
//! | a place is given back after it was looked whether a batch waits | [`mailbox_ends::a_batch_that_waits_for_room_is_told_of_it`] |
//! | `CallState::begin` does not look whether the call was given up | [`calls::a_caller_that_gives_up_and_the_host_agree_on_the_end`] |
//! | the end of a call does not hand over its caller's waker | [`calls::a_caller_that_waits_gets_the_answer`] |
//! | a caller that leaves does not wake the call | [`calls::a_running_call_learns_that_its_caller_has_left`] |
//! | whether a call waits is looked at, and then it is turned away | [`calls::a_call_that_is_turned_away_does_not_start`] |

// Each model uses a part of what it takes in.
#![allow(dead_code, unused_imports, unreachable_pub)]
// loom's cells are not `Sync`, and its threads do not ask for it: finding out is what they are for.
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

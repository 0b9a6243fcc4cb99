//! The real engine under random loads, compared with simple models of what it promises.
//!
//! | promise | where |
//! |---|---|
//! | every admitted call ends exactly once, whatever happens | [`call_ends`] |
//! | a writer never overlaps anyone, and no one sees a half-written state | [`call_ends`] |
//! | the order within a mailbox; its bound; what was given up never starts | [`queues`] |
//! | a reader waits for at most one writer phase | [`gate_fairness`] |
//! | an inline call never overtakes a waiting one | [`overtaking`] |
//! | a full mailbox rejects no batch, and no batch changes its order | [`batches`] |
//! | no mailbox starves; time on the thread is shared by weight | [`time_shares`] |
//! | a call that would wait for itself is refused, and no other | [`call_cycles`] |
//!
//! Each of these mutations of the code was made by hand, one at a time, and was caught by the named
//! test:
//!
//! - the gate lets readers through while a writer waits:
//!   `a_writer_that_waits_holds_up_the_readers_that_come_after_it` in `tests/scheduling.rs`
//! - a writer owes nothing to the readers that it held up: [`gate_fairness`]
//! - ... or no more than the first of each mailbox of sync ones: [`gate_fairness`]:
//!   `all_readers_that_a_writer_held_up_…`
//! - ... or all of them, whatever time they take one after another: [`gate_fairness`]:
//!   `a_writer_has_its_turns_beside_a_flood_…`
//! - a mailbox is charged by the number of its calls, not by their time: [`time_shares`]:
//!   `time_on_the_thread_is_shared_by_weight_whatever_a_call_costs`
//! - the time of async calls at their polls is not charged: both of [`time_shares`]
//! - weights are ignored: [`time_shares`]:
//!   `time_on_the_thread_is_shared_by_weight_whatever_a_call_costs`
//! - an inline call asks neither before nor when it has the state whether anyone waits:
//!   [`overtaking`]; [`queues`]: `calls_of_one_mailbox_start_in_the_order_in_which_they_came`
//! - a `&mut self` call that panics keeps the state: [`call_ends`]: the two with lost states
//! - the scheduler's drop leaves the mailboxes open: [`call_ends`]:
//!   `also_when_states_and_threads_are_lost`
//! - a call that has expired is started: [`queues`]:
//!   `a_mailbox_is_a_bounded_queue_of_what_was_not_given_up`
//! - a caller that leaves does not give its call up: the same
//! - a mailbox has no bound: the same
//! - a batch does not wait for room that others took: [`batches`]
//! - nobody is notified of a free slot: [`batches`]
//! - a response that is ready is sent after the long call that starts next:
//!   `an_answer_that_is_ready_…` in `tests/scheduling.rs`
//! - the methods of a group have a mailbox each: both of [`queues`]
//! - the chain of calls is not looked at; or what a notification, a task, or a call that was handed
//!   over leads to counts as waited for: [`call_cycles`]
//! - async readers have no limit in their method, or in their service:
//!   `no_more_async_readers_are_inside_than_their_method_and_their_service_allow` in
//!   `tests/scheduling.rs`

mod batches;
mod call_cycles;
mod call_ends;
mod gate_fairness;
mod load;
mod observed_service;
mod overtaking;
mod queues;
mod time_shares;

/// A run depends on timing: a failure may not repeat, so it is not saved, and it is shrunk only
/// briefly.
fn cases(cases: u32) -> proptest::test_runner::Config {
    let usual = proptest::test_runner::Config::default();
    proptest::test_runner::Config { cases, failure_persistence: None, max_shrink_time: 10_000, ..usual }
}

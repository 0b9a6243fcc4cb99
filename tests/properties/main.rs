//! The real engine under random loads, beside simple models of what it promises.
//!
//! | promise | where |
//! |---|---|
//! | every call that is let in ends exactly once, whatever happens | [`ends`] |
//! | a writer never overlaps anyone, and no one sees a half-written state | [`ends`] |
//! | the order within a mailbox; its bound; what was given up never starts | [`waiting`] |
//! | a reader waits for at most one writer phase | [`phases`] |
//! | an inline call never overtakes a waiting one | [`overtaking`] |
//! | no batch is refused because of batches, and none changes its order | [`batches`] |
//! | no mailbox starves; time on the thread is shared by weight | [`shares`] |
//! | a call that would wait for itself is refused, and no other | [`circles`] |
//!
//! Each of these breaks was made by hand, one at a time, and seen to be caught by the test named:
//!
//! | break | caught by |
//! |---|---|
//! | the gate lets readers through while a writer waits | `a_writer_that_waits_holds_up_the_readers_that_come_after_it` in `tests/engine_calls.rs` |
//! | a writer owes nothing to the readers that it held up | [`phases`] |
//! | ... or no more than the first of each mailbox of sync ones | [`phases`]: `all_readers_that_a_writer_held_up_…` |
//! | ... or all of them, whatever time they take one after another | [`phases`]: `a_writer_has_its_turns_beside_a_flood_…` |
//! | a mailbox is charged by the number of its calls, not by their time | [`shares`]: `time_on_the_thread_is_shared_by_weight_whatever_a_call_costs` |
//! | the time of async calls at their polls is not charged | both of [`shares`] |
//! | weights are ignored | [`shares`]: `time_on_the_thread_is_shared_by_weight_whatever_a_call_costs` |
//! | an inline call asks neither before nor when it has the state whether anyone waits | [`overtaking`]; [`waiting`]: `calls_of_one_mailbox_start_in_the_order_in_which_they_came` |
//! | a `&mut self` call that panics keeps the state | [`ends`]: the two with lost states |
//! | the scheduler's drop leaves the mailboxes open | [`ends`]: the two with lost threads |
//! | a call that has expired is started | [`waiting`]: `a_mailbox_is_a_bounded_queue_of_what_was_not_given_up` |
//! | a caller that leaves does not give its call up | the same |
//! | a mailbox has no bound | the same |
//! | a batch does not wait for room that others took | [`batches`] |
//! | a place that comes free is told to nobody | [`batches`] |
//! | an answer that is ready is told after the long call that starts next | `an_answer_that_is_ready_…` in `tests/engine_calls.rs` |
//! | the methods of a group have a mailbox each | both of [`waiting`] |
//! | the chain of calls is not looked at; or what a notification, a task, or a call that was handed over leads to counts as waited for | [`circles`] |
//! | async readers have no limit in their method, or in their service | `no_more_async_readers_are_inside_than_their_method_and_their_service_allow` in `tests/engine_calls.rs` |

mod batches;
mod busy;
mod circles;
mod ends;
mod load;
mod overtaking;
mod phases;
mod shares;
mod waiting;

/// A run depends on the moment: what failed once need not fail again, so it is not kept. Nor is it made smaller for long.
fn cases(cases: u32) -> proptest::test_runner::Config {
    let usual = proptest::test_runner::Config::default();
    proptest::test_runner::Config { cases, failure_persistence: None, max_shrink_time: 10_000, ..usual }
}

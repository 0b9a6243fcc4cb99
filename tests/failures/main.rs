//! Failures: each row of the table in `src/docs/promises.md` is a scenario that runs twice, with
//! typed calls in process and with JSON over a socket, and expects the same of both.
//!
//! - mailbox full, hopeless, overloaded: [`refusals`], [`groups`], [`pool`]
//! - a deadline passes in the queue or under way: [`deadlines`], [`pool`], [`services`], [`inline`]
//! - a caller leaves while queued or under way: [`callers`], [`pool`], [`services`], [`inline`]
//! - a panic: [`panics`], [`groups`], [`inline`]
//! - the factory panics, too many restarts: [`restarts`]
//! - the host loses its thread: [`threads`]
//! - code around a call panics: [`user_code_panics`]
//! - stop: [`stops`]
//! - a call cycle: [`services`]
//!
//! Each of these mutations of the code was made by hand, one at a time, and was caught by the named
//! scenarios. The mutations of the scheduler's fairness are in `tests/properties`, those of its
//! lock-free parts in `tests/model`.
//!
//! - the scheduler's drop leaves the mailboxes open: [`threads`]: the two in which what waits may
//!   be retried
//! - a `&mut self` call that panics keeps the state: [`panics`]: `of_a_sync_writer_…`,
//!   `of_an_async_writer_…`, `of_notifications_…`; [`inline`]:
//!   `a_panic_of_a_sync_writer_makes_a_new_state`
//! - a call that has expired is started: [`deadlines`]: `a_notification_has_one_too`
//! - a notification under way has no deadline: the same
//! - a caller that leaves does not abandon its call: all of [`callers`]
//! - a reader under way does not check whether its caller is still there: [`callers`],
//!   [`deadlines`]: those in which it is dropped at its await
//! - `on_panic = "keep"` is ignored: [`panics`]: `of_a_writer_that_says_so_…`; [`inline`]:
//!   `a_panic_of_a_writer_that_says_so_keeps_the_state`
//! - an inline call, sync or async, does not check once more whether a call waits: [`inline`]:
//!   `a_sync_call_does_not_overtake_…`, `an_async_call_does_not_overtake_…`
//! - a drain does not wait for calls on the pool: [`stops`]:
//!   `what_runs_on_the_worker_pool_is_waited_for`
//! - a drain does not wait for calls that run across awaits: [`stops`]: the two in which nothing
//!   else waits
//! - a drain waits for nothing: [`stops`]: these three, and `admitted_calls_run_then_the_hook_…`
//! - at the end of the drain no call is cut off from outside: [`stops`]:
//!   `at_the_limit_a_sync_method_is_left_behind_…`
//! - a service that stops and has lost its thread gets no other host: [`threads`]:
//!   `while_the_service_stops_…`
//! - a future that is dropped half-way does not answer its caller: [`stops`]:
//!   `at_the_limit_a_writer_…`, `at_the_limit_readers_…`
//! - the number of restarts has no limit: [`restarts`]: `too_many_restarts_…`
//! - a call keeps its slot when it starts: [`callers`]:
//!   `a_call_whose_caller_leaves_while_it_waits_never_runs`
//! - the chain of calling services is not checked: [`services`]:
//!   `a_call_that_would_come_back_to_its_service_…`
//! - a notification has no more time than its sender, or may not come back to it: [`services`]:
//!   `a_notification_has_all_the_time_…`, `a_notification_may_go_to_its_sender_…`
//! - a notification of a method runs within it: [`services`]:
//!   `notifications_that_send_notifications_…`
//! - an abandoned call counts as waited for: [`services`]: `who_has_given_a_call_up_…`
//! - a nested call has the whole deadline of its own method: [`services`]:
//!   `a_call_within_a_call_has_no_more_time_than_the_outer_one`
//! - a mailbox has no bound: [`refusals`]: `a_call_whose_parameters_do_not_fit_…`; [`groups`]:
//!   `…_are_counted_together`
//! - a service has no bound, or none in bytes: [`refusals`]: `a_full_service_…`,
//!   `more_than_16_mib_of_parameters_…`
//! - hopeless work is admitted: [`refusals`]: `hopeless_work_…`
//! - the methods of a group have a mailbox each: [`groups`]:
//!   `…_run_in_the_order_in_which_they_came`, `…_are_counted_together`
//! - a call that has waited longer than `max_wait` is not rejected: [`refusals`]:
//!   `…_calls_that_have_waited_too_long_are_rejected`
//! - a call that would wait longer than `max_wait` is admitted: [`refusals`]:
//!   `…_calls_that_would_wait_too_long_are_rejected_at_once`
//! - a burst is taken for an overload: [`refusals`]:
//!   `a_burst_that_is_soon_worked_off_loses_nothing_…`
//! - a call without `max_wait` is shed, too: [`refusals`]:
//!   `a_call_that_may_wait_until_its_deadline_is_not_shed`

mod callers;
mod deadlines;
mod groups;
mod harness;
mod inline;
mod panics;
mod pool;
mod probe;
mod refusals;
mod restarts;
mod services;
mod shaky_service;
mod stops;
mod threads;
mod user_code_panics;

//! What happens when things go wrong: each row of the table of DESIGN §5 as a scenario that runs twice, with typed calls in
//! process and with JSON over a socket, and expects the same of both.
//!
//! | what happens | scenarios |
//! |---|---|
//! | mailbox full, hopeless | [`refusals`], [`groups`], [`pool`] |
//! | a deadline passes in the queue or under way | [`deadlines`], [`pool`], [`services`], [`inline`] |
//! | a caller leaves while queued or under way | [`callers`], [`pool`], [`services`], [`inline`] |
//! | a panic | [`panics`], [`groups`], [`inline`] |
//! | the factory panics, too many restarts | [`restarts`] |
//! | the host loses its thread | [`threads`] |
//! | stop | [`stops`] |
//! | a call cycle | [`services`] |
//!
//! Each of these breaks was made by hand, one at a time, and seen to be caught:
//!
//! | break | caught by |
//! |---|---|
//! | a limit lets everything through | [`refusals`], [`groups`], [`pool`] |
//! | nothing is hopeless | [`refusals`] |
//! | a call with bad parameters keeps its slot | [`refusals`] |
//! | a call that is given up while it waits can still start | [`deadlines`], [`callers`], [`pool`] |
//! | a call's time is not looked at when it starts | [`deadlines`] (notifications) |
//! | a reader does not see that nobody waits for it | [`deadlines`], [`callers`], [`services`] |
//! | a writer is dropped when nobody waits for it | [`deadlines`], [`callers`] |
//! | an inline reader has no deadline | [`inline`] |
//! | calls that expired count as answered, or calls that are over end again | all that count |
//! | panics are not caught | [`panics`], [`inline`] |
//! | a panic keeps the state, or throws it away in spite of `on_panic = "keep"` | [`panics`], [`inline`], [`groups`] |
//! | a writer cut off half-way leaves its state | [`panics`], [`threads`], [`stops`] |
//! | a service that goes down leaves its mailboxes open | [`restarts`] |
//! | any number of restarts is borne | [`restarts`] |
//! | a lost host leaves its mailboxes open | [`threads`] |
//! | a call that is cut off is not told, or only after its first step | [`threads`], [`stops`] |
//! | a stop does not wait for what was let in, lets more in, or has no limit | [`stops`] |
//! | what the pool runs, or a sync method, is not told of the limit | [`stops`] |
//! | the chain of services, or the outer deadline, is not heeded | [`services`] |
//! | methods of one group have mailboxes of their own, or the last in goes first | [`groups`], [`restarts`] |
//! | the pool takes any number of calls | [`pool`] |
//! | the end of a turn does not ring | [`inline`] |

mod callers;
mod deadlines;
mod groups;
mod inline;
mod panics;
mod pool;
mod probe;
mod refusals;
mod restarts;
mod services;
mod shaky;
mod site;
mod stops;
#[path = "../support/mod.rs"]
mod support;
mod threads;

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

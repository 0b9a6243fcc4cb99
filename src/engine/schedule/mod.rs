//! Which call runs next.
//!
//! The [scheduler] is a future inside the host. It asks the [fair queue](fair_queue) which mailbox
//! is next and the [gate] whether the call at its head may try for the state, and starts the call.
//! Before the host parks it [spins](spin) for a moment, if the next call is likely to arrive soon.

mod fair_queue;
mod gate;
pub(super) mod scheduler;
mod spin;

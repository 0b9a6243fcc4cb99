//! Which call runs next: the scheduler, its fair queue, and the gate.

mod gate;
mod lanes;
mod lookout;
pub(super) mod scheduler;

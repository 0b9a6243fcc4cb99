//! The engine's modules, as they are.

#[path = "../../../../src/mailbox/bell.rs"]
pub(crate) mod bell;
#[path = "../../../../src/mailbox/limit.rs"]
pub(crate) mod limit;
#[path = "../../../../src/mailbox/line.rs"]
pub(crate) mod line;
#[path = "../../../../src/mailbox/queue.rs"]
pub(crate) mod queue;
#[path = "../../../../src/mailbox/quota.rs"]
pub(crate) mod quota;
#[path = "../../../../src/mailbox/shedding.rs"]
pub(crate) mod shedding;
#[path = "../../../../src/mailbox/stage.rs"]
pub(crate) mod stage;

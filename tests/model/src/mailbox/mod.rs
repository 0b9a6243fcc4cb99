//! The modules of the engine, unchanged.

#[path = "../../../../src/mailbox/bell.rs"]
pub(crate) mod bell;
#[path = "../../../../src/mailbox/bounded_counter.rs"]
pub(crate) mod bounded_counter;
#[path = "../../../../src/mailbox/call_queue.rs"]
pub(crate) mod call_queue;
#[path = "../../../../src/mailbox/call_state.rs"]
pub(crate) mod call_state;
#[path = "../../../../src/mailbox/mailbox_share.rs"]
pub(crate) mod mailbox_share;
#[path = "../../../../src/mailbox/quota.rs"]
pub(crate) mod quota;
#[path = "../../../../src/mailbox/shedding.rs"]
pub(crate) mod shedding;
#[path = "../../../../src/mailbox/wait_list.rs"]
pub(crate) mod wait_list;

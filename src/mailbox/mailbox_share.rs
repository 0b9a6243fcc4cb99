//! What a mailbox shares with its methods.

use crate::measure::Charge;
use crate::sync::Arc;

use super::quota::MailboxSlots;
use super::shedding::Shedding;

/// What a mailbox shares with the entries of its methods, with admission, and with the host. None
/// of it depends on the type of the queued calls, so it is compiled once for all services.
#[derive(Clone, Debug)]
pub(crate) struct MailboxShare {
    /// Number of the mailbox in its service, from 0.
    pub(crate) index: usize,
    pub(crate) weight: u32,
    pub(crate) slots: Arc<MailboxSlots>,
    /// The time for which its calls ran without being measured by the scheduler.
    pub(crate) charge: Arc<Charge>,
    pub(crate) shedding: Arc<Shedding>,
}

impl MailboxShare {
    pub(crate) fn new(index: usize, slots: Arc<MailboxSlots>, weight: u32) -> Self {
        Self { index, weight, slots, charge: Arc::default(), shedding: Arc::new(Shedding::new()) }
    }
}

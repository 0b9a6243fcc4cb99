//! All mailboxes of one service.

use crate::mailbox::{Bell, Mailbox, MailboxShare, defer_wake};
use crate::route::Rejection;
use crate::sync::Arc;

use super::queued_job::QueuedJob;

/// The mailboxes of one service, and the bell that wakes its host.
#[derive(Debug)]
pub(crate) struct Mailboxes {
    all: Box<[Mailbox<QueuedJob>]>,
    bell: Arc<Bell>,
}

impl Mailboxes {
    pub(crate) fn new(shares: &[MailboxShare], bell: Arc<Bell>) -> Self {
        Self { all: shares.iter().cloned().map(Mailbox::new).collect(), bell }
    }

    pub(crate) fn get(&self, index: usize) -> &Mailbox<QueuedJob> {
        &self.all[index]
    }

    /// Puts an admitted call into its mailbox and wakes the host. Answers -32003 if the mailbox has
    /// closed meanwhile.
    pub(crate) fn push(&self, call: QueuedJob) {
        let mailbox = self.get(call.job.entry().mailbox);
        reject_if_closed(mailbox.push(call, &self.bell));
    }

    /// As [`push`](Self::push), for a call from a transport: the host is woken once for all calls
    /// of this thread whose wakes are [deferred](defer_wake).
    pub(crate) fn push_deferred(&self, call: QueuedJob) {
        if defer_wake(&self.bell) {
            let mailbox = self.get(call.job.entry().mailbox);
            reject_if_closed(mailbox.push_without_wake(call, &self.bell));
        } else {
            self.push(call);
        }
    }

    /// Opens all mailboxes.
    pub(crate) fn open(&self) {
        self.all.iter().for_each(Mailbox::open);
    }

    /// Closes all mailboxes, and answers -32003 to the calls in them.
    pub(crate) fn close(&self) {
        for mailbox in &self.all {
            for QueuedJob { job, .. } in mailbox.close() {
                job.reject(Rejection::unavailable());
            }
        }
    }

    /// Closes all mailboxes, and answers -32003 to the calls that wait in them and -32603 to those
    /// that the host was running: such a call is still at the head of its mailbox.
    pub(crate) fn cut(&self) {
        for mailbox in &self.all {
            for QueuedJob { job, .. } in mailbox.close() {
                job.reject(Rejection::unavailable());
                job.cut_off();
            }
        }
    }
}

fn reject_if_closed(pushed: Result<(), QueuedJob>) {
    if let Err(QueuedJob { job, .. }) = pushed {
        job.reject(Rejection::unavailable());
    }
}

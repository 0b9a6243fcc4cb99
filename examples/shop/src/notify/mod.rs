//! Mail to customers: a service that works by itself.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use callbox::{ServiceContext, service};
use jiff::Timestamp;
use shop_api::{Mail, NotifyClient};

use crate::clock::Clock;

/// Time between two looks at what is due.
const INTERVAL: Duration = Duration::from_secs(1);

/// Maximum number of mails that are remembered after they were sent.
const REMEMBERED: usize = 100;

/// The mails that wait, in memory: with the process they are lost. Where that must not be, write
/// them to the database in the transaction of the order.
#[derive(Debug)]
pub struct Notify {
    clock: Clock,
    /// By the time at which they are due. The number keeps those of one moment apart.
    waiting: BTreeMap<(Timestamp, u64), Mail>,
    scheduled: u64,
    sent: VecDeque<Mail>,
}

impl Notify {
    /// Makes the service and its task, which calls `send_due` every second. It goes through the
    /// mailbox like everybody else, so it never sees a state that another method is changing.
    ///
    /// callbox ends the task when the service stops or crashes. After a crash it calls this
    /// function again, which starts a new one.
    pub fn start(clock: Clock, context: &ServiceContext) -> Self {
        let (me, time) = (NotifyClient::from(context.me()), clock.clone());
        context.spawn(async move {
            loop {
                time.sleep(INTERVAL).await;
                if let Err(error) = me.notify(me.send_due()).await {
                    tracing::warn!(%error, "mails are sent a second later");
                }
            }
        });
        Self { clock, waiting: BTreeMap::new(), scheduled: 0, sent: VecDeque::new() }
    }
}

#[service(api = shop_api::notify::NotifyApi)]
impl Notify {
    #[handles(mailbox = 4096)]
    fn schedule(&mut self, to: String, text: String, after_s: u32) {
        let due = self.clock.now() + Duration::from_secs(after_s.into());
        self.scheduled += 1;
        self.waiting.insert((due, self.scheduled), Mail { to, text, due });
    }

    #[handles]
    fn send_due(&mut self) -> usize {
        let later = self.waiting.split_off(&(self.clock.now(), u64::MAX));
        let due = std::mem::replace(&mut self.waiting, later);
        let count = due.len();
        for mail in due.into_values() {
            // A shop would hand it to its mail server here.
            tracing::info!(to = mail.to, text = mail.text, "mail");
            self.sent.push_front(mail);
        }
        self.sent.truncate(REMEMBERED);
        count
    }

    #[handles]
    fn sent(&self) -> Vec<Mail> {
        self.sent.iter().cloned().collect()
    }
}

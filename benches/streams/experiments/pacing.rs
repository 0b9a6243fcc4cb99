//! Items at a steady rate, as long as the server answers.

use std::io;
use std::time::{Duration, Instant};

use crate::client::{Swarm, reply};
use callbox_benches::workload::call;

/// Publishes one item in each interval.
pub(super) struct Pacing {
    publish: String,
    interval: Duration,
    next: Instant,
    /// Number of items so far, and of those that the server has answered.
    pub(super) published: u64,
    answered: u64,
    /// Maximum number of items that are not answered. A server that did not run for a while would
    /// otherwise get more items at once than it keeps for a subscriber.
    max_unanswered: u64,
}

impl Pacing {
    /// Begins now. The items have a note of this length, and the server keeps so many of them.
    pub(super) fn new(interval: Duration, length: usize, capacity: usize) -> Self {
        let max_unanswered = capacity as u64 / 4;
        let publish = call("publish", &format!(r#"{{"count":1,"length":{length}}}"#), 1);
        Self { publish, interval, next: Instant::now(), published: 0, answered: 0, max_unanswered }
    }

    /// Publishes the next item over this connection if it is due. After a delay there is one for
    /// each interval that has passed.
    pub(super) fn publish_due(&mut self, swarm: &mut Swarm, connection: usize) -> io::Result<()> {
        if Instant::now() >= self.next && self.published - self.answered < self.max_unanswered {
            self.next += self.interval;
            self.published += 1;
            swarm.send(connection, &self.publish)?;
        }
        Ok(())
    }

    /// Handles a message to the connection that publishes.
    pub(super) fn receive(&mut self, message: &[u8]) -> io::Result<()> {
        self.answered += u64::from(reply::<u64>(message)?.is_some());
        Ok(())
    }
}

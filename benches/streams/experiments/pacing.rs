//! Items at a steady rate, whatever becomes of them.

use std::io;
use std::time::{Duration, Instant};

use crate::client::Swarm;
use callbox_benches::workload::call;

/// Publishes one item in each interval.
pub(super) struct Pacing {
    publish: String,
    interval: Duration,
    next: Instant,
    /// Number of items so far.
    pub(super) published: u64,
}

impl Pacing {
    /// Begins now. The items have a note of this length.
    pub(super) fn new(interval: Duration, length: usize) -> Self {
        let publish = call("publish", &format!(r#"{{"count":1,"length":{length}}}"#), 1);
        Self { publish, interval, next: Instant::now(), published: 0 }
    }

    /// Publishes the next item over this connection if it is due. After a delay there is one for
    /// each interval that has passed.
    pub(super) fn publish_due(&mut self, swarm: &mut Swarm, connection: usize) -> io::Result<()> {
        if Instant::now() >= self.next {
            self.next += self.interval;
            self.published += 1;
            swarm.send(connection, &self.publish)?;
        }
        Ok(())
    }
}

//! callbox with its defaults, except for the number of connections.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use callbox::{Server, Subscription, Topic, service, testing};
use futures::stream::{self, Stream};
use parking_lot::Mutex;

use super::{Price, Sleeper, now, print_address};

/// Time that a call of `sleep` takes unless it is cancelled.
const SLEEP: Duration = Duration::from_secs(5);

/// Maximum number of connections: as many as half of the files of a process allow.
const CONNECTIONS: usize = 20_000;

struct Market {
    prices: Topic<Price>,
    published: u64,
    sleeper: Arc<Mutex<Sleeper>>,
}

/// Notes when the future of a call, or the stream of a subscription, was dropped.
struct DropGuard {
    number: u64,
    sleeper: Arc<Mutex<Sleeper>>,
}

impl DropGuard {
    fn new(number: u64, sleeper: &Arc<Mutex<Sleeper>>) -> Self {
        sleeper.lock().begun = number;
        Self { number, sleeper: Arc::clone(sleeper) }
    }
}

impl Drop for DropGuard {
    fn drop(&mut self) {
        let mut sleeper = self.sleeper.lock();
        (sleeper.dropped, sleeper.dropped_at) = (self.number, now());
    }
}

#[service(name = "bench.streams")]
impl Market {
    #[public_method]
    fn ping(&self) -> bool {
        true
    }

    /// Publishes items with a note of this length, and returns the number of the last one.
    #[public_method]
    fn publish(&mut self, count: u64, length: usize) -> u64 {
        for _ in 0..count {
            self.published += 1;
            self.prices.publish(Price::now(self.published, length));
        }
        self.published
    }

    #[public_method(subscription)]
    fn prices(&self) -> Subscription<Price> {
        self.prices.subscribe()
    }

    /// Sleeps longer than the load does.
    #[public_method]
    async fn sleep(&self, number: u64) -> bool {
        let _guard = DropGuard::new(number, &self.sleeper);
        tokio::time::sleep(SLEEP).await;
        true
    }

    /// Sends nothing.
    #[public_method(subscription)]
    fn watch(&self, number: u64) -> impl Stream<Item = u64> + Send + 'static {
        let guard = DropGuard::new(number, &self.sleeper);
        stream::poll_fn(move |_| {
            let _kept = &guard;
            Poll::Pending
        })
    }

    /// Returns what has become of the calls of `sleep` and `watch`.
    #[public_method]
    fn sleeper(&self) -> Sleeper {
        *self.sleeper.lock()
    }
}

pub(super) fn serve(workers: usize, capacity: usize) {
    let market = move || Market { prices: Topic::with_capacity(capacity), published: 0, sleeper: Arc::default() };
    let server = Server::new(market).workers(workers).max_connections(CONNECTIONS);
    let server = testing::start(server.max_connections_per_peer(CONNECTIONS));
    print_address(server.address());
    loop {
        std::thread::park();
    }
}

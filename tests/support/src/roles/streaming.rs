//! A server with subscriptions, some of which hold their thread.

use std::time::Duration;

use callbox::{Server, Subscription, Topic, service};

#[derive(Default)]
struct Streaming {
    numbers: Topic<u64>,
}

#[service(name = "test.streaming")]
impl Streaming {
    #[public_method]
    fn ping(&self) -> String {
        "pong".into()
    }

    /// Never ends by itself.
    #[public_method(in_flight = 256)]
    async fn wait(&self) {
        std::future::pending::<()>().await;
    }

    /// Has no items.
    #[public_method(subscription)]
    fn silence(&self) -> Subscription<u64> {
        self.numbers.subscribe()
    }

    /// Has one item, and holds its thread before that.
    #[public_method(subscription)]
    fn laborious(&self, millis: u64) -> Subscription<u64> {
        let work = move |number: &u64| {
            std::thread::sleep(Duration::from_millis(millis));
            *number
        };
        self.numbers.subscribe().starting_with([1]).map(work)
    }
}

pub(super) fn streaming() -> Server {
    Server::new(Streaming::default)
}

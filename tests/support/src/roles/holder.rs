//! A server whose calls end when its test wants.

use std::io::Read;
use std::sync::Arc;

use actix_web::{HttpResponse, web};
use callbox::{InternalError, Server, ServiceRef, Subscription, Topic, service};
use tokio::sync::Semaphore;

/// Its calls wait until its standard input is closed.
struct Holder {
    gate: Arc<Semaphore>,
    silence: Topic<u64>,
}

#[service(name = "test.holder")]
impl Holder {
    #[public_method(in_flight = 100)]
    async fn hold(&self, n: u64) -> Result<u64, InternalError> {
        let _permit = self.gate.acquire().await?;
        Ok(n)
    }

    /// The same, alone with the state.
    #[public_method(mailbox = 2)]
    async fn hold_alone(&mut self, n: u64) -> Result<u64, InternalError> {
        self.hold(n).await
    }

    /// Has no items.
    #[public_method(subscription)]
    fn silence(&self) -> Subscription<u64> {
        self.silence.subscribe()
    }
}

pub(super) fn holder() -> Server {
    let gate = Arc::new(Semaphore::new(0));
    let opens = Arc::clone(&gate);
    std::thread::spawn(move || {
        // Ends when the test closes its end, in whatever way.
        let _ = std::io::stdin().read_to_end(&mut Vec::new());
        opens.add_permits(1000);
    });
    Server::new(move || Holder { gate: Arc::clone(&gate), silence: Topic::new() }).configure(|config| {
        config.route("/calls", web::get().to(calls));
    })
}

/// Responds with the number of admitted calls, and how many of them wait in a mailbox.
async fn calls(holder: ServiceRef<Holder>) -> HttpResponse {
    let stats = holder.stats();
    let begun: u64 = stats.iter().map(|stats| stats.inline + stats.queued).sum();
    let waiting: usize = stats.iter().map(|stats| stats.depth).sum();
    HttpResponse::Ok().body(format!("{begun} admitted, {waiting} waiting"))
}

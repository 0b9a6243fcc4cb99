//! jsonrpsee's own server. Its subscription is that of its example `ws_pubsub_broadcast`: a task
//! for each subscriber, which passes on the items of a broadcast channel and waits while the
//! connection has no room.

use std::net::Ipv4Addr;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};

use jsonrpsee::core::SubscriptionResult;
use jsonrpsee::server::{PendingSubscriptionSink, RegisterMethodError, RpcModule, Server, ServerConfig};
use serde::Deserialize;
use serde_json::value::to_raw_value;
use tokio::runtime;
use tokio::sync::broadcast;
use tokio::sync::broadcast::error::RecvError;

use super::{Price, print_address};

struct Market {
    prices: broadcast::Sender<Price>,
    published: AtomicU64,
}

#[derive(Deserialize)]
struct Publish {
    count: u64,
    length: usize,
}

impl Market {
    fn publish(&self, Publish { count, length }: &Publish) -> u64 {
        for _ in 0..*count {
            let number = self.published.fetch_add(1, Ordering::Relaxed) + 1;
            // An error means that there are no subscribers.
            let _ = self.prices.send(Price::now(number, *length));
        }
        self.published.load(Ordering::Relaxed)
    }
}

async fn pass_on(pending: PendingSubscriptionSink, mut prices: broadcast::Receiver<Price>) -> SubscriptionResult {
    let sink = pending.accept().await?;
    let mut closed = pin!(sink.closed());
    loop {
        tokio::select! {
            () = &mut closed => return Ok(()),
            price = prices.recv() => match price {
                Ok(price) => sink.send(to_raw_value(&price)?).await?,
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return Ok(()),
            },
        }
    }
}

fn module(capacity: usize) -> Result<RpcModule<Market>, RegisterMethodError> {
    let market = Market { prices: broadcast::Sender::new(capacity), published: AtomicU64::new(0) };
    let mut module = RpcModule::new(market);
    module.register_method("ping", |_, _, _| true)?;
    module.register_method("publish", |params, market, _| params.parse().map(|params| market.publish(&params)))?;
    module.register_subscription("prices", "prices", "unsubscribe_prices", |_, pending, market, _| {
        pass_on(pending, market.prices.subscribe())
    })?;
    Ok(module)
}

pub(super) fn serve(workers: usize, capacity: usize) {
    let runtime = runtime::Builder::new_multi_thread().worker_threads(workers).enable_all().build();
    let served = runtime.and_then(|runtime| {
        runtime.block_on(async {
            // The default is 100 connections.
            let config = ServerConfig::builder().max_connections(20_000).ws_only().build();
            let server = Server::builder().set_config(config).build((Ipv4Addr::LOCALHOST, 0)).await?;
            print_address(server.local_addr()?);
            let running = server.start(module(capacity).expect("its methods have different names"));
            running.stopped().await;
            Ok(())
        })
    });
    served.expect("the server runs");
}

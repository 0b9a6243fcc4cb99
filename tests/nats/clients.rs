//! Calls over NATS by callbox's own clients: typed and untyped ones, batches, subscriptions and
//! reports of progress.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbox::client::{Client, ClientError, Nats};
use callbox::testing::TestServer;
use callbox::{Lag, Subscription};
use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::wait::until;
use futures::StreamExt;
use serde_json::{Value, json};

use super::market::{self, MarketClient};
use super::{connect, run};

async fn market_client(nats: &NatsServer) -> Client {
    Nats::connect(&nats.url()).await.unwrap().service("shop.market")
}

/// A typed client calls, notifies and sends batches, as over HTTP.
pub(crate) fn typed() {
    let nats = NatsServer::start(&[]);
    let server = market::start(&nats);
    run(async {
        let market = MarketClient::from(market_client(&nats).await);
        assert_eq!(market.add(1, 2).await.unwrap(), 3);
        let error = market.refuse().await.unwrap_err();
        assert!(matches!(&error, ClientError::Method(error) if error.code() == 7), "{error:?}");
        assert!(matches!(market.secret().await, Err(ClientError::Server(error)) if error.code() == -32001));
        assert_eq!(market.secret().with_token("ann").await.unwrap(), "ann");
        market.notify(market.sell(5)).await.unwrap();
        let batch = market.batch().add(market.sell(1)).add(market.add(2, 3)).add(market.refuse());
        let (sold, sum, refused) = batch.send().await;
        assert_eq!((sold.unwrap(), sum.unwrap()), (6, 5));
        assert!(matches!(refused, Err(ClientError::Method(_))));
        let late = market.nap(5_000).with_deadline(Duration::from_millis(50)).await.unwrap_err();
        assert!(matches!(late, ClientError::Deadline(_)), "{late:?}");
        let large = market.large(2_000_000).await.unwrap_err();
        assert!(matches!(&large, ClientError::Server(error) if error.code() == -32004), "{large:?}");
    });
    until("no call is left", || server.stats()[0].methods.iter().all(|method| method.running == 0));
}

/// A client of a service that nobody has says so after its retries.
pub(crate) fn nobody_there() {
    let nats = NatsServer::start(&[]);
    run(async {
        let connection = Nats::connect(&nats.url()).await.unwrap();
        let error = connection.service("none").call::<Value>("add", [1, 2]).await.unwrap_err();
        assert!(matches!(&error, ClientError::Rejected(error) if error.code() == -32003), "{error:?}");
        let error = Nats::connect("nats://127.0.0.1:1").await.unwrap_err().to_string();
        assert!(error.starts_with("cannot connect to NATS at nats://127.0.0.1:1: "), "{error}");
    });
}

/// A caller that leaves cancels its call.
pub(crate) fn dropped_calls() {
    let nats = NatsServer::start(&[]);
    let server = market::start(&nats);
    let nap = |server: &TestServer| {
        let stats = server.stats();
        let nap = stats[0].methods.iter().find(|method| method.method == "market.nap").unwrap();
        (nap.running, nap.cancelled)
    };
    run(async {
        let market = MarketClient::from(market_client(&nats).await);
        let call = tokio::spawn(async move { market.nap(20_000).await });
        let running = async {
            while nap(&server).0 == 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), running).await.unwrap();
        call.abort();
        let cancelled = async {
            while nap(&server) != (0, 1) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(10), cancelled).await.unwrap();
    });
}

fn open_subscriptions(server: &TestServer) -> u64 {
    server.stats()[0].methods.iter().map(|method| method.subscriptions).sum()
}

/// Items of a subscription arrive in order, and dropping it ends it at the service.
pub(crate) fn subscriptions() {
    let nats = NatsServer::start(&[]);
    let server = market::start(&nats);
    let open = || open_subscriptions(&server);
    run(async {
        let market = MarketClient::from(market_client(&nats).await);
        let mut prices: Subscription<u64> = market.prices().await.unwrap();
        assert_eq!(open(), 1);
        for price in 0..500 {
            market.publish(price).await.unwrap();
        }
        for price in 0..500 {
            let item = prices.next().await.unwrap().unwrap();
            assert_eq!((*item, item.lag()), (price, None));
        }
        drop(prices);
        tokio::task::block_in_place(|| until("it has ended", || open() == 0));
        let untyped = market_client(&nats).await;
        let mut prices = untyped.subscribe::<u64>("prices", ()).await.unwrap();
        untyped.call::<Value>("publish", json!({ "price": 7 })).await.unwrap();
        assert_eq!(prices.next().await.unwrap().unwrap().into_inner(), 7);
    });
}

/// A subscription that nobody renews ends, and one whose client is there goes on.
pub(crate) fn leases() {
    let nats = NatsServer::start(&[]);
    let server = market::start(&nats);
    let open = || open_subscriptions(&server);
    run(async {
        let market = MarketClient::from(market_client(&nats).await);
        let mut renewed = market.prices().await.unwrap();
        let client = connect(&nats).await;
        let (inbox, events) = (client.new_inbox(), client.new_inbox());
        let mut items = client.subscribe(events.clone()).await.unwrap();
        let mut replies = client.subscribe(inbox.clone()).await.unwrap();
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Callbox-Events", &*events);
        let subject = "callbox.shop=2Emarket.prices";
        client.publish_with_reply_and_headers(subject, inbox.clone(), headers, "".into()).await.unwrap();
        let reply = replies.next().await.unwrap();
        let instance = reply.headers.unwrap().get("Callbox-Instance").unwrap().to_string();
        let renew = async |expected: &str| {
            let payload = format!(r#"{{"renew":"{inbox}"}}"#);
            let known = client.request(instance.clone(), payload.into()).await.unwrap();
            assert_eq!(&known.payload[..], expected.as_bytes());
        };
        tokio::time::sleep(Duration::from_secs(3)).await;
        renew("true").await;
        tokio::time::sleep(Duration::from_secs(13)).await;
        market.publish(7).await.unwrap();
        let item = items.next().await.unwrap();
        assert!(std::str::from_utf8(&item.payload).unwrap().contains(r#""result":7"#), "{item:?}");
        tokio::task::block_in_place(|| until("its time is over", || open() == 1));
        renew("false").await;
        market.publish(8).await.unwrap();
        for expected in [7, 8] {
            assert_eq!(renewed.next().await.unwrap().unwrap().into_inner(), expected);
        }
    });
}

/// The reports of a call arrive before its result.
pub(crate) fn progress() {
    let nats = NatsServer::start(&[]);
    let _server = market::start(&nats);
    run(async {
        let market = MarketClient::from(market_client(&nats).await);
        let reports = Arc::<Mutex<Vec<u64>>>::default();
        let seen = Arc::clone(&reports);
        let done = market.nap(300).on_progress(move |report| seen.lock().unwrap().push(report.done)).await;
        assert_eq!(done.unwrap(), 300);
        let reports = reports.lock().unwrap();
        assert!(reports.len() >= 3 && reports.is_sorted(), "{reports:?}");
    });
}

/// When the instance of a subscription stops, another goes on with it, and the gap is known.
pub(crate) fn moved_subscriptions() {
    let nats = NatsServer::start(&[]);
    let first = market::start(&nats);
    run(async {
        let market = MarketClient::from(market_client(&nats).await);
        let mut prices = market.prices().await.unwrap();
        market.publish(1).await.unwrap();
        assert_eq!(prices.next().await.unwrap().unwrap().into_inner(), 1);
        let second = market::start(&nats);
        drop(first);
        let publishes = async {
            loop {
                let _ = market.publish(2).await;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let item = tokio::select! {
            item = prices.next() => item.unwrap().unwrap(),
            () = publishes => unreachable!(),
        };
        assert_eq!((*item, item.lag()), (2, Some(Lag::Unknown)));
        drop(second);
    });
}

//! Subscriptions of a client over HTTP.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use callbox::client::{Client, ClientError, Transport, TransportError, TransportRequest, TransportResponse};
use callbox::{Lag, Subscription, testing};
use futures::StreamExt;
use futures::future::join_all;

use super::cuts::CLIENTS;
use super::proxy::Proxy;
use super::service::{MarketClient, Price, publish_all_the_time, server, subscriptions, until};
use super::subscriptions::next;

pub(crate) fn client(server: &testing::TestServer) -> MarketClient {
    MarketClient::from(Client::new(server.url("/api")).unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn items_are_typed_and_each_subscription_ends_by_itself() {
    let server = server();
    let market = client(&server);
    market.set("ACME".into(), 1.0).await.unwrap();
    let (mut acme, mut other) =
        (market.prices("ACME".into()).await.unwrap(), market.prices("OTHER".into()).await.unwrap());
    assert_eq!(next(&mut acme).await, Price { symbol: "ACME".into(), value: 1.0 });
    for value in [2.0, 3.0] {
        market.set("OTHER".into(), -value).await.unwrap();
        market.set("ACME".into(), value).await.unwrap();
        assert_eq!(next(&mut acme).await.value, value);
        assert_eq!(next(&mut other).await.value, -value);
    }
    assert_eq!(subscriptions(&server), 2);
    drop(other);
    until("one ends", || subscriptions(&server) == 1).await;
    market.set("ACME".into(), 4.0).await.unwrap();
    let item = acme.next().await.unwrap().unwrap();
    assert_eq!((item.value, item.lag(), item.cursor().is_some()), (4.0, None, true));
    drop(acme);
    until("both end", || subscriptions(&server) == 0).await;

    let counted: Vec<_> = market.count(2000).await.unwrap().collect().await;
    let counted: Vec<_> = counted.into_iter().map(|item| *item.unwrap()).collect();
    assert_eq!(counted, (1..=2000).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_subscription_that_is_refused_is_an_error_of_its_call() {
    let server = server();
    let market = client(&server);
    let refused = market.nicely(false).await.unwrap_err();
    assert!(matches!(&refused, ClientError::Method(error) if error.code() == 403), "{refused}");
    let denied = market.secret_numbers().await.unwrap_err();
    assert_eq!(denied.rpc_error().unwrap().code(), -32001);
    let mut numbers = market.secret_numbers().with_token("secret").await.unwrap();
    market.publish(5, 6).await.unwrap();
    assert_eq!(next(&mut numbers).await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_batch_and_a_transport_of_ones_own_start_no_subscriptions() {
    let server = server();
    let market = client(&server);
    let (numbers, echo) = market.batch().add(market.numbers()).add(market.echo("a".into())).send().await;
    let error = numbers.map(drop).unwrap_err();
    assert!(matches!(error, ClientError::Unsupported(_)) && error.never_ran());
    assert!(error.to_string().contains("a batch over HTTP starts no subscriptions"), "{error}");
    assert_eq!(echo.unwrap(), "a");

    struct Own;
    impl Transport for Own {
        async fn send(&self, _: TransportRequest) -> Result<TransportResponse, TransportError> {
            Err(TransportError::never_sent("it must not be sent"))
        }
    }
    let own = MarketClient::from(Client::with_transport(Own));
    let error = own.numbers().await.map(drop).unwrap_err();
    assert!(error.to_string().contains("the transport of this client carries no subscriptions"), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_deadline_is_that_of_the_start_and_idle_connections_stay_open() {
    let server = server();
    let proxy = Proxy::start(server.address()).await;
    let market = MarketClient::from(Client::new(proxy.http_url()).unwrap());
    let mut numbers = market.numbers().with_deadline(Duration::from_secs(2)).await.unwrap();
    // More than the deadline, and than idle connections are kept for further calls.
    tokio::time::sleep(Duration::from_millis(4500)).await;
    market.publish(1, 3).await.unwrap();
    assert_eq!([next(&mut numbers).await, next(&mut numbers).await], [1, 2]);
    assert_eq!(proxy.accepted(), 2, "one for the subscription, and one for the call");
}

/// The numbers are published all the time, and each cut loses whatever is on its way.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_hundred_cuts_neither_lose_nor_double_an_item() {
    let server = server();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let proxy = Proxy::start(server.address()).await;
        let numbers = MarketClient::from(Client::new(proxy.http_url()).unwrap()).numbers().await.unwrap();
        clients.push((proxy, numbers));
    }
    let (publisher, published) = publish_all_the_time(&server);
    join_all(clients.into_iter().map(|(proxy, numbers)| cut_again_and_again(proxy, numbers, &published))).await;
    publisher.abort();
}

async fn cut_again_and_again(proxy: Proxy, mut numbers: Subscription<u64>, published: &AtomicU64) {
    const CUTS: usize = 100 / CLIENTS;
    let mut expected = 0;
    for cut in 0..=CUTS {
        // Most cuts come after some items, and some while the client connects.
        let last = if cut % 10 == 9 { expected } else { published.load(Ordering::SeqCst) + cut as u64 % 7 * 5 };
        while expected <= last {
            let item = tokio::time::timeout(Duration::from_secs(10), numbers.next()).await.unwrap().unwrap().unwrap();
            assert_eq!((*item, item.lag()), (expected, None), "after {cut} cuts");
            expected += 1;
        }
        proxy.cut();
    }
    assert!(proxy.accepted() > CUTS / 2, "{} connections", proxy.accepted());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_was_restarted_is_found_again() {
    let first = server();
    let proxy = Proxy::start(first.address()).await;
    let market = MarketClient::from(Client::new(proxy.http_url()).unwrap());
    let mut numbers = market.numbers().await.unwrap();
    market.publish(1, 2).await.unwrap();
    assert_eq!(next(&mut numbers).await, 1);
    // As when it crashes: nothing of the end of its subscriptions arrives.
    proxy.set_target(None);
    proxy.cut();
    tokio::task::spawn_blocking(move || drop(first)).await.unwrap();
    let second = server();
    proxy.set_target(Some(second.address()));
    let local: MarketClient = second.service::<super::service::Market>().client();
    let went_on = tokio::spawn(async move { (numbers.next().await.unwrap().unwrap(), next(&mut numbers).await) });
    until("the client is back", || subscriptions(&second) == 1).await;
    local.publish(10, 12).await.unwrap();
    let (item, after) = went_on.await.unwrap();
    assert_eq!((*item, item.lag(), after), (10, Some(Lag::Unknown), 11), "it is another topic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_slow_subscriber_learns_what_it_missed() {
    let server = server();
    let market = client(&server);
    let mut slow = market.numbers().await.unwrap();
    // What is under way takes no more than some megabytes, and the topic keeps 1,024 items.
    let last = 300_000;
    market.publish(0, last + 1).await.unwrap();
    let (mut expected, mut missed) = (0, 0);
    while expected <= last {
        let item = slow.next().await.unwrap().unwrap();
        let lag = match item.lag() {
            Some(Lag::Items(items)) => items,
            None => 0,
            Some(Lag::Unknown) => panic!("it is known"),
        };
        assert_eq!(*item, expected + lag);
        (expected, missed) = (*item + 1, missed + lag);
    }
    assert!(missed > 0, "it was slow");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_stops_ends_its_subscriptions_with_an_error() {
    let server = server();
    let mut numbers = client(&server).numbers().await.unwrap();
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
    let error = tokio::time::timeout(Duration::from_secs(10), numbers.next()).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.rpc_error().map(callbox::RpcError::code), Some(-32003), "{error}");
    assert!(numbers.next().await.is_none());
}

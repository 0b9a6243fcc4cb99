//! A connection that is lost.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use callbox::client::{Client, ClientError, Retry};
use callbox::{Lag, Subscription};
use futures::StreamExt;
use futures::future::join_all;
use serde_json::json;

use super::proxy::Proxy;
use super::service::{MarketClient, Waiting, publish_all_the_time, server, server_with, until};
use super::subscriptions::next;

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn calls_in_flight_are_lost_and_new_ones_wait_for_the_connection() {
    let waiting = Waiting::default();
    let server = server_with(waiting.clone());
    let proxy = Proxy::start(server.address()).await;
    let market = MarketClient::from(Client::connect(proxy.url()).await.unwrap());
    let lost = tokio::spawn(market.wait());
    until("it waits", || waiting.count() == 1).await;
    proxy.set_target(None);
    proxy.cut();
    let lost = lost.await.unwrap().unwrap_err();
    assert!(matches!(lost, ClientError::Lost(_)), "{lost}");

    let call = tokio::spawn(market.echo("waits".into()));
    let late = market.echo("late".into()).with_deadline(Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(late, ClientError::Deadline(None)), "{late}");
    proxy.set_target(Some(server.address()));
    assert_eq!(call.await.unwrap().unwrap(), "waits");
    assert_eq!(market.noted().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_idempotent_call_that_was_lost_is_made_again() {
    let server = server();
    let proxy = Proxy::start(server.address()).await;
    let market = MarketClient::from(Client::connect(proxy.url()).await.unwrap());
    let call = tokio::spawn(market.later(5, 300));
    tokio::time::sleep(Duration::from_millis(100)).await;
    proxy.cut();
    assert_eq!(call.await.unwrap().unwrap(), 5);
    assert_eq!(proxy.accepted(), 2);
}

/// Number of clients that are cut at the same time, since most of their time they wait to connect.
pub(crate) const CLIENTS: usize = 4;

/// The numbers are published all the time, and each cut loses whatever is on its way.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_hundred_cuts_neither_lose_nor_double_an_item() {
    let server = server();
    let mut clients = Vec::new();
    for _ in 0..CLIENTS {
        let proxy = Proxy::start(server.address()).await;
        let retry = Retry::default().attempts(10).budget(10.0, 100);
        let client = Client::builder(proxy.url()).retry(retry).connect().await.unwrap();
        let numbers = MarketClient::from(client.clone()).numbers().await.unwrap();
        clients.push((proxy, client, numbers));
    }
    let (publisher, published) = publish_all_the_time(&server);
    let cut =
        clients.into_iter().map(|(proxy, client, numbers)| cut_again_and_again(proxy, client, numbers, &published));
    join_all(cut).await;
    publisher.abort();
}

async fn cut_again_and_again(proxy: Proxy, client: Client, mut numbers: Subscription<u64>, published: &AtomicU64) {
    const CUTS: usize = 100 / CLIENTS;
    let mut expected = 0;
    for cut in 0..CUTS {
        until("the connection is back", || proxy.accepted() > cut).await;
        // Most after items have come over the new connection, and some before.
        let last = if cut % 10 == 9 { expected } else { published.load(Ordering::SeqCst) + cut as u64 % 7 * 5 };
        while expected <= last {
            let item = tokio::time::timeout(Duration::from_secs(10), numbers.next()).await.unwrap().unwrap().unwrap();
            assert_eq!((*item, item.lag()), (expected, None), "after {cut} cuts");
            expected += 1;
        }
        proxy.cut();
    }
    for _ in 0..200 {
        let item = numbers.next().await.unwrap().unwrap();
        assert_eq!((*item, item.lag()), (expected, None));
        expected += 1;
    }
    assert_eq!(proxy.accepted(), CUTS + 1);
    assert_eq!(client.idempotent().call::<u64>("later", json!([1, 0])).await.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_subscription_without_a_place_for_its_position_says_that_it_does_not_know_what_it_missed() {
    let server = server();
    let proxy = Proxy::start(server.address()).await;
    let client = Client::connect(proxy.url()).await.unwrap();
    let market = MarketClient::from(client.clone());
    let mut by_position = client.subscribe::<serde_json::Value>("prices", ["ACME"]).await.unwrap();
    let mut by_name = client.subscribe::<serde_json::Value>("prices", json!({ "symbol": "ACME" })).await.unwrap();
    market.set("ACME".into(), 1.0).await.unwrap();
    assert_eq!(
        (next(&mut by_position).await["value"].as_f64(), next(&mut by_name).await["value"].as_f64()),
        (Some(1.0), Some(1.0))
    );
    proxy.set_target(None);
    proxy.cut();
    let local: MarketClient = server.service::<super::service::Market>().client();
    local.set("ACME".into(), 2.0).await.unwrap();
    local.set("ACME".into(), 3.0).await.unwrap();
    proxy.set_target(Some(server.address()));
    for value in [2.0, 3.0] {
        let item = by_name.next().await.unwrap().unwrap();
        assert_eq!((item["value"].as_f64(), item.lag()), (Some(value), None));
    }
    let item = by_position.next().await.unwrap().unwrap();
    assert_eq!((item["value"].as_f64(), item.lag()), (Some(3.0), Some(Lag::Unknown)), "it begins again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_was_restarted_is_found_again() {
    let first = server();
    let proxy = Proxy::start(first.address()).await;
    let market = MarketClient::from(Client::connect(proxy.url()).await.unwrap());
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
    until("the client is back", || super::service::subscriptions(&second) == 1).await;
    local.publish(10, 12).await.unwrap();
    let item = numbers.next().await.unwrap().unwrap();
    assert_eq!((*item, item.lag()), (10, Some(Lag::Unknown)), "it is another topic");
    assert_eq!(next(&mut numbers).await, 11);
    assert_eq!(market.echo("calls go on".into()).await.unwrap(), "calls go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_subscription_that_is_refused_after_a_cut_ends_with_the_error() {
    let first = server();
    let proxy = Proxy::start(first.address()).await;
    let market = MarketClient::from(Client::connect(proxy.url()).await.unwrap());
    let mut numbers = market.numbers().await.unwrap();
    let other = callbox::testing::start(callbox::Server::new(|| Nothing));
    proxy.set_target(Some(other.address()));
    proxy.cut();
    let error = numbers.next().await.unwrap().unwrap_err();
    assert_eq!(error.rpc_error().map(callbox::RpcError::code), Some(-32601), "{error}");
    assert!(numbers.next().await.is_none());
}

/// A service without a method of the others.
struct Nothing;

#[callbox::service(name = "nothing")]
impl Nothing {
    /// Does nothing.
    #[public_method]
    fn nothing(&self) {}
}

//! Subscriptions over a WebSocket.

use std::time::Duration;

use callbox::client::{Client, ClientError};
use callbox::{Lag, Subscription};
use futures::StreamExt;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::service::{Market_Count, MarketClient, Price, connect, server, subscriptions, until, url};

/// The next value, which must come soon.
pub(crate) async fn next<T: DeserializeOwned + Clone + Send + 'static>(items: &mut Subscription<T>) -> T {
    let next = tokio::time::timeout(Duration::from_secs(10), items.next()).await.expect("an item comes soon");
    next.expect("the subscription goes on").expect("it has not failed").into_inner()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn items_are_typed_and_begin_with_the_first_one() {
    let server = server();
    let market = connect(&server).await;
    market.set("ACME".into(), 1.0).await.unwrap();
    let mut acme = market.prices("ACME".into()).await.unwrap();
    let mut other = market.prices("OTHER".into()).await.unwrap();
    assert_eq!(next(&mut acme).await, Price { symbol: "ACME".into(), value: 1.0 });
    for value in [2.0, 3.0] {
        market.set("OTHER".into(), -value).await.unwrap();
        market.set("ACME".into(), value).await.unwrap();
    }
    for value in [2.0, 3.0] {
        assert_eq!(next(&mut acme).await.value, value);
        assert_eq!(next(&mut other).await.value, -value);
    }
    let item = {
        market.set("ACME".into(), 4.0).await.unwrap();
        acme.next().await.unwrap().unwrap()
    };
    assert_eq!((item.lag(), item.cursor().is_some()), (None, true));
    assert_eq!(subscriptions(&server), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_subscription_by_name_is_the_same() {
    let server = server();
    let client = Client::connect(url(&server)).await.unwrap();
    let mut prices = client.subscribe::<Value>("prices", json!({ "symbol": "ACME" })).await.unwrap();
    client.call::<()>("set", json!({ "symbol": "ACME", "value": 2.5 })).await.unwrap();
    assert_eq!(next(&mut prices).await, json!({ "symbol": "ACME", "value": 2.5 }));
    let mut wrong = client.subscribe::<u8>("prices", ["ACME"]).await.unwrap();
    client.call::<()>("set", json!({ "symbol": "ACME", "value": 3.5 })).await.unwrap();
    let error = wrong.next().await.unwrap().unwrap_err();
    assert!(error.to_string().contains("an item is not of the expected type"), "{error}");
    assert!(wrong.next().await.is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_stream_that_ends_by_itself_ends_here() {
    let server = server();
    let market = connect(&server).await;
    let counted = market.count(1000).await.unwrap();
    // All may arrive before the first is taken: there is room for the newest ones.
    let items: Vec<_> = counted.collect().await;
    let items: Vec<_> = items.into_iter().map(Result::unwrap).collect();
    let missed: u64 = items.iter().map(|item| if let Some(Lag::Items(items)) = item.lag() { items } else { 0 }).sum();
    assert_eq!(items.len() as u64 + missed, 1000);
    assert_eq!(**items.last().unwrap(), 1000);
    until("it is closed", || subscriptions(&server) == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_subscription_that_is_refused_is_an_error_of_its_call() {
    let server = server();
    let market = connect(&server).await;
    let refused = market.nicely(false).await.unwrap_err();
    assert!(matches!(&refused, ClientError::Method(error) if error.code() == 403), "{refused}");
    let _accepted = market.nicely(true).await.unwrap();
    let denied = market.secret_numbers().await.unwrap_err();
    assert_eq!(denied.rpc_error().unwrap().code(), -32001);
    let allowed = Client::builder(url(&server)).token("secret").connect().await.unwrap();
    let allowed = MarketClient::from(allowed);
    let mut numbers = allowed.secret_numbers().await.unwrap();
    allowed.publish(5, 6).await.unwrap();
    assert_eq!(next(&mut numbers).await, 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_batch_starts_subscriptions_as_well() {
    let server = server();
    let market = connect(&server).await;
    let batch = market.batch().add(market.numbers()).notify(market.note()).add(market.echo("a".into()));
    let (numbers, echo, counts) = batch.add_all((2..4).map(|to| Market_Count { to })).send().await;
    assert_eq!(echo.unwrap(), "a");
    market.publish(7, 9).await.unwrap();
    let mut numbers = numbers.unwrap();
    assert_eq!([next(&mut numbers).await, next(&mut numbers).await], [7, 8]);
    for (counted, to) in counts.into_iter().zip(2..) {
        let counted: Vec<_> = counted.unwrap().collect().await;
        let counted: Vec<_> = counted.into_iter().map(|item| *item.unwrap()).collect();
        assert_eq!(counted, (1..=to).collect::<Vec<_>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_item_is_lost_between_the_reply_and_the_first_poll() {
    let server = server();
    let market = connect(&server).await;
    let publisher = {
        let market = connect(&server).await;
        tokio::spawn(async move {
            for number in 0..3000 {
                market.publish(number, number + 1).await.unwrap();
            }
        })
    };
    while !publisher.is_finished() {
        let mut numbers = market.numbers().await.unwrap();
        if publisher.is_finished() {
            break;
        }
        let Ok(Some(first)) = tokio::time::timeout(Duration::from_millis(100), numbers.next()).await else { break };
        let first = *first.unwrap();
        for expected in first + 1..first + 5 {
            let Ok(Some(number)) = tokio::time::timeout(Duration::from_millis(100), numbers.next()).await else {
                break;
            };
            let number = number.unwrap();
            assert_eq!((number.lag(), *number), (None, expected));
        }
    }
    publisher.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_slow_subscriber_neither_blocks_calls_nor_others_and_learns_what_it_missed() {
    let server = server();
    let market = connect(&server).await;
    let (mut slow, mut quick) = (market.numbers().await.unwrap(), market.numbers().await.unwrap());
    for round in 0..50 {
        market.publish(round * 100, round * 100 + 100).await.unwrap();
        for expected in round * 100..round * 100 + 100 {
            assert_eq!(next(&mut quick).await, expected);
        }
        assert_eq!(market.echo("a call".into()).await.unwrap(), "a call");
    }
    let (mut taken, mut missed, mut last) = (0, 0, 0);
    while last < 4999 {
        let item = slow.next().await.unwrap().unwrap();
        missed += match item.lag() {
            Some(Lag::Items(items)) => items,
            Some(Lag::Unknown) => panic!("it is known"),
            None => 0,
        };
        (taken, last) = (taken + 1, *item);
    }
    assert_eq!(taken + missed, 5000);
    assert_eq!(taken, 1024, "what there is room for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_stops_ends_its_subscriptions_with_an_error() {
    let server = server();
    let market = connect(&server).await;
    let mut numbers = market.numbers().await.unwrap();
    tokio::task::spawn_blocking(move || drop(server)).await.unwrap();
    let error = tokio::time::timeout(Duration::from_secs(10), numbers.next()).await.unwrap().unwrap().unwrap_err();
    assert_eq!(error.rpc_error().map(callbox::RpcError::code), Some(-32003), "{error}");
    assert!(numbers.next().await.is_none());
}

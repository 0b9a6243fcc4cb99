//! What a client drops ends at the server.

use std::time::Duration;

use callbox::client::ClientError;
use futures::StreamExt;

use super::service::{Waiting, connect, server, server_with, subscriptions, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_call_that_is_dropped_is_cancelled() {
    let waiting = Waiting::default();
    let server = server_with(waiting.clone());
    let market = connect(&server).await;
    let calls: Vec<_> = (0..5).map(|_| tokio::spawn(market.wait())).collect();
    until("all wait", || waiting.count() == 5).await;
    calls[0].abort();
    until("one ends", || waiting.count() == 4).await;
    calls.into_iter().for_each(|call| call.abort());
    until("all end", || waiting.count() == 0).await;
    assert_eq!(market.echo("others go on".into()).await.unwrap(), "others go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_call_is_cancelled_at_its_deadline() {
    let waiting = Waiting::default();
    let server = server_with(waiting.clone());
    let market = connect(&server).await;
    let late = market.wait().with_deadline(Duration::from_millis(50)).await.unwrap_err();
    // The server knows the deadline as well, and its answer may come first.
    assert!(matches!(late, ClientError::Deadline(_)), "{late}");
    until("it ends", || waiting.count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn all_calls_of_a_dropped_batch_are_cancelled() {
    let waiting = Waiting::default();
    let server = server_with(waiting.clone());
    let market = connect(&server).await;
    let batch = tokio::spawn({
        let market = market.clone();
        async move { market.batch().add(market.wait()).add(market.wait()).send().await.0.is_ok() }
    });
    until("both wait", || waiting.count() == 2).await;
    batch.abort();
    until("both end", || waiting.count() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_subscription_that_is_dropped_is_ended() {
    let server = server();
    let market = connect(&server).await;
    let numbers = market.numbers().await.unwrap();
    let prices = market.prices("ACME".into()).await.unwrap();
    assert_eq!(subscriptions(&server), 2);
    drop(numbers);
    until("one ends", || subscriptions(&server) == 1).await;
    drop(prices);
    until("both end", || subscriptions(&server) == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_subscription_keeps_the_connection_without_its_client() {
    let server = server();
    let market = connect(&server).await;
    let mut numbers = market.numbers().await.unwrap();
    drop(market);
    connect(&server).await.publish(3, 4).await.unwrap();
    assert_eq!(*numbers.next().await.unwrap().unwrap(), 3);
    drop(numbers);
    until("it ends", || subscriptions(&server) == 0).await;
}

/// At whatever time the call of a subscription is dropped, nothing is left at the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_subscription_whose_call_is_dropped_is_not_left_over() {
    let server = server();
    let market = connect(&server).await;
    for micros in (0..3000).step_by(20) {
        let start = tokio::time::timeout(Duration::from_micros(micros), market.numbers());
        drop(start.await);
    }
    until("all are ended", || subscriptions(&server) == 0).await;
    assert_eq!(market.echo("the connection is fine".into()).await.unwrap(), "the connection is fine");
    assert_eq!(subscriptions(&server), 0);
}

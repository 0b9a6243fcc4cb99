//! Calls, batches and notifications over one connection.

use std::time::{Duration, Instant};

use callbox::client::{Client, ClientError};
use callbox_test_support::free_port::free_address;
use futures::future::join_all;
use serde_json::{Value, json};

use super::proxy::Proxy;
use super::service::{connect, server, until, url};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn calls_batches_and_notifications_share_one_connection() {
    let server = server();
    let proxy = Proxy::start(server.address()).await;
    let client = Client::connect(proxy.url()).await.unwrap();
    assert_eq!(client.call::<String>("echo", ["hello"]).await.unwrap(), "hello");
    assert_eq!(client.call::<String>("echo", json!({ "text": "named" })).await.unwrap(), "named");
    client.notify("note", ()).await.unwrap();
    let batch = client.batch().add("echo", ["a"]).notify("note", ()).add("nothing", ()).add("echo", ["b"]);
    let results = batch.send().await;
    assert_eq!(results[0].as_ref().unwrap().get(), r#""a""#);
    assert!(matches!(&results[1], Err(ClientError::Server(error)) if error.code() == -32601), "{:?}", results[1]);
    assert_eq!(results[2].as_ref().unwrap().get(), r#""b""#);
    assert!(client.batch().notify("note", ()).send().await.is_empty());
    assert_eq!(client.call::<usize>("noted", ()).await.unwrap(), 3);
    assert_eq!(proxy.accepted(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_errors_of_the_server_are_those_of_the_calls() {
    let server = server();
    let client = Client::connect(url(&server)).await.unwrap();
    let code = |error: ClientError| error.rpc_error().map(callbox::RpcError::code);
    assert_eq!(code(client.call::<Value>("nothing", ()).await.unwrap_err()), Some(-32601));
    assert_eq!(code(client.call::<Value>("echo", [1]).await.unwrap_err()), Some(-32602));
    assert_eq!(code(client.call::<Value>("who", ()).await.unwrap_err()), Some(-32001));
    let wrong_type = client.call::<u8>("echo", ["text"]).await.unwrap_err();
    assert!(matches!(wrong_type, ClientError::BadResponse(_)), "{wrong_type}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn responses_in_any_order_find_their_calls() {
    let server = server();
    let market = connect(&server).await;
    let began = Instant::now();
    let calls = (0..200).map(|number| market.later(number, (200 - number) % 50));
    let results: Vec<u64> = join_all(calls).await.into_iter().map(Result::unwrap).collect();
    assert_eq!(results, (0..200).collect::<Vec<_>>());
    assert!(began.elapsed() < Duration::from_secs(3), "one after the other: {:?}", began.elapsed());

    let (slow, fast) = (market.later(1, 300), market.later(2, 0));
    let order = tokio::select! { slow = slow => slow, fast = fast => fast };
    assert_eq!(order.unwrap(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn batches_with_different_times_find_their_responses() {
    let server = server();
    let market = connect(&server).await;
    let batches = (0..20).map(|number| {
        let market = market.clone();
        async move {
            let batch = market.batch().add(market.later(number, 40 - number)).add(market.echo(number.to_string()));
            let (later, echo) = batch.send().await;
            (later.unwrap(), echo.unwrap())
        }
    });
    let expected: Vec<_> = (0..20).map(|number| (number, number.to_string())).collect();
    assert_eq!(join_all(batches).await, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_large_message_takes_both_ways() {
    let server = server();
    let market = connect(&server).await;
    let text = "x".repeat(900_000);
    let calls = (0..20).map(|_| market.echo(text.clone()));
    for result in join_all(calls).await {
        assert_eq!(result.unwrap().len(), text.len());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_token_goes_with_the_connection() {
    let server = server();
    for builder in [Client::builder(url(&server)), Client::builder(url(&server)).token_header("X-Api-Token")] {
        let client = builder.token("secret").connect().await.unwrap();
        assert!(client.call::<bool>("who", ()).await.unwrap());
        let other = client.with_token("other").call::<bool>("who", ()).await.unwrap_err();
        assert!(matches!(&other, ClientError::Unsupported(_)) && other.never_ran(), "{other}");
        assert!(client.with_token("secret").call::<bool>("who", ()).await.unwrap());
    }
    let wrong = Client::builder(url(&server)).token("wrong").connect().await.unwrap();
    let denied = wrong.call::<bool>("who", ()).await.unwrap_err();
    assert_eq!(denied.rpc_error().unwrap().code(), -32001);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn who_cannot_connect_learns_why() {
    let server = server();
    let error = async |url: String| Client::connect(url).await.map(drop).unwrap_err().to_string();
    let closed = format!("ws://{}/api", free_address());
    for (url, part) in [
        (closed.clone(), "refused"),
        (url(&server).replace("/api", "/nowhere"), "404"),
        (server.url("/api"), "must begin with ws:// or wss://"),
        ("nowhere".to_owned(), "must begin with ws:// or wss://"),
        ("ws://".to_owned(), "is not valid"),
        ("ws://user:s3cret@127.0.0.1/api".to_owned(), "must not have a user"),
        (url(&server).replace("ws://", "wss://"), "cannot connect"),
    ] {
        let shown = error(url.clone()).await;
        assert!(shown.contains(part) && !shown.contains("s3cret"), "{url}: {shown}");
    }
    assert!(error(closed).await.starts_with("cannot connect to `ws://127.0.0.1:"));

    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let builder = Client::builder(format!("ws://{}/api", silent.local_addr().unwrap()));
    let late = builder.connect_timeout(Duration::from_millis(50)).connect().await.unwrap_err();
    assert!(late.to_string().contains("raise ClientBuilder::connect_timeout"), "{late}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_message_above_the_limit_ends_the_connection_and_the_next_one_serves() {
    let server = server();
    let client = Client::builder(url(&server)).response_limit(10_000).connect().await.unwrap();
    let too_long = client.call::<String>("echo", ["x".repeat(20_000)]).await.unwrap_err();
    assert!(matches!(&too_long, ClientError::BadResponse(_)), "{too_long}");
    assert_eq!(client.call::<String>("echo", ["short"]).await.unwrap(), "short");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_batch_that_is_rejected_as_a_whole_is_an_error_of_each_call() {
    let server = server();
    let client = Client::connect(url(&server)).await.unwrap();
    let waits = tokio::spawn({
        let client = client.clone();
        async move { client.call::<u64>("later", [1, 300]).await }
    });
    let mut deep = json!(1);
    for _ in 0..200 {
        deep = json!([deep]);
    }
    let results = client.batch().add("echo", ["a"]).add("echo", deep).send().await;
    assert_eq!(results.len(), 2);
    for result in &results {
        assert!(matches!(result, Err(ClientError::Server(_))), "{result:?}");
    }
    assert_eq!(waits.await.unwrap().unwrap(), 1, "other calls go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn the_connection_is_closed_when_nobody_uses_it_any_more() {
    let server = server();
    let proxy = Proxy::start(server.address()).await;
    let client = Client::connect(proxy.url()).await.unwrap();
    let other = client.clone();
    drop(client);
    assert_eq!(other.call::<String>("echo", ["still"]).await.unwrap(), "still");
    drop(other);
    until("the connection is closed", || proxy.open() == 0).await;
    assert_eq!(proxy.accepted(), 1);
}

//! Calls by name with options, and what a program learns of the connection.

use std::sync::{Arc, Mutex};

use callbox::Subscription;
use callbox::client::{Client, ClientError, ConnectionEvent, Started};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};

use super::fake_server::{FakeConnection, FakeServer};
use super::proxy::Proxy;
use super::service::{server, subscriptions, until, url};

async fn connected(server: &FakeServer) -> (Client, FakeConnection) {
    let (client, connection) = tokio::join!(Client::connect(server.url()), server.accept());
    (client.unwrap().without_retry(), connection)
}

/// Starts a call that is answered with this result.
async fn started(client: &Client, connection: &mut FakeConnection, result: &str) -> Started {
    let answer = async {
        let call = connection.receive().await;
        connection.send(format!(r#"{{"result":{result},"id":{}}}"#, call["id"])).await;
    };
    tokio::join!(client.prepare("any", ()).start(), answer).0.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_result_is_taken_as_that_of_a_call_or_as_the_id_of_a_subscription() {
    let server = server();
    let client = Client::connect(url(&server)).await.unwrap();
    let started = client.prepare("echo", ["PEAR"]).start().await.unwrap();
    assert_eq!(started.into_result().get(), r#""PEAR""#);
    assert_eq!(client.prepare("echo", ["PLUM"]).send::<String>().await.unwrap(), "PLUM");

    let started = client.prepare("count", [3]).start().await.unwrap();
    let all = async |items: Subscription<u32>| items.map_ok(|item| *item).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(all(started.into_subscription().unwrap()).await, [1, 2, 3]);
    assert_eq!(all(client.prepare("count", [2]).subscribe().await.unwrap()).await, [1, 2]);

    let prices = client.prepare("numbers", ()).start().await.unwrap();
    assert_eq!(subscriptions(&server), 1);
    drop(prices);
    until("it has ended", || subscriptions(&server) == 0).await;
    assert!(matches!(client.prepare("nothing", ()).start().await, Err(ClientError::Server(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_plain_result_is_not_unsubscribed_and_not_asked_for_again() {
    let server = FakeServer::start().await;
    let (client, mut connection) = connected(&server).await;
    for result in [r#""hello""#, "7", "null", r#"{"a":1}"#] {
        assert_eq!(started(&client, &mut connection, result).await.into_result().get(), result);
        let next = async {
            let call = connection.receive().await;
            assert_eq!(call["method"], "next", "after {result}");
            connection.send(format!(r#"{{"result":null,"id":{}}}"#, call["id"])).await;
        };
        tokio::join!(client.call::<Value>("next", ()), next).0.unwrap();
    }

    let undecided = started(&client, &mut connection, r#""hello""#).await;
    drop(connection);
    let mut connection = server.accept().await;
    let mut subscription = undecided.into_subscription::<Value>().unwrap();
    assert!(matches!(subscription.next().await, Some(Err(ClientError::Lost(_)))));
    let (_, call) = tokio::join!(client.notify("next", ()), connection.receive());
    assert_eq!(call["method"], "next", "the call is not made again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_call_with_options_tells_the_server_of_them() {
    let server = FakeServer::start().await;
    let (client, mut connection) = connected(&server).await;
    let reports = Arc::<Mutex<Vec<u64>>>::default();
    let seen = Arc::clone(&reports);
    let call = client.prepare("import", json!({ "file": "a.csv" })).with_meta("minIntervalMs", 50);
    let call = call.on_progress(move |report| seen.lock().unwrap().push(report.done));
    let id = call.id().unwrap();
    let call = tokio::spawn(call.send::<u64>());
    let received = connection.receive().await;
    assert_eq!(received["id"], id);
    assert_eq!(received["params"], json!({ "file": "a.csv", "_meta": { "minIntervalMs": 50, "progressToken": id } }));
    for done in [1, 2] {
        let params = json!({ "token": id, "value": { "done": done } });
        connection.send(json!({ "method": "$/progress", "params": params }).to_string()).await;
        until("the report is there", || reports.lock().unwrap().last() == Some(&done)).await;
    }
    client.notify("$/cancelRequest", json!({ "id": id })).await.unwrap();
    assert_eq!(connection.receive().await["params"], json!({ "id": id }));
    connection.send(format!(r#"{{"error":{{"code":-32800,"message":"Request cancelled"}},"id":{id}}}"#)).await;
    let cancelled = call.await.unwrap().unwrap_err();
    assert_eq!(cancelled.rpc_error().map(callbox::RpcError::code), Some(-32800));

    let by_position = client.prepare("import", ["a.csv"]).with_meta("after", "k-1");
    assert_eq!(by_position.id(), None);
    assert!(matches!(by_position.send::<u64>().await, Err(ClientError::Params(_))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_that_is_closed_has_told_the_server() {
    let server = server();
    let proxy = Proxy::start(server.address()).await;
    let client = Client::connect(proxy.url()).await.unwrap();
    client.notify("note", ()).await.unwrap();
    let other = client.clone();
    let closing = tokio::spawn(client.close());
    assert_eq!(other.call::<usize>("noted", ()).await.unwrap(), 1, "a clone keeps the connection open");
    assert!(!closing.is_finished());
    drop(other);
    closing.await.unwrap();
    until("the connection is gone", || proxy.open() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_program_learns_when_the_connection_is_lost_and_open_again() {
    let server = server();
    let proxy = Proxy::start(server.address()).await;
    let events = Arc::<Mutex<Vec<String>>>::default();
    let seen = Arc::clone(&events);
    let builder = Client::builder(proxy.url()).on_connection(move |event| {
        seen.lock().unwrap().push(match event {
            ConnectionEvent::Lost(_) => "lost".to_owned(),
            other => format!("{other:?}"),
        });
    });
    let client = builder.connect().await.unwrap();
    assert!(events.lock().unwrap().is_empty());
    proxy.cut();
    until("both events are there", || events.lock().unwrap().len() == 2).await;
    assert_eq!(*events.lock().unwrap(), ["lost", "Reopened"]);
    assert_eq!(client.call::<usize>("noted", ()).await.unwrap(), 0);
}

//! Servers that send what they should not, or in another order.

use callbox::client::{Client, ClientError};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio_websockets::Message;

use super::fake_server::{FakeConnection, FakeServer};

async fn connected(server: &FakeServer) -> (Client, FakeConnection) {
    let (client, connection) = tokio::join!(Client::connect(server.url()), server.accept());
    (client.unwrap().without_retry(), connection)
}

fn result(id: &Value, result: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "result": result, "id": id })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_no_message_of_json_rpc_ends_the_connection_and_its_calls() {
    let server = FakeServer::start().await;
    let texts = [
        "",
        "x",
        "7",
        r#"{"id":1"#,
        "[]",
        r#"{"jsonrpc":"2.0","result":1,"id":99999}"#,
        r#"[{"id":99999,"result":1}]"#,
    ];
    let strange = texts.map(Message::text).into_iter().chain([Message::binary(vec![1, 2])]);
    let (client, mut connection) = connected(&server).await;
    for message in strange {
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.call::<Value>("first", ()).await }
        });
        connection.receive().await;
        connection.send_message(message.clone()).await;
        let failed = call.await.unwrap().unwrap_err();
        assert!(matches!(failed, ClientError::BadResponse(_)), "{message:?}: {failed}");
        connection = server.accept().await;
        let call = tokio::spawn({
            let client = client.clone();
            async move { client.call::<Value>("next", ()).await }
        });
        let id = connection.receive().await["id"].clone();
        connection.send(result(&id, &json!(5)).to_string()).await;
        assert_eq!(call.await.unwrap().unwrap(), 5, "the next connection is fine");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn notifications_that_are_for_somebody_else_are_ignored() {
    let server = FakeServer::start().await;
    let (client, mut connection) = connected(&server).await;
    let call = tokio::spawn(async move { client.call::<Value>("first", ()).await });
    let id = connection.receive().await["id"].clone();
    for text in [
        r#"{"jsonrpc":"2.0","method":"log","params":["hello"]}"#,
        r#"{"jsonrpc":"2.0","method":"prices","params":{"subscription":"unknown","result":1}}"#,
        r#"{"jsonrpc":"2.0","method":"ask","params":{},"id":1}"#,
        r#"{"jsonrpc":"2.0","result":true,"id":"unsubscribe"}"#,
    ] {
        connection.send(text).await;
    }
    connection.send(result(&id, &json!("fine")).to_string()).await;
    assert_eq!(call.await.unwrap().unwrap(), "fine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn an_error_without_an_id_is_that_of_the_batch_which_has_no_response() {
    let server = FakeServer::start().await;
    let (client, mut connection) = connected(&server).await;
    let batch = |method: &'static str| {
        let client = client.clone();
        tokio::spawn(async move { client.batch().add(method, ()).send().await.pop().unwrap() })
    };
    let accepted = batch("a");
    let id = connection.receive().await[0]["id"].clone();
    let rejected = batch("b");
    connection.receive().await;
    connection.send(r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"too long"},"id":null}"#).await;
    connection.send(json!([result(&id, &json!(1))]).to_string()).await;
    assert_eq!(accepted.await.unwrap().unwrap().get(), "1");
    let error = rejected.await.unwrap().unwrap_err();
    assert!(matches!(&error, ClientError::Server(error) if error.code() == -32600), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_subscription_may_end_with_an_error_and_items_may_come_in_the_same_packet_as_its_id() {
    let server = FakeServer::start().await;
    let (client, mut connection) = connected(&server).await;
    let subscribed = tokio::spawn(async move { client.subscribe::<u8>("numbers", ()).await });
    let id = connection.receive().await["id"].clone();
    connection.send(result(&id, &json!(17)).to_string()).await;
    let notice = |params: &str| format!(r#"{{"jsonrpc":"2.0","method":"n","params":{{"subscription":17,{params}}}}}"#);
    for params in
        [r#""result":1"#, r#""cursor":"k-5""#, r#""result":2,"lagged":3"#, r#""error":{"code":7,"message":"over"}"#]
    {
        connection.send(notice(params)).await;
    }
    let items = subscribed.await.unwrap().unwrap();
    let items: Vec<_> = items.collect().await;
    assert_eq!(items.len(), 3, "{items:?}");
    let second = items[1].as_ref().unwrap();
    assert_eq!((**second, second.lag()), (2, Some(callbox::Lag::Items(3))));
    assert!(matches!(items[2], Err(ClientError::Method(ref error)) if error.code() == 7), "{items:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_subscription_that_is_sent_the_same_nonsense_after_it_was_started_again_ends() {
    let server = FakeServer::start().await;
    let (client, mut connection) = connected(&server).await;
    let subscribed = tokio::spawn({
        let client = client.clone();
        async move { client.subscribe::<u8>("numbers", json!({})).await }
    });
    let mut items = None;
    let mut subscribed = Some(subscribed);
    for round in 0..2 {
        let id = connection.receive().await["id"].clone();
        connection.send(result(&id, &json!(17)).to_string()).await;
        if let Some(subscribed) = subscribed.take() {
            items = Some(subscribed.await.unwrap().unwrap());
        }
        let item = format!(r#"{{"subscription":17,"result":{round},"cursor":"k-{round}"}}"#);
        connection.send(format!(r#"{{"jsonrpc":"2.0","method":"n","params":{item}}}"#)).await;
        connection.send_message(Message::binary(vec![1])).await;
        connection = server.accept().await;
    }
    let items: Vec<_> = items.unwrap().collect().await;
    assert_eq!(items.len(), 3, "{items:?}");
    assert!(items[..2].iter().all(Result::is_ok), "{items:?}");
    assert!(matches!(items[2], Err(ClientError::BadResponse(_))), "{items:?}");
    let call = tokio::spawn(async move { client.call::<Value>("next", ()).await });
    let id = connection.receive().await["id"].clone();
    connection.send(result(&id, &json!(5)).to_string()).await;
    assert_eq!(call.await.unwrap().unwrap(), 5, "calls go on");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_closes_the_connection_is_connected_again() {
    let server = FakeServer::start().await;
    let (client, mut connection) = connected(&server).await;
    let call = tokio::spawn({
        let client = client.clone();
        async move { client.call::<Value>("first", ()).await }
    });
    connection.receive().await;
    connection.send_message(Message::close(Some(tokio_websockets::CloseCode::GOING_AWAY), "the server stops")).await;
    let lost = call.await.unwrap().unwrap_err();
    assert!(matches!(lost, ClientError::Lost(_)) && lost.to_string().contains("1001 the server stops"), "{lost}");
    let _connection = server.accept().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn pings_are_answered_and_the_end_is_said() {
    let server = FakeServer::start().await;
    let (client, mut connection) = connected(&server).await;
    connection.send_message(Message::ping("there?")).await;
    let pong = connection.receive_message().await.unwrap();
    assert!(pong.is_pong() && &**pong.as_payload() == b"there?", "{pong:?}");
    drop(client);
    assert!(connection.receive_message().await.unwrap().is_close());
}

//! Calls by name, against a server of callbox.

use std::time::Duration;

use callbox::client::{Client, ClientError};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::service::{Notes, server};

#[tokio::test]
async fn a_call_has_the_result_that_the_server_gave() {
    let server = server();
    let client = Client::new(server.url("/api")).unwrap();
    assert_eq!(client.call::<usize>("add", json!({ "text": "one" })).await.unwrap(), 1);
    assert_eq!(client.call::<usize>("add", ["two"]).await.unwrap(), 2);
    let raw: Box<RawValue> = client.call("line", [1]).await.unwrap();
    assert_eq!(raw.get(), r#""two""#);
    let specs: Value = client.call("get_service_specs", ()).await.unwrap();
    assert_eq!(specs["name"], "notes");
}

#[tokio::test]
async fn an_error_says_what_the_server_said() {
    let server = server();
    let client = Client::new(server.url("/api")).unwrap();
    let own = client.call::<String>("line", [7]).await.unwrap_err();
    assert!(matches!(&own, ClientError::Method(error) if error.code() == 404), "{own}");
    assert_eq!(own.rpc_error().unwrap().data().unwrap().get(), r#"{"at":7}"#);
    for (method, params, code) in [
        ("nowhere", json!([]), -32601),
        ("line", json!(["x"]), -32602),
        ("who", json!([]), -32001),
        ("fall", json!([]), -32603),
    ] {
        let error = client.call::<Value>(method, params).await.unwrap_err();
        assert!(matches!(&error, ClientError::Server(error) if error.code() == code), "{method}: {error}");
        assert!(!error.never_ran());
    }
    let wrong = client.call::<bool>("echo", [1]).await.unwrap_err();
    assert!(matches!(wrong, ClientError::BadResponse(_)), "{wrong}");
}

#[tokio::test]
async fn a_token_is_sent_in_the_chosen_header() {
    let server = server();
    let bearer = Client::builder(server.url("/api")).token("secret").build().unwrap();
    assert!(bearer.call::<bool>("who", ()).await.unwrap());
    let named = Client::builder(server.url("/api")).token("secret").token_header("X-Api-Token").build().unwrap();
    assert!(named.call::<bool>("who", ()).await.unwrap());
    assert!(named.with_token("wrong").call::<bool>("who", ()).await.is_err());
    assert!(!format!("{bearer:?}").contains("secret"));
}

#[tokio::test]
async fn a_batch_answers_in_the_order_of_its_calls_and_not_for_notifications() {
    let server = server();
    let client = Client::new(server.url("/api")).unwrap();
    let batch = client.batch().add("add", ["one"]).notify("add", ["two"]).add("line", [9]).add("echo", [4]);
    let answers = batch.add("nowhere", ()).add("line", "no parameters").send().await;
    let text: Vec<_> = answers.iter().map(|answer| answer.as_ref().map(|raw| raw.get().to_owned())).collect();
    assert_eq!(text[0].as_deref().unwrap(), "1");
    assert!(matches!(text[1], Err(ClientError::Method(error)) if error.code() == 404));
    assert!(text[2].as_deref().unwrap().contains(r#""first":4"#));
    assert!(matches!(text[3], Err(ClientError::Server(error)) if error.code() == -32601));
    assert!(matches!(text[4], Err(ClientError::Params(_))), "what cannot be sent keeps its place");
    assert_eq!(text.len(), 5);
    let notifications = client.batch().notify("add", ["three"]).notify("add", ["four"]).send().await;
    assert!(notifications.is_empty());
    assert!(client.batch().send().await.is_empty());
    server.service::<Notes>().wait_idle().await;
    assert_eq!(client.call::<String>("line", [3]).await.unwrap(), "four");
}

#[tokio::test]
async fn a_notification_runs_and_a_deadline_ends_a_call() {
    let server = server();
    let client = Client::new(server.url("/api")).unwrap();
    client.notify("add", ["one"]).await.unwrap();
    server.service::<Notes>().wait_idle().await;
    assert_eq!(client.call::<String>("line", [0]).await.unwrap(), "one");
    let late = client.with_deadline(Duration::from_millis(20)).call::<u8>("wait", ()).await.unwrap_err();
    assert!(matches!(late, ClientError::Deadline(_)), "{late}");
}

//! Which calls are repeated, and which are not: each case counts what the server received.

use std::sync::Mutex;
use std::time::Duration;

use callbox::client::{Client, ClientError, Retry, Transport, TransportError, TransportRequest, TransportResponse};
use callbox_test_support::free_port::free_address;
use serde_json::{Value, json};

use super::scripted::{Scripted, Step, error, result};
use super::service::NotesClient;

const BUSY: &str = r#"{"code":-32000,"message":"Server busy","data":{"reason":"full","retry_after_ms":1}}"#;
const UNAVAILABLE: &str = r#"{"code":-32003,"message":"Service unavailable"}"#;

/// Pauses that no test notices.
fn quick() -> Retry {
    Retry::default().pause(Duration::from_millis(1), Duration::from_millis(1))
}

fn client(server: &Scripted) -> Client {
    Client::builder(&server.url).retry(quick()).build().unwrap()
}

/// A server that first does this, and then gives a result of 5.
fn then_five(first: Step) -> Scripted {
    Scripted::start([first, result("5")])
}

#[tokio::test]
async fn what_never_ran_is_made_again() {
    for first in [
        error(BUSY),
        error(UNAVAILABLE),
        Step::Answer(503, format!(r#"{{"jsonrpc":"2.0","error":{UNAVAILABLE},"id":null}}"#)),
    ] {
        let server = then_five(first);
        assert_eq!(client(&server).call::<u8>("count", ()).await.unwrap(), 5);
        let seen = server.seen();
        assert_eq!(seen.len(), 2);
        assert_eq!(seen[0].body, seen[1].body, "it is the same call");
    }
}

#[tokio::test]
async fn what_may_have_run_is_made_once() {
    type Is = fn(&ClientError) -> bool;
    let server: Is = |error| matches!(error, ClientError::Server(_));
    let lost: Is = |error| matches!(error, ClientError::Lost(_));
    let bad: Is = |error| matches!(error, ClientError::BadResponse(_));
    let answer = |status, body: &str| Step::Answer(status, body.to_owned());
    let cases: [(&str, Step, Is); 16] = [
        ("-32000 of another make", error(r#"{"code":-32000,"message":"reverted"}"#), server),
        ("-32003 of another make", error(r#"{"code":-32003,"message":"rejected"}"#), server),
        ("-32603", error(r#"{"code":-32603,"message":"Internal error"}"#), server),
        ("-32001", error(r#"{"code":-32001,"message":"Access denied"}"#), server),
        ("-32004", error(r#"{"code":-32004,"message":"Response too large"}"#), server),
        ("its own error", error(r#"{"code":404,"message":"none"}"#), |error| matches!(error, ClientError::Method(_))),
        (
            "-32002",
            error(r#"{"code":-32002,"message":"Deadline exceeded","data":{"queued_ms":1,"deadline_ms":1}}"#),
            |error| matches!(error, ClientError::Deadline(Some(_))),
        ),
        ("a closed connection", Step::Break, lost),
        ("half an answer", Step::Half, lost),
        ("another id", answer(200, r#"{"jsonrpc":"2.0","result":5,"id":999}"#), bad),
        ("the id as text", answer(200, r#"{"jsonrpc":"2.0","result":5,"id":"$0"}"#), bad),
        ("no id", answer(200, r#"{"jsonrpc":"2.0","result":5}"#), bad),
        (
            "result and error",
            answer(200, r#"{"jsonrpc":"2.0","result":5,"error":{"code":1,"message":""},"id":$0}"#),
            bad,
        ),
        ("nothing", answer(204, ""), bad),
        ("an array", answer(200, r#"[{"jsonrpc":"2.0","result":5,"id":$0}]"#), bad),
        ("a gateway's page", answer(502, "<html>"), |error| error.to_string().contains("HTTP status 502")),
    ];
    for (what, first, is) in cases {
        let server = then_five(first);
        let failed = client(&server).call::<u8>("count", ()).await.unwrap_err();
        assert!(is(&failed), "{what}: {failed:?}");
        assert!(!failed.never_ran(), "{what}");
        assert_eq!(server.seen().len(), 1, "{what}");
    }
}

#[tokio::test]
async fn an_idempotent_call_is_made_again_after_a_lost_connection_and_for_nothing_else() {
    for first in [Step::Break, Step::Half] {
        let server = then_five(first);
        assert_eq!(client(&server).idempotent().call::<u8>("count", ()).await.unwrap(), 5);
        assert_eq!(server.seen().len(), 2);
    }
    for first in [error(r#"{"code":-32603,"message":"Internal error"}"#), Step::Answer(502, String::new())] {
        let server = then_five(first);
        client(&server).idempotent().call::<u8>("count", ()).await.unwrap_err();
        assert_eq!(server.seen().len(), 1);
    }
}

#[tokio::test]
async fn a_method_marked_idempotent_is_made_again_and_another_is_not() {
    let server = Scripted::start([Step::Break, result(r#""one""#)]);
    let notes = NotesClient::from(client(&server));
    assert_eq!(notes.line(0).await.unwrap(), "one");
    assert_eq!(server.seen().len(), 2);

    let server = Scripted::start([Step::Break, result("1")]);
    let notes = NotesClient::from(client(&server));
    assert!(matches!(notes.add("one".to_owned()).await, Err(ClientError::Lost(_))));
    assert_eq!(server.seen().len(), 1);
}

/// Cannot be reached a few times, then answers.
struct Shaky(Mutex<Vec<&'static str>>);

impl Transport for Shaky {
    async fn send(&self, _: TransportRequest) -> Result<TransportResponse, TransportError> {
        let answer = self.0.lock().unwrap().pop().unwrap();
        if answer.is_empty() { Err(TransportError::never_sent("no route")) } else { Ok(TransportResponse::new(answer)) }
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_is_tried_again_and_only_so_often() {
    let answer = r#"{"jsonrpc":"2.0","result":5,"id":1}"#;
    let client = Client::with_transport(Shaky(Mutex::new(vec![answer, "", "", ""]))).with_retry(quick());
    assert_eq!(client.call::<u8>("count", ()).await.unwrap(), 5, "the fourth try");
    let client = Client::with_transport(Shaky(Mutex::new(vec![answer, "", "", "", ""]))).with_retry(quick());
    let failed = client.call::<u8>("count", ()).await.unwrap_err();
    assert_eq!(failed.to_string(), "the server cannot be reached: no route");
    assert!(failed.never_ran());
    let client = Client::with_transport(Shaky(Mutex::new(vec![answer, ""]))).without_retry();
    assert!(client.call::<u8>("count", ()).await.is_err());
}

#[tokio::test]
async fn a_port_where_nobody_listens_is_unreachable() {
    let url = format!("http://{}/api", free_address());
    let client = Client::builder(url).retry(quick()).build().unwrap();
    let failed = client.call::<u8>("count", ()).await.unwrap_err();
    assert!(matches!(failed, ClientError::Unreachable(_)), "{failed}");
    assert!(failed.to_string().contains("refused"), "the cause is named: {failed}");
}

#[tokio::test]
async fn the_budget_ends_retries_and_calls_go_on() {
    let server = Scripted::start((0..100).map(|_| error(BUSY)));
    let client = Client::builder(&server.url).retry(quick().budget(0.0, 2)).build().unwrap();
    for _ in 0..10 {
        let failed = client.clone().call::<u8>("count", ()).await.unwrap_err();
        assert!(matches!(failed, ClientError::Rejected(_)), "{failed}");
    }
    assert_eq!(server.seen().len(), 12, "clones share one budget");
}

#[tokio::test]
async fn no_retry_starts_after_the_deadline() {
    let busy = r#"{"code":-32000,"message":"Server busy","data":{"retry_after_ms":60000}}"#;
    let server = then_five(error(busy));
    let failed = client(&server).call::<u8>("count", ()).await.unwrap_err();
    assert!(matches!(failed, ClientError::Rejected(_)), "the error comes at once");
    assert_eq!(failed.retry_after(), Some(Duration::from_secs(60)));
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn the_deadline_is_sent_with_each_attempt_and_holds_for_all_of_them() {
    let server = Scripted::start([error(BUSY), Step::Silence]);
    let client = client(&server).with_deadline(Duration::from_millis(150));
    let failed = client.idempotent().call::<u8>("count", ()).await.unwrap_err();
    assert!(matches!(failed, ClientError::Deadline(None)), "{failed}");
    let timeouts: Vec<f64> =
        server.seen().iter().map(|seen| seen.headers["request-timeout"].parse().unwrap()).collect();
    assert_eq!(timeouts.len(), 2);
    assert!(0.0 < timeouts[1] && timeouts[1] < timeouts[0] && timeouts[0] <= 0.15, "{timeouts:?}");
}

#[tokio::test]
async fn of_a_batch_only_the_rejected_calls_are_retried() {
    let mixed = format!(
        r#"[{{"jsonrpc":"2.0","error":{BUSY},"id":$1}},{{"jsonrpc":"2.0","result":1,"id":$0}},{{"jsonrpc":"2.0","error":{{"code":7,"message":"no"}},"id":$2}}]"#
    );
    let server = Scripted::start([
        Step::Answer(200, mixed),
        Step::Answer(200, r#"[{"jsonrpc":"2.0","result":2,"id":$0}]"#.to_owned()),
    ]);
    let batch = client(&server).batch().add("a", ()).notify("b", ()).add("c", ()).add("d", ());
    let answers = batch.send().await;
    assert_eq!(answers[0].as_ref().unwrap().get(), "1");
    assert_eq!(answers[1].as_ref().unwrap().get(), "2");
    assert!(matches!(&answers[2], Err(ClientError::Method(error)) if error.code() == 7));
    let methods = |body: &Value| {
        let members = body.as_array().unwrap().iter();
        members.map(|member| member["method"].as_str().unwrap().to_owned()).collect::<String>()
    };
    let sent: Vec<_> = server.seen().iter().map(|seen| methods(&seen.body)).collect();
    assert_eq!(sent, ["abcd", "c"]);
}

#[tokio::test]
async fn a_batch_that_is_lost_is_made_again_only_where_that_is_allowed() {
    let server = then_five(Step::Break);
    let answers = client(&server).batch().add("a", ()).add("b", ()).send().await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(ClientError::Lost(_)))), "{answers:?}");
    assert_eq!(server.seen().len(), 1);

    let answer =
        Step::Answer(200, r#"[{"jsonrpc":"2.0","result":2,"id":$1},{"jsonrpc":"2.0","result":1,"id":$0}]"#.to_owned());
    let server = Scripted::start([Step::Break, answer]);
    let answers = client(&server).idempotent().batch().add("a", ()).add("b", ()).send().await;
    let text: Vec<_> = answers.iter().map(|answer| answer.as_ref().unwrap().get()).collect();
    assert_eq!(text, ["1", "2"]);
}

#[tokio::test]
async fn a_batch_that_is_answered_wrongly_says_so_for_the_calls_that_it_concerns() {
    let answer = json!([
        { "jsonrpc": "2.0", "result": 1, "id": "$0" },
        { "jsonrpc": "2.0", "result": 2, "id": "$1" },
        { "jsonrpc": "2.0", "result": 3, "id": "$1" },
        { "jsonrpc": "2.0", "result": 4, "id": 4711 },
        5,
    ]);
    let answer = answer.to_string().replace("\"$0\"", "$0").replace("\"$1\"", "$1");
    let server = Scripted::start([Step::Answer(200, answer)]);
    let answers = client(&server).batch().add("a", ()).add("b", ()).add("c", ()).send().await;
    assert_eq!(answers[0].as_ref().unwrap().get(), "1");
    assert!(answers[1].as_ref().unwrap_err().to_string().contains("two responses"));
    assert!(answers[2].as_ref().unwrap_err().to_string().contains("no response"));

    let whole = r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}"#;
    let server = Scripted::start([Step::Answer(200, whole.to_owned())]);
    let answers = client(&server).batch().add("a", ()).add("b", ()).send().await;
    assert!(answers.iter().all(|answer| matches!(answer, Err(ClientError::Server(error)) if error.code() == -32600)));
    assert_eq!(answers.len(), 2);
}

#[tokio::test]
async fn a_notification_has_no_answer_and_one_that_was_not_taken_says_so() {
    for taken in [(204, ""), (200, ""), (202, "ok"), (200, r#"{"error":null,"id":null,"response":"received"}"#)] {
        let server = Scripted::start([Step::Answer(taken.0, taken.1.to_owned())]);
        client(&server).notify("count", ()).await.unwrap();
        assert!(server.seen()[0].body.get("id").is_none());
    }
    let server = Scripted::start([Step::Answer(
        413,
        r#"{"jsonrpc":"2.0","error":{"code":-32600,"message":"Invalid Request"},"id":null}"#.to_owned(),
    )]);
    assert!(matches!(client(&server).notify("count", ()).await, Err(ClientError::Server(_))));
    let server = Scripted::start([Step::Answer(404, "<html>".to_owned())]);
    let failed = client(&server).notify("count", ()).await.unwrap_err();
    assert!(failed.to_string().contains("HTTP status 404"), "{failed}");
}

#[tokio::test]
async fn an_answer_over_the_limit_is_not_read_and_a_redirect_is_not_followed() {
    let server = Scripted::start([result(&format!("\"{}\"", "x".repeat(5000)))]);
    let small = Client::builder(&server.url).response_limit(4000).build().unwrap();
    let failed = small.call::<String>("count", ()).await.unwrap_err();
    assert!(failed.to_string().contains("longer than 4000 bytes"), "{failed}");
    let server = Scripted::start([Step::Answer(307, String::new()), result("5")]);
    let failed = client(&server).with_token("secret").call::<u8>("count", ()).await.unwrap_err();
    assert!(failed.to_string().contains("307"), "{failed}");
    assert_eq!(server.seen().len(), 1);
}

//! Calls over NATS, by a client of NATS that knows nothing of callbox.

use std::time::Duration;

use async_nats::{Client, HeaderMap, Message};
use bytes::Bytes;
use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::wait::until;
use serde_json::{Value, json};

use super::market;
use super::{connect, run};

const PREFIX: &str = "callbox.shop=2Emarket";

async fn request(client: &Client, method: &str, headers: &[(&str, &str)], payload: &str) -> Message {
    let mut map = HeaderMap::new();
    headers.iter().for_each(|(name, value)| map.append(*name, *value));
    let payload = Bytes::from(payload.to_owned());
    client.request_with_headers(format!("{PREFIX}.{method}"), map, payload).await.unwrap()
}

fn text(message: &Message) -> &str {
    std::str::from_utf8(&message.payload).unwrap()
}

fn header<'a>(message: &'a Message, name: &str) -> Option<&'a str> {
    Some(message.headers.as_ref()?.get(name)?.as_str())
}

/// A payload is the parameters, and the payload of the reply is the result or the error.
pub(crate) fn payloads() {
    let nats = NatsServer::start(&[]);
    let _market = market::start(&nats);
    run(async {
        let client = connect(&nats).await;
        for (method, payload, expected, error) in [
            ("add", r#"{"a":1,"b":2}"#, "3", None),
            ("add", " [1, 2]\n", "3", None),
            ("sell", r#"{"count":5}"#, "5", None),
            ("publish", "[1]", "null", None),
            ("prices", "", r#"{"code":-32600,"message":"Invalid Request","data":{"reason":"#, Some("400")),
            ("add", "", r#"{"code":-32602,"message":"Invalid params","data":{"#, Some("400")),
            ("add", "[1", r#"{"code":-32700,"message":"Parse error","data":{"reason":"#, Some("400")),
            ("add", "1", r#"{"code":-32600,"message":"Invalid Request","data":{"reason":"#, Some("400")),
            ("add", r#"{"a":1},"method":"x","params":{"#, r#"{"code":-32700,"#, Some("400")),
            ("add", r#"[1,2],"id":1}"#, r#"{"code":-32700,"#, Some("400")),
            ("refuse", "", r#"{"code":7,"message":"not\r\ntoday","data":{"until":8}}"#, Some("500")),
            ("secret", "", r#"{"code":-32001,"message":"Access denied"}"#, Some("401")),
            ("rpc=2Ediscover", "", r#"{"openrpc":"#, None),
        ] {
            let reply = request(&client, method, &[], payload).await;
            assert!(text(&reply).starts_with(expected), "{method} {payload}: {}", text(&reply));
            assert_eq!(header(&reply, "Nats-Service-Error-Code"), error, "{method} {payload}");
            assert_eq!(header(&reply, "Nats-Service-Error").is_some(), error.is_some());
        }
        let nobody = client.request(format!("{PREFIX}.none"), Bytes::new()).await.unwrap_err();
        assert!(nobody.to_string().contains("no responders"), "{nobody}");
    });
}

/// Headers say who calls, how long the caller waits, and the id of the request.
pub(crate) fn headers() {
    let nats = NatsServer::start(&[]);
    let _market = market::start(&nats);
    run(async {
        let client = connect(&nats).await;
        for (name, token) in [("x-api-token", "ann"), ("X-API-TOKEN", "ann"), ("authorization", "Bearer ann")] {
            assert_eq!(text(&request(&client, "secret", &[(name, token)], "").await), r#""ann""#, "{name}");
        }
        let sent = [("request-timeout", "1.5"), ("X-Request-Id", "7f3a"), ("X-Tag", "a")];
        let about: serde_json::Value =
            serde_json::from_slice(&request(&client, "about", &sent, "").await.payload).unwrap();
        assert_eq!((&about["transport"], &about["id"], &about["tag"]), (&"Nats".into(), &"7f3a".into(), &"a".into()));
        let left = about["left"].as_f64().unwrap();
        assert!((1.0..=1.5).contains(&left), "{left}");
        let late = request(&client, "nap", &[("Request-Timeout", "0.05")], r#"{"ms":5000}"#).await;
        assert!(text(&late).starts_with(r#"{"code":-32002,"#), "{}", text(&late));
        assert_eq!(header(&late, "Nats-Service-Error-Code"), Some("504"));
    });
}

/// Without a reply subject a message is a notification.
pub(crate) fn notifications() {
    let nats = NatsServer::start(&[]);
    let market = market::start(&nats);
    run(async {
        let client = connect(&nats).await;
        for _ in 0..10 {
            client.publish(format!("{PREFIX}.sell"), Bytes::from_static(b"[1]")).await.unwrap();
        }
        client.flush().await.unwrap();
        let reply = request(&client, "sell", &[], "[0]").await;
        assert_eq!(text(&reply), "10", "NATS keeps the order of one sender");
    });
    drop(market);
}

/// A result that NATS cannot carry is an error, and nothing is closed.
pub(crate) fn large_results() {
    let nats = NatsServer::start(&[]);
    let _market = market::start(&nats);
    run(async {
        let client = connect(&nats).await;
        let reply = request(&client, "large", &[], "[2000000]").await;
        assert!(text(&reply).starts_with(r#"{"code":-32004,"#), "{}", text(&reply));
        let reply = request(&client, "large", &[], "[1000000]").await;
        assert_eq!(reply.payload.len(), 1_000_002);
        // Its text is in a header as well, as far as there is room.
        let text_of_error = "ä".repeat(300_000);
        let reply = request(&client, "complain", &[], &format!(r#"["{text_of_error}"]"#)).await;
        assert!(text(&reply).contains(&text_of_error), "{} bytes", reply.payload.len());
        let inbox = client.new_inbox();
        let mut events = client.subscribe(inbox.clone()).await.unwrap();
        let params = r#"{"bytes":2000000,"_meta":{"progressToken":1}}"#;
        let reply = request(&client, "report", &[("Callbox-Events", &inbox)], params).await;
        assert_eq!(text(&reply), "true", "a report that is too large is left out");
        let report = futures::StreamExt::next(&mut events);
        let report = tokio::time::timeout(Duration::from_secs(10), report).await.unwrap().unwrap();
        assert!(text(&report).contains(r#""done""#), "{}", report.payload.len());
    });
}

/// A call that its caller cancels ends at once, and says so.
pub(crate) fn cancelling() {
    let nats = NatsServer::start(&[]);
    let market = market::start(&nats);
    let nap = || market.stats()[0].methods.iter().find(|method| method.method == "market.nap").cloned().unwrap();
    run(async {
        let client = connect(&nats).await;
        let words: [fn(&str) -> Value; 2] = [
            |inbox| json!({ "cancel": inbox }),
            |inbox| json!({ "jsonrpc": "2.0", "method": "$/cancelRequest", "params": { "id": inbox } }),
        ];
        for words in words {
            let inbox = client.new_inbox();
            let mut replies = client.subscribe(inbox.clone()).await.unwrap();
            let payload = Bytes::from_static(br#"{"ms":10000}"#);
            client.publish_with_reply(format!("{PREFIX}.nap"), inbox.clone(), payload).await.unwrap();
            client.flush().await.unwrap();
            tokio::task::block_in_place(|| until("it runs", || nap().running == 1));
            let cancel = Bytes::from(words(&inbox).to_string());
            let known = client.request("callbox._cancel.shop=2Emarket", cancel.clone()).await.unwrap();
            assert_eq!(text(&known), "true");
            let reply = futures::StreamExt::next(&mut replies).await.unwrap();
            assert!(text(&reply).starts_with(r#"{"code":-32800,"#), "{}", text(&reply));
            let unknown = client.request("callbox._cancel.shop=2Emarket", cancel).await.unwrap();
            assert_eq!(text(&unknown), "false");
        }
    });
    assert_eq!((nap().cancelled, nap().running), (2, 0));
}

/// What is too large, or names a subject that is no inbox, is refused, and nothing else changes.
pub(crate) fn odd_messages() {
    let nats = NatsServer::start(&[]);
    let server = callbox::testing::start(market::server().nats(&nats.url()).body_limit(1_000));
    run(async {
        let client = connect(&nats).await;
        let large = format!("[{}]", "1,".repeat(2_000));
        let reply = request(&client, "add", &[], &large).await;
        assert!(text(&reply).contains("the parameters have 4002 bytes, of at most 1000"), "{}", text(&reply));
        for subject in ["callbox.shop=2Emarket.sell", "$SYS.REQ.SERVER.PING", "_INBOX.>", "a b"] {
            let reply = request(&client, "prices", &[("Callbox-Events", subject)], "").await;
            assert!(text(&reply).starts_with(r#"{"code":-32600,"#), "{subject}: {}", text(&reply));
        }
        // A reply to one of these would be a call, with the rights of the server.
        for subject in ["callbox.shop=2Emarket.sell", "callbox", "$SRV.PING"] {
            for method in ["add", "nap", "prices"] {
                let to = format!("{PREFIX}.{method}");
                client.publish_with_reply(to, subject, Bytes::from_static(b"[1,2]")).await.unwrap();
            }
        }
        let (bytes, inbox) = (Bytes::from_static(b"\xff\xfe"), client.new_inbox());
        let reply = client.request(format!("{PREFIX}.add"), bytes).await.unwrap();
        assert!(text(&reply).starts_with(r#"{"code":-32700,"#), "{}", text(&reply));
        for subject in ["callbox._cancel.shop=2Emarket", "callbox._load.shop=2Emarket", "$SRV.STATS"] {
            for payload in ["", "{}", "[", r#"{"cancel":7}"#, r#"{"id":"x","methods":{"add":{"in":true}}}"#] {
                client.publish_with_reply(subject, inbox.clone(), payload.into()).await.unwrap();
            }
        }
        let reply = request(&client, "add", &[], "[1,2]").await;
        assert_eq!(text(&reply), "3");
    });
    assert_eq!(server.call(market::Market_Add { a: 1, b: 2 }), Ok(3));
    let sell = server.stats()[0].methods.iter().find(|method| method.method == "market.sell").cloned().unwrap();
    assert_eq!(sell.inline + sell.queued + sell.refused, 0, "nobody has called it");
    let metrics = server.with_token("ann").get("/metrics").body;
    let counted = r#"callbox_requests_refused_total{transport="nats",reason="too_large"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");
}

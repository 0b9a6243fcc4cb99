//! What callers do that mean no good, or make mistakes: guessed tokens, odd messages, too large
//! ones.

use std::time::{Duration, Instant};

use async_nats::{Client, HeaderMap};
use bytes::Bytes;
use callbox::client::{ClientError, Nats};
use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::wait::until;
use futures::StreamExt;
use futures::future::join_all;
use serde_json::Value;

use super::market::{self, MarketClient};
use super::{connect, run};

const PREFIX: &str = "callbox.shop=2Emarket";

/// Number of odd messages.
const ODD: usize = 10_000;

async fn secret(client: &Client, token: &str) -> (Bytes, Duration) {
    let mut headers = HeaderMap::new();
    headers.insert("X-Api-Token", token);
    let began = Instant::now();
    let reply = client.request_with_headers(format!("{PREFIX}.secret"), headers, Bytes::new()).await.unwrap();
    (reply.payload, began.elapsed())
}

/// Wrong tokens get their answers late, and one that was valid before its answer at once, however
/// many wrong ones there are.
pub(crate) fn wrong_tokens() {
    let nats = NatsServer::start(&[]);
    let _market = market::start(&nats);
    run(async {
        let client = connect(&nats).await;
        assert_eq!(&secret(&client, "ann").await.0[..], br#""ann""#);
        // More than the limit of one peer over HTTP, so some of them are refused unseen.
        let guesses: Vec<_> = (0..200).map(|number| format!("guess-{number}")).collect();
        let guessing = join_all(guesses.iter().map(|guess| secret(&client, guess)));
        let valid = async {
            tokio::time::sleep(Duration::from_millis(100)).await;
            let mut times = Vec::new();
            for _ in 0..20 {
                let (answer, time) = secret(&client, "ann").await;
                assert_eq!(&answer[..], br#""ann""#);
                times.push(time);
            }
            times.into_iter().max().unwrap()
        };
        let (guessed, slowest) = tokio::join!(guessing, valid);
        for (answer, time) in &guessed {
            assert!(answer.starts_with(br#"{"code":-32001,"#), "{answer:?}");
            assert!(*time >= Duration::from_millis(400), "{time:?}");
        }
        let first = guessed.iter().map(|(_, time)| *time).min().unwrap();
        eprintln!("answers to wrong tokens take {first:?} or longer, those to valid ones at most {slowest:?}");
        assert_eq!(&secret(&client, "ann").await.0[..], br#""ann""#, "and afterwards");
    });
}

/// Returns a message of which a service can make nothing, or little.
fn odd(number: usize) -> (String, HeaderMap, Bytes) {
    let mut headers = HeaderMap::new();
    let long = "x".repeat(number % 700);
    match number % 8 {
        0 => headers.insert(format!("X-Odd-{number}").as_str(), &*long),
        1 => headers.insert("Request-Timeout", "NaN"),
        2 => headers.insert("Request-Timeout", &*"9".repeat(number % 400 + 1)),
        3 => headers.insert("traceparent", &*format!("00-{number:032x}-zz-01")),
        4 => headers.insert("Callbox-Chain", &*format!("a,,%{number},\u{e4}")),
        5 => headers.insert("Callbox-Instance", "elsewhere"),
        6 => (0..50).for_each(|value| headers.append("X-Many", &*value.to_string())),
        _ => headers.insert("Authorization", "Basic Og=="),
    }
    let payload = match number % 11 {
        0 => Vec::new(),
        1 => vec![0xff; number % 3000],
        2 => b"[1,2".to_vec(),
        3 => vec![b'['; number % 3000],
        4 => "{\"a\":\"\u{1f600}\",\"b\":\"\\ud800\"}".into(),
        5 => b"{\"a\":1e999,\"b\":-1}".to_vec(),
        6 => vec![0; number % 64],
        7 => br#"{"jsonrpc":"2.0","method":"market.add","params":[1,2],"id":1}"#.to_vec(),
        8 => br#"{"a":1,"a":2,"b":3}"#.to_vec(),
        9 => b"[\"\xc3\x28\",1]".to_vec(),
        _ => format!("[{number}]").into(),
    };
    let method = ["add", "about", "prices", "_cancel", "rpc=2Ediscover"][number % 5];
    (format!("{PREFIX}.{method}"), headers, payload.into())
}

/// Thousands of odd messages leave the service as it was.
pub(crate) fn odd_messages() {
    let nats = NatsServer::start(&[]);
    let server = market::start(&nats);
    run(async {
        let client = connect(&nats).await;
        let inbox = client.new_inbox();
        let mut replies = client.subscribe(inbox.clone()).await.unwrap();
        for number in 0..ODD {
            let (subject, headers, payload) = odd(number);
            if number % 3 == 0 {
                client.publish_with_headers(subject, headers, payload).await.unwrap();
            } else {
                client.publish_with_reply_and_headers(subject, inbox.clone(), headers, payload).await.unwrap();
            }
        }
        // What services say to each other is not for everybody, and a service survives it.
        for subject in ["_cancel.shop=2Emarket", "_load.shop=2Emarket", "_instance.x", "shop=2Emarket", "..", ""] {
            for payload in ["", "{}", r#"{"cancel":7}"#, r#"{"id":"x","methods":{"add":{"in":true,"usual_us":-1}}}"#] {
                let sent = client.publish(format!("callbox.{subject}"), payload.into()).await;
                assert!(sent.is_ok() || subject.contains("..") || subject.is_empty(), "{subject}: {sent:?}");
            }
        }
        client.flush().await.unwrap();
        let mut answered = 0;
        while let Ok(Some(reply)) = tokio::time::timeout(Duration::from_secs(2), replies.next()).await {
            assert!(reply.status.is_some() || serde_json::from_slice::<Value>(&reply.payload).is_ok(), "{reply:?}");
            answered += 1;
        }
        let asked = (0..ODD).filter(|number| number % 3 != 0).count();
        assert_eq!(answered, asked, "each request has one reply");
        let market = MarketClient::from(Nats::connect(&nats.url()).await.unwrap().service("shop.market"));
        assert_eq!(market.add(1, 2).await.unwrap(), 3);
    });
    until("nothing is left", || {
        server.stats()[0].methods.iter().all(|method| method.running == 0 && method.subscriptions == 0)
    });
    assert_eq!(server.get("/health/ready").status, 200);
}

/// A request that is larger than the server takes is an error at the client, and the connection
/// stays.
pub(crate) fn large_requests() {
    let nats = NatsServer::start(&[]);
    let _market = market::start(&nats);
    run(async {
        let connection = Nats::connect(&nats.url()).await.unwrap();
        let client = connection.service("shop.market");
        let large = "x".repeat(2_000_000);
        let error = client.call::<Value>("add", [&large]).await.unwrap_err();
        assert!(matches!(&error, ClientError::Unsupported(_)), "{error:?}");
        assert!(error.to_string().contains("max_payload"), "{error}");
        assert_eq!(client.call::<u64>("add", [1, 2]).await.unwrap(), 3);
        assert_eq!(connection.reconnects(), 0);
    });
}

//! How services on NATS are found, and how those of others are called.

use std::time::Duration;

use callbox::client::{ClientError, Nats};
use callbox_test_support::nats_server::NatsServer;
use futures::StreamExt;
use serde_json::Value;

use super::market;
use super::{connect, run};

/// Returns all answers to a question that arrive within a short time.
async fn ask(client: &async_nats::Client, subject: &str) -> Vec<Value> {
    let inbox = client.new_inbox();
    let mut replies = client.subscribe(inbox.clone()).await.unwrap();
    client.publish_with_reply(subject.to_owned(), inbox, "".into()).await.unwrap();
    let mut answers = Vec::new();
    while let Ok(Some(reply)) = tokio::time::timeout(Duration::from_millis(300), replies.next()).await {
        if reply.status.is_none() {
            answers.push(serde_json::from_slice(&reply.payload).unwrap());
        }
    }
    answers
}

/// Each instance answers pings, and says what it has and how it does.
pub(crate) fn answers() {
    let nats = NatsServer::start(&[]);
    let _instances = [market::start(&nats), market::start(&nats)];
    run(async {
        let client = connect(&nats).await;
        // Nobody could have an answer to these.
        for subject in ["$SRV.PING", "$SRV.INFO", "$SRV.STATS"] {
            client.publish(subject, "".into()).await.unwrap();
        }
        let pings = ask(&client, "$SRV.PING").await;
        assert_eq!(pings.len(), 2);
        for ping in &pings {
            assert_eq!(ping["type"], "io.nats.micro.v1.ping_response");
            assert_eq!((&ping["name"], &ping["version"]), (&"shop-market".into(), &"0.1.0".into()));
            assert_eq!(ping["metadata"]["callbox.service"], "shop.market");
        }
        let id = pings[0]["id"].as_str().unwrap();
        assert_ne!(pings[0]["id"], pings[1]["id"]);
        let infos = ask(&client, &format!("$SRV.INFO.shop-market.{id}")).await;
        assert_eq!((infos.len(), &infos[0]["description"]), (1, &"Sells things.".into()));
        let add = infos[0]["endpoints"].as_array().unwrap().iter().find(|endpoint| endpoint["name"] == "add").unwrap();
        assert_eq!((&add["subject"], &add["queue_group"]), (&"callbox.shop=2Emarket.add".into(), &"q".into()));
        assert_eq!(add["metadata"]["callbox.method"], "market.add");
        for _ in 0..20 {
            client.request("callbox.shop=2Emarket.refuse", "".into()).await.unwrap();
        }
        let stats = ask(&client, "$SRV.STATS.shop-market").await;
        assert_eq!(stats.len(), 2);
        let (mut requests, mut errors) = (0, 0);
        for stats in &stats {
            assert!(stats["started"].as_str().unwrap().ends_with('Z'), "{stats}");
            let refuse = stats["endpoints"].as_array().unwrap().iter().find(|one| one["name"] == "refuse").unwrap();
            requests += refuse["num_requests"].as_u64().unwrap();
            errors += refuse["num_errors"].as_u64().unwrap();
            assert!(refuse["data"]["capacity"].as_u64().unwrap() > 0 && refuse["data"]["nats"]["in"] == true);
        }
        assert_eq!((requests, errors), (20, 20));
    });
}

/// A service of somebody else is called by its endpoints.
pub(crate) fn foreign() {
    let nats = NatsServer::start(&[]);
    run(async {
        let client = connect(&nats).await;
        let mut info = client.subscribe("$SRV.INFO.math").await.unwrap();
        let mut add = client.subscribe("numbers.add").await.unwrap();
        let mut fail = client.subscribe("numbers.fail").await.unwrap();
        client.flush().await.unwrap();
        let service = async {
            loop {
                let (reply, headers, payload) = tokio::select! {
                    asked = info.next() => {
                        let endpoints = r#"{"name":"math","id":"1","endpoints":[{"name":"add","subject":"numbers.add"},{"name":"fail","subject":"numbers.fail"}]}"#;
                        (asked.unwrap().reply.unwrap(), async_nats::HeaderMap::new(), endpoints.to_owned())
                    }
                    call = add.next() => {
                        let call = call.unwrap();
                        let numbers: Vec<u64> = serde_json::from_slice(&call.payload).unwrap();
                        (call.reply.unwrap(), async_nats::HeaderMap::new(), numbers.iter().sum::<u64>().to_string())
                    }
                    call = fail.next() => {
                        let mut headers = async_nats::HeaderMap::new();
                        headers.insert("Nats-Service-Error", "out of numbers");
                        headers.insert("Nats-Service-Error-Code", "507");
                        (call.unwrap().reply.unwrap(), headers, String::new())
                    }
                };
                client.publish_with_headers(reply, headers, payload.into()).await.unwrap();
            }
        };
        let calls = async {
            let math = Nats::connect(&nats.url()).await.unwrap().micro_service("math");
            assert_eq!(math.call::<u64>("add", [1, 2, 3]).await.unwrap(), 6);
            let error = math.call::<u64>("fail", ()).await.unwrap_err();
            assert!(matches!(&error, ClientError::Method(error) if error.code() == 507), "{error:?}");
            let error = math.call::<u64>("none", ()).await.unwrap_err();
            assert!(matches!(&error, ClientError::Server(error) if error.code() == -32601), "{error:?}");
        };
        tokio::select! {
            () = service => {}
            () = calls => {}
        }
    });
}

/// A service of somebody else that comes back at another subject is found there.
pub(crate) fn moved() {
    let nats = NatsServer::start(&[]);
    run(async {
        let client = connect(&nats).await;
        let math = Nats::connect(&nats.url()).await.unwrap().micro_service("math");
        let mut info = client.subscribe("$SRV.INFO.math").await.unwrap();
        for subject in ["first.add", "second.add"] {
            let mut add = client.subscribe(subject).await.unwrap();
            client.flush().await.unwrap();
            let service = async {
                let asked = info.next().await.unwrap().reply.unwrap();
                let info =
                    format!(r#"{{"name":"math","id":"1","endpoints":[{{"name":"add","subject":"{subject}"}}]}}"#);
                client.publish(asked, info.into()).await.unwrap();
                let call = add.next().await.unwrap().reply.unwrap();
                client.publish(call, format!("\"{subject}\"").into()).await.unwrap();
                add.unsubscribe().await.unwrap();
                client.flush().await.unwrap();
            };
            let (answer, ()) = tokio::join!(math.call::<String>("add", ()), service);
            assert_eq!(answer.unwrap(), subject);
        }
    });
}

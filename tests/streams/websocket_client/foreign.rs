//! The client against a server of another library, jsonrpsee.

use std::time::Duration;

use callbox::SubscriptionNames;
use callbox::client::Client;
use futures::StreamExt;
use jsonrpsee::server::{RpcModule, Server, SubscriptionMessage};

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn calls_and_subscriptions_go_well_with_a_server_of_another_make() {
    let server = Server::builder().build("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}", server.local_addr().unwrap());
    let (closed, mut was_closed) = tokio::sync::mpsc::channel(1);
    let mut module = RpcModule::new(closed);
    module.register_method("add", |params, _, _| params.parse::<(i64, i64)>().map(|(a, b)| a + b)).unwrap();
    module
        .register_subscription("subscribe_count", "count", "unsubscribe_count", |_, pending, closed, _| async move {
            let sink = pending.accept().await?;
            for number in 0_u32.. {
                let message = serde_json::value::to_raw_value(&number)?;
                if sink.send(SubscriptionMessage::from(message)).await.is_err() {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            closed.send(()).await?;
            Ok(())
        })
        .unwrap();
    let _running = server.start(module);

    let client = Client::connect(url).await.unwrap();
    let names = SubscriptionNames { unsubscribe: Some("unsubscribe_count"), ..SubscriptionNames::DEFAULT };
    let mut count = client.subscribe_with::<u32>("subscribe_count", (), names).await.unwrap();
    for expected in 0..10 {
        assert_eq!(*count.next().await.unwrap().unwrap(), expected);
        assert_eq!(client.call::<i64>("add", [40, 2]).await.unwrap(), 42);
    }
    drop(count);
    let ended = tokio::time::timeout(Duration::from_secs(10), was_closed.recv()).await;
    assert_eq!(ended.unwrap(), Some(()), "it is ended at the server");
}

//! Clients of others subscribe over WebSockets: jsonrpsee, and the npm packages `ws`,
//! `rpc-websockets` and `viem`.
//!
//! Needs Node and the packages of `tests/node`: `bash tests/foreign` installs both.

mod service;

use std::path::Path;
use std::process::Command;

use jsonrpsee_core::client::{ClientT, Error, SubscriptionClientT};
use jsonrpsee_core::rpc_params;
use jsonrpsee_ws_client::WsClientBuilder;

use service::{Price, server};

/// Runs a script of `tests/node/streams` with a server, and lets it judge.
fn node(script: &str) {
    let server = server();
    // Beside what this test was built into.
    let modules = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("the directory above tmp").join("node");
    assert!(modules.join("node_modules").is_dir(), "{} is not there: run `bash tests/foreign`", modules.display());
    // Node looks for packages beside a script, so it runs a copy that is beside them.
    let path = modules.join(format!("streams-{script}"));
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("node/streams").join(script);
    std::fs::copy(source, &path).unwrap();
    let url = server.url("/api").replace("http://", "ws://");
    let output = Command::new("timeout").arg("30").arg("node").arg(&path).arg(url).output().expect("node runs");
    assert!(output.status.success(), "{}\n{}", output.status, String::from_utf8_lossy(&output.stderr));
    assert_eq!(subscriptions(&server), 0, "its subscriptions end with it");
}

/// Returns the number of subscriptions that are still open after a moment.
fn subscriptions(server: &callbox::testing::TestServer) -> u64 {
    let open = || server.stats().iter().flat_map(|service| &service.methods).map(|method| method.subscriptions).sum();
    for _ in 0..200 {
        if open() == 0 {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    open()
}

#[test]
fn the_package_ws_calls_and_subscribes() {
    node("ws.mjs");
}

#[test]
fn rpc_websockets_calls_and_gets_items_as_notifications() {
    node("rpc-websockets.mjs");
}

#[test]
fn viem_subscribes_by_the_names_of_ethereum() {
    node("viem.mjs");
}

#[tokio::test]
async fn jsonrpsee_calls_and_subscribes() {
    let server = server();
    let url = server.url("/api").replace("http://", "ws://");
    let client = WsClientBuilder::default().build(&url).await.unwrap();
    client.request::<(), _>("set", rpc_params!["ACME", 1.0]).await.unwrap();
    let last: f64 = client.request("last", rpc_params!["ACME"]).await.unwrap();
    assert_eq!(last, 1.0);
    let refused = client.request::<f64, _>("no_such_method", rpc_params![]).await.unwrap_err();
    assert!(matches!(&refused, Error::Call(error) if error.code() == -32601), "{refused}");

    let mut prices = client.subscribe::<Price, _>("prices", rpc_params!["ACME"], "rpc.unsubscribe").await.unwrap();
    client.request::<(), _>("set", rpc_params!["ACME", 2.0]).await.unwrap();
    let mut values = Vec::new();
    for _ in 0..2 {
        values.push(prices.next().await.unwrap().unwrap().value);
    }
    assert_eq!(values, [1.0, 2.0]);
    prices.unsubscribe().await.unwrap();
    assert_eq!(subscriptions(&server), 0);
}

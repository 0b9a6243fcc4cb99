//! A WebSocket over TLS.

use std::sync::Arc;

use callbox::client::Client;
use futures::{SinkExt, StreamExt};
use rcgen::generate_simple_self_signed;
use rustls::ServerConfig;
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_websockets::{Message, ServerBuilder};

/// Starts a server that answers each call with 5. Returns its URL and its certificate.
async fn start() -> (String, String) {
    let pair = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(pair.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_no_client_auth().with_single_cert(vec![pair.cert.der().clone()], key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("wss://localhost:{}/api", listener.local_addr().unwrap().port());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            // A client that does not trust the certificate ends the handshake.
            let Ok(stream) = acceptor.accept(stream).await else { continue };
            let (_, mut socket) = ServerBuilder::new().accept(stream).await.unwrap();
            while let Some(Ok(message)) = socket.next().await {
                let Some(text) = message.as_text() else { break };
                let id = serde_json::from_str::<serde_json::Value>(text).unwrap()["id"].clone();
                let response = format!(r#"{{"jsonrpc":"2.0","result":5,"id":{id}}}"#);
                socket.send(Message::text(response)).await.unwrap();
            }
        }
    });
    (url, pair.cert.pem())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_calls_over_tls_if_it_trusts_the_certificate() {
    let (url, certificate) = start().await;
    let client = Client::builder(&url).trust(certificate).connect().await.unwrap();
    assert_eq!(client.call::<u8>("five", ()).await.unwrap(), 5);
    // The server has one client at a time.
    drop(client);
    let stranger = Client::connect(&url).await.unwrap_err().to_string();
    assert!(stranger.starts_with("cannot connect to `wss://localhost:"), "{stranger}");
    assert!(stranger.contains("certificate"), "{stranger}");
    let no_pem = Client::builder(&url).trust("-----BEGIN CERTIFICATE-----\n!\n").connect().await.unwrap_err();
    assert!(no_pem.to_string().contains("a certificate is not PEM"), "{no_pem}");
}

//! A WebSocket server that does what a test says.

use std::net::TcpListener as Listener;
use std::thread::JoinHandle;
use std::time::Duration;

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_websockets::{Message, ServerBuilder, WebSocketStream};

/// Maximum time that the script may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs a script.
pub(crate) struct FakeSocket {
    pub(crate) url: String,
    script: JoinHandle<()>,
}

/// A connection of the command.
pub(crate) struct Connection(WebSocketStream<TcpStream>);

impl FakeSocket {
    /// Starts a server that runs this script.
    pub(crate) fn start<F: Future<Output = ()>>(script: impl FnOnce(TcpListener) -> F + Send + 'static) -> Self {
        let listener = Listener::bind("127.0.0.1:0").expect("a port");
        listener.set_nonblocking(true).expect("a socket");
        let url = format!("ws://{}/api", listener.local_addr().expect("an address"));
        let script = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).expect("a socket");
                timeout(PATIENCE, script(listener)).await.expect("the script ends in time");
            });
        });
        Self { url, script }
    }

    /// Checks that the script has run to its end.
    pub(crate) fn end(self) {
        self.script.join().expect("the script has succeeded");
    }
}

impl Connection {
    pub(crate) async fn accept(listener: &TcpListener) -> Self {
        let (stream, _) = listener.accept().await.expect("a connection");
        Self(ServerBuilder::new().accept(stream).await.expect("a handshake").1)
    }

    /// Returns the next message; nothing if the command has closed the connection.
    pub(crate) async fn receive(&mut self) -> Option<Value> {
        loop {
            let message = self.0.next().await?.ok()?;
            if let Some(text) = message.as_text() {
                return Some(serde_json::from_str(text).expect("JSON"));
            }
        }
    }

    pub(crate) async fn send(&mut self, text: &str) {
        self.0.send(Message::text(text.to_owned())).await.expect("the command reads");
    }

    /// Answers the next call with this result, and returns the call.
    pub(crate) async fn answer(&mut self, result: &str) -> Value {
        let call = self.receive().await.expect("a call");
        self.send(&format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{}}}"#, call["id"])).await;
        call
    }

    /// Answers the next call as a server that does not have the method.
    pub(crate) async fn refuse(&mut self) -> Value {
        let call = self.receive().await.expect("a call");
        let error = r#"{"code":-32601,"message":"Method not found"}"#;
        self.send(&format!(r#"{{"jsonrpc":"2.0","error":{error},"id":{}}}"#, call["id"])).await;
        call
    }
}

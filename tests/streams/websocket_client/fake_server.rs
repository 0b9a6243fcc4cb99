//! A server that sends whatever a test wants.

use std::net::SocketAddr;

use futures::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio_websockets::{Message, ServerBuilder, WebSocketStream};

/// A listener for connections of one client.
pub(crate) struct FakeServer {
    listener: TcpListener,
    address: SocketAddr,
}

/// A connection of the client.
pub(crate) struct FakeConnection(WebSocketStream<TcpStream>);

impl FakeServer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        Self { listener, address }
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/api", self.address)
    }

    pub(crate) async fn accept(&self) -> FakeConnection {
        let (stream, _) = self.listener.accept().await.unwrap();
        FakeConnection(ServerBuilder::new().accept(stream).await.unwrap().1)
    }
}

impl FakeConnection {
    /// Returns the next message of the client.
    pub(crate) async fn receive(&mut self) -> Value {
        loop {
            let message = self.0.next().await.unwrap().unwrap();
            if let Some(text) = message.as_text() {
                return serde_json::from_str(text).unwrap();
            }
        }
    }

    pub(crate) async fn send(&mut self, text: impl Into<String>) {
        self.0.send(Message::text(text.into())).await.unwrap();
    }

    pub(crate) async fn send_message(&mut self, message: Message) {
        self.0.send(message).await.unwrap();
    }

    /// Returns the next message of any kind; nothing when the client has closed the connection.
    pub(crate) async fn receive_message(&mut self) -> Option<Message> {
        self.0.next().await.and_then(Result::ok)
    }
}

//! From a URL and the options of a builder to a client over a WebSocket.

use std::sync::Arc;

use http::Uri;

use crate::build_error::BuildError;
use crate::builder::ClientBuilder;
use crate::untyped::Client;

use super::connect::Target;
use super::socket::Socket;
use super::task::Task;

/// Maximum size of a message of the server by default, in bytes.
const MESSAGE_LIMIT: usize = 64 * 1024 * 1024;

impl Client {
    /// Opens a WebSocket to the endpoint at this URL, with all defaults of [`ClientBuilder`]. See
    /// [`ClientBuilder::connect`].
    ///
    /// ```
    /// use callbox::client::Client;
    /// # use callbox::{Server, service, testing};
    /// # #[derive(Default)] struct Sums;
    /// # #[service(name = "sums")] impl Sums {
    /// #     #[public_method] fn add(&self, a: u64, b: u64) -> u64 { a + b }
    /// # }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = testing::start(Server::new(Sums::default));
    /// # let url = server.url("/api").replace("http://", "ws://");
    /// let client = Client::connect(url).await?;
    /// assert_eq!(client.call::<u64>("add", [40, 2]).await?, 42);
    /// # // The server would wait for the client to close the connection, on the only thread.
    /// # drop(client);
    /// # tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Those of [`ClientBuilder::connect`].
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn connect(url: impl Into<String>) -> Result<Self, BuildError> {
        Self::builder(url).connect().await
    }
}

impl ClientBuilder {
    /// Opens a WebSocket, and makes a client that sends everything over it: calls, which are
    /// answered in any order, batches, notifications, and subscriptions. The URL begins with
    /// `ws://` or, with the feature `tls`, with `wss://`.
    ///
    /// A dropped call is cancelled at the server, and a dropped
    /// [`Subscription`](crate::Subscription) is ended there.
    ///
    /// If the connection is lost, the client opens it again, after pauses from 0.1 s to 10 s.
    /// Calls in flight end with [`ClientError::Lost`](crate::ClientError::Lost); those that may run
    /// twice are repeated. New calls wait for the connection until their deadlines. Subscriptions
    /// are started again: see [`Client::subscribe`].
    ///
    /// The connection is closed when all clones of the client and all their subscriptions are
    /// dropped. It belongs to the tokio runtime in which it was opened.
    ///
    /// In contrast to HTTP, the token is sent once, when the connection is opened, so a client with
    /// another token needs a connection of its own. At its deadline a call is cancelled. The server
    /// learns the deadline beforehand if the client has set one, or a method makes the call, and
    /// the parameters are named or absent; the same holds for the services that wait for the call,
    /// and the id of the request. Proxies of the environment are not used.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use callbox::client::Client;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::builder("ws://127.0.0.1:5000/api")
    ///     .token("hello_world")
    ///     .deadline(Duration::from_secs(2))
    ///     .connect()
    ///     .await?;
    /// let greeting: String = client.call("say_hello", ["world"]).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Returns an error if the URL, the token, the name of the token header, or a certificate is
    /// not valid, and if the server cannot be reached or accepts no WebSocket.
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn connect(self) -> Result<Client, BuildError> {
        let target = self.target()?;
        let failed = |cause| BuildError::new(format!("cannot connect to `{}`: {cause}", self.url));
        let opened = target.open().await.map_err(failed)?;
        let (socket, queues) = Socket::new(self.token_text());
        tokio::spawn(Task::new(target, queues, self.connection_handler.clone()).run(opened));
        Ok(self.apply(&Client::with_dyn_transport(Arc::new(socket))))
    }

    fn target(&self) -> Result<Target, BuildError> {
        let invalid = |what: &str| BuildError::new(format!("the URL `{}` {what}", self.url));
        let uri: Uri = self.url.0.parse().map_err(|error| invalid(&format!("is not valid: {error}")))?;
        let is_secure = match uri.scheme_str() {
            Some("ws") => false,
            Some("wss") => true,
            _ => return Err(invalid("must begin with ws:// or wss://")),
        };
        if is_secure && cfg!(not(feature = "tls")) {
            return Err(self.needs_tls());
        }
        let authority = uri.authority().ok_or_else(|| invalid("has no host"))?;
        if authority.as_str().contains('@') {
            return Err(invalid("must not have a user: pass a token with ClientBuilder::token"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        Ok(Target {
            host,
            port: authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 }),
            headers: self.headers()?,
            timeout: self.connect_timeout,
            message_limit: self.response_limit.unwrap_or(MESSAGE_LIMIT),
            #[cfg(feature = "tls")]
            tls: if is_secure { Some(super::tls::connector(&self.certificates)?) } else { None },
            url: self.url.clone(),
            uri,
        })
    }
}

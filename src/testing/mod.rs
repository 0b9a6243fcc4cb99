//! Helpers for tests: a server on a free port, a service without HTTP, and waiting for effects
//! without sleeping.
//!
//! They need the feature `testing`:
//!
//! ```toml
//! [dev-dependencies]
//! callbox = { version = "0.1", features = ["testing"] }
//! ```
//!
//! A server logs to standard error, which the test harness captures and shows for a test that
//! fails. The log has the cause of an internal error under its correlation id. The level is `info`,
//! or that of `RUST_LOG`. A test that sets up `tracing` itself must do so before it starts a
//! server.
//!
//! All functions block, so that tests are plain `#[test]` functions. They panic with the reason
//! when the setup of a test fails. Servers and services run on their own threads and stop when they
//! are dropped.
//!
//! ```
//! use callbox::{Server, service, testing};
//!
//! #[derive(Default)]
//! struct Counter { count: u64 }
//!
//! #[service(name = "counter")]
//! impl Counter {
//!     /// Adds to the count.
//!     #[public_method]
//!     fn add(&mut self, by: u64) -> u64 {
//!         self.count += by;
//!         self.count
//!     }
//! }
//!
//! // Over HTTP, on a free port:
//! let server = testing::start(Server::new(Counter::default));
//! assert_eq!(server.call(Counter_Add { by: 2 }), Ok(2));
//!
//! // Without HTTP:
//! let counter = testing::in_process(Counter::default);
//! counter.notify(Counter_Add { by: 2 }).unwrap();
//! counter.wait_idle();
//! assert_eq!(counter.call(Counter_Add { by: 1 }), Ok(3));
//! ```

mod client;
mod fake;
mod in_process;
mod system;

use std::fmt;
use std::net::SocketAddr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::engine::ServiceStats;
use crate::jsonrpc::{RpcError, log_all_causes};
use crate::measure::ConnectionStats;
use crate::server::{ListeningServer, LogReader, Resolution, Server, init_log};
use crate::service::{Message, Service};

pub use client::{TestClient, TestResponse};
pub use fake::{Fake, fake};
pub use in_process::{InProcess, in_process, in_process_with};
use system::SystemThread;

/// A server on its own thread. It stops when it is dropped, after the admitted calls have been
/// answered. See [`start`].
pub struct TestServer {
    client: TestClient,
    address: SocketAddr,
    running: crate::ServerHandle,
    // The last field, so that it is dropped last: its drop waits until the server has stopped.
    _system: SystemThread,
}

/// Starts a server on a free port of 127.0.0.1. It ignores the command line, the environment and
/// the configuration file.
///
/// # Panics
/// Panics if the server cannot start, with the reason.
pub fn start(server: Server) -> TestServer {
    let (system, (address, endpoint, running)) = SystemThread::start(async move |stopped| {
        let resolved = server.for_tests().resolve();
        let Ok(Resolution::Run(server, settings)) = resolved else { panic!("the server cannot start: {resolved:?}") };
        let log = init_log(&settings, LogReader::Test, server.service_name());
        log.unwrap_or_else(|error| panic!("the server cannot start: {error}"));
        log_all_causes();
        let listening = ListeningServer::start(*server, &settings).await;
        let listening = listening.unwrap_or_else(|error| panic!("the server cannot start: {error}"));
        let address = listening.address().expect("a server in a test has a port");
        let started = (address, settings.endpoint.clone(), listening.running.clone());
        let until_stopped = async move {
            // An error means that the test has ended, which is also a reason to stop.
            let _ = stopped.await;
            // Calls that still run after the stop are in the log. The test may have started them on
            // purpose.
            let _ = listening.stop().await;
        };
        (started, until_stopped)
    });
    let client = TestClient::new(address, &endpoint, running.methods());
    TestServer { client, address, running, _system: system }
}

impl TestServer {
    /// Returns the address on which the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns a URL of the server: `server.url("/api")` is `http://127.0.0.1:…/api`.
    pub fn url(&self, path: &str) -> String {
        crate::server::url("http", self.address, path)
    }

    /// Calls a method over HTTP without a token, and waits for its result.
    ///
    /// # Errors
    /// Returns the error object of the server.
    ///
    /// # Panics
    /// Panics if there is no response within 60 s, and in the other cases of [`TestClient::call`].
    pub fn call<M: Message>(&self, message: M) -> Result<M::Output, RpcError>
    where
        M::Output: DeserializeOwned,
    {
        self.client.call(message)
    }

    /// Sends a notification over HTTP, without a token.
    ///
    /// # Panics
    /// Panics in the cases of [`TestClient::notify`].
    pub fn notify<M: Message>(&self, message: M) {
        self.client.notify(message);
    }

    /// Returns a client of the server with a token.
    pub fn with_token(&self, token: &str) -> TestClient {
        self.client.with_token(token)
    }

    /// Returns a client of the server that sends this header with each request, such as that of a
    /// tenant.
    ///
    /// ```
    /// use callbox::{CallContext, Server, service, testing};
    ///
    /// struct Greeter;
    ///
    /// #[service(name = "greeter")]
    /// impl Greeter {
    ///     /// Returns the id of the request.
    ///     #[public_method]
    ///     fn request(&self, call: &CallContext) -> String {
    ///         call.request_id().to_owned()
    ///     }
    /// }
    ///
    /// let server = testing::start(Server::new(|| Greeter));
    /// let client = server.with_header("X-Request-Id", "order-17");
    /// assert_eq!(client.call(Greeter_Request {}), Ok("order-17".to_owned()));
    /// ```
    pub fn with_header(&self, name: &str, value: &str) -> TestClient {
        self.client.with_header(name, value)
    }

    /// Posts a body to the endpoint unchanged, with the content type `application/json`.
    ///
    /// # Panics
    /// Panics if there is no response.
    pub fn post(&self, body: impl AsRef<[u8]>) -> TestResponse {
        self.client.post(body)
    }

    /// Posts a JSON-RPC request, or a batch of them, and returns the response. For notifications
    /// alone it returns `null`.
    ///
    /// # Panics
    /// Panics if there is no HTTP response, or if it is not JSON.
    pub fn rpc<T: Serialize + ?Sized>(&self, request: &T) -> Value {
        self.client.rpc(request)
    }

    /// Sends a GET request for this path, without a token.
    ///
    /// # Panics
    /// Panics if there is no response.
    pub fn get(&self, path: &str) -> TestResponse {
        self.client.get(path)
    }

    /// Sends any request, without a token. See [`TestClient::send`].
    ///
    /// # Panics
    /// Panics in the cases of [`TestClient::send`].
    pub fn send(&self, method: &str, path: &str, body: impl AsRef<[u8]>) -> TestResponse {
        self.client.send(method, path, body)
    }

    /// Returns the statistics of each service, as
    /// [`ServerHandle::stats`](crate::ServerHandle::stats) does.
    pub fn stats(&self) -> Vec<ServiceStats> {
        self.running.stats()
    }

    /// Returns the statistics of the connections, as
    /// [`ServerHandle::connections`](crate::ServerHandle::connections) does.
    pub fn connections(&self) -> ConnectionStats {
        self.running.connections()
    }

    /// Waits until no call of the service waits or runs. After that, all notifications that were
    /// sent before have had their effect.
    ///
    /// # Panics
    /// Panics if the server has no such service, and on a thread that runs a tokio runtime.
    pub fn wait_idle<S: Service>(&self) {
        let service = self.service::<S>();
        system::block_on(async move { service.wait_idle().await });
    }

    /// Returns a reference to a service, for calls without HTTP from async code, and for its
    /// statistics.
    ///
    /// # Panics
    /// Panics if the server has no such service.
    pub fn service<S: Service>(&self) -> crate::ServiceRef<S> {
        self.running.service().unwrap_or_else(|| panic!("the server has no service {}", S::NAME))
    }
}

impl fmt::Debug for TestServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestServer").field("address", &self.address).finish_non_exhaustive()
    }
}

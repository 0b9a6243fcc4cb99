//! Help for tests: a server on a free port, a service without HTTP, and waiting for effects without sleeping.
//!
//! Needs the feature `testing`:
//!
//! ```toml
//! [dev-dependencies]
//! callbox = { version = "0.1", features = ["testing"] }
//! ```
//!
//! What a server logs goes to standard error as the test harness takes it, so it is shown with a test that fails: there is the cause
//! behind a correlation id. The level is `info`, or what `RUST_LOG` says; a program that sets up `tracing` itself does so before.
//!
//! Everything here blocks, so that tests are plain `#[test]` functions, and panics with the reason when something is wrong
//! that the test is not about. Servers and services run on threads of their own and stop when they are dropped.
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
mod in_process;
mod system;

use std::fmt;
use std::net::SocketAddr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::jsonrpc::{RpcError, log_all_causes};
use crate::server::{ListeningServer, LogReader, Resolution, Server, init_log};
use crate::service::{Message, Service};

pub use client::{Client, Page};
pub use in_process::{InProcess, in_process, in_process_with};
use system::SystemThread;

/// A server on a thread of its own. Stops when it is dropped: the calls that were let in are answered first.
pub struct TestServer {
    client: Client,
    address: SocketAddr,
    running: crate::ServerHandle,
    // Dropped last: its drop waits until the server has stopped.
    _system: SystemThread,
}

/// Starts a server on a free port of 127.0.0.1. Neither the command line nor the environment nor a file counts.
///
/// # Panics
/// If the server cannot start, with the reason.
pub fn start(server: Server) -> TestServer {
    let (system, (address, endpoint, running)) = SystemThread::start(async move |stopped| {
        let resolved = server.for_tests().resolve();
        let Ok(Resolution::Run(server, settings)) = resolved else { panic!("the server cannot start: {resolved:?}") };
        init_log(&settings, LogReader::Test);
        log_all_causes();
        let listening = ListeningServer::start(*server, &settings).await;
        let listening = listening.unwrap_or_else(|error| panic!("the server cannot start: {error}"));
        let told = (listening.address, settings.endpoint.clone(), listening.running.clone());
        let ends = async move {
            // An error says that the test is gone, which asks for the stop as well.
            let _ = stopped.await;
            // What still runs then is the test's own affair, and the log names it.
            let _ = listening.stop().await;
        };
        (told, ends)
    });
    let client = Client::new(address, &endpoint, running.methods());
    TestServer { client, address, running, _system: system }
}

impl TestServer {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// A URL of the server: `server.url("/api")`.
    pub fn url(&self, path: &str) -> String {
        crate::server::url("http", self.address, path)
    }

    /// Calls a method over HTTP, without a token.
    ///
    /// # Errors
    /// The error that the server answered.
    ///
    /// # Panics
    /// If there was no answer, or if it is none to this call.
    pub fn call<M: Message>(&self, message: M) -> Result<M::Output, RpcError>
    where
        M::Output: DeserializeOwned,
    {
        self.client.call(message)
    }

    /// Sends a notification over HTTP, without a token.
    ///
    /// # Panics
    /// If the server did not take it.
    pub fn notify<M: Message>(&self, message: M) {
        self.client.notify(message);
    }

    /// The same server, called with a token.
    pub fn with_token(&self, token: &str) -> Client {
        self.client.with_token(token)
    }

    /// Posts a body to the endpoint as it is, with the content type of JSON.
    ///
    /// # Panics
    /// If there was no answer.
    pub fn post(&self, body: impl AsRef<[u8]>) -> Page {
        self.client.post(body)
    }

    /// Posts a JSON-RPC request, or a batch of them, and reads the answer; `null` if there is none.
    ///
    /// # Panics
    /// If there was no answer, or if it is not JSON.
    pub fn rpc<T: Serialize + ?Sized>(&self, request: &T) -> Value {
        self.client.rpc(request)
    }

    /// Gets a page.
    ///
    /// # Panics
    /// If there was no answer.
    pub fn get(&self, path: &str) -> Page {
        self.client.get(path)
    }

    /// Waits until no call of the service waits or runs: the effects of all notifications sent before are there.
    ///
    /// # Panics
    /// If the server has no such service.
    pub fn wait_idle<S: Service>(&self) {
        let service = self.service::<S>();
        system::block_on(async move { service.wait_idle().await });
    }

    /// A handle on a service, for calls without HTTP from async code, and for its statistics.
    ///
    /// # Panics
    /// If the server has no such service.
    pub fn service<S: Service>(&self) -> crate::ServiceRef<S> {
        self.running.service().unwrap_or_else(|| panic!("the server has no service {}", S::NAME))
    }
}

impl fmt::Debug for TestServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestServer").field("address", &self.address).finish_non_exhaustive()
    }
}

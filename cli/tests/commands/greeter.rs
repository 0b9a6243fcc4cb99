//! The service that the tests call.

use std::sync::Arc;

use callbox::testing::{self, TestServer};
use callbox::{Caller, RpcError, Server, Subscription, service};
use futures::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

/// A valid token.
pub(crate) const TOKEN: &str = "operator";

/// A greeter, and what holds up those who are at it.
pub(crate) struct Greeter {
    free: Arc<Semaphore>,
}

/// What was said to whom.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Greeting {
    name: String,
}

#[derive(RpcError)]
enum Missing {
    #[rpc(code = 404, message = "Nobody is called {name}")]
    Nobody { name: String },
}

#[service(name = "example.greeter")]
impl Greeter {
    /// Says hello, once or several times.
    ///
    /// The maximum is nine times.
    #[public_method]
    fn say_hello(&self, name: String, #[param(default = 1)] times: u8) -> String {
        vec![format!("hello {name}"); usize::from(times.min(9))].join(", ")
    }

    /// Says hello, once.
    #[deprecated = "use `say_hello`"]
    #[public_method]
    fn greet(&self, name: String) -> String {
        format!("hello {name}")
    }

    /// Looks somebody up.
    #[public_method]
    fn look_up(&self, name: String) -> Result<u64, Missing> {
        if name == "ann" { Ok(7) } else { Err(Missing::Nobody { name }) }
    }

    /// Returns its parameter.
    #[public_method]
    fn echo(&self, value: serde_json::Value) -> serde_json::Value {
        value
    }

    /// Takes a note with any further fields.
    #[public_method]
    fn note(&self, text: String, #[param(rest)] more: serde_json::Map<String, serde_json::Value>) -> usize {
        text.len() + more.len()
    }

    /// Sends each greeting from now on.
    #[public_method(subscription)]
    fn greetings(&self) -> Subscription<Greeting> {
        Subscription::new(stream::pending())
    }

    /// Waits until the semaphore has a permit.
    #[public_method(mailbox = 1)]
    async fn hold(&mut self) {
        let _passed = self.free.acquire().await;
    }

    /// Says who is calling.
    #[private_api_method]
    fn whoami(&self, caller: &Caller) -> Option<String> {
        caller.name().map(str::to_owned)
    }

    /// Fails without a reason.
    #[public_method]
    fn fail(&self) -> Result<(), RpcError> {
        Err(RpcError::new(1, "no"))
    }
}

/// Starts a server whose method `hold` waits for a permit of `free`.
pub(crate) fn greeter_with(free: &Arc<Semaphore>) -> TestServer {
    let free = Arc::clone(free);
    let factory = move || Greeter { free: Arc::clone(&free) };
    testing::start(Server::new(factory).tokens(|token: &str| token == TOKEN))
}

/// Starts a server whose method `hold` does not wait.
pub(crate) fn greeter() -> TestServer {
    greeter_with(&Arc::new(Semaphore::new(1)))
}

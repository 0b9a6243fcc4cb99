//! Calls a service from Rust: by functions and by name, over HTTP and within the process.
//!
//! Run with `cargo run --features client --example client`.
//!
//! It starts a service on a free port, calls it, and prints the results:
//!
//! ```text
//! 7 apples
//! denied: Access denied (-32001)
//! there are only 7
//! 2 left
//! 3 within the process
//! a batch: 3 there; the server returned an error: Access denied (-32001)
//! by name: {"apples":3}
//! ```

#![expect(clippy::print_stdout, reason = "the program prints the results of its calls")]

use std::error::Error;
use std::time::Duration;

use actix_web::{App, HttpServer};
use callbox::client::{Client, ClientError, Retry};
use callbox::{RpcError, Server, ServerHandle, service};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A stock of apples.
#[derive(Debug, Default)]
pub struct Stock {
    apples: u32,
}

/// The error of taking apples.
#[derive(Debug, RpcError)]
pub enum TakeError {
    /// The stock has fewer apples.
    #[rpc(code = 409, message = "There are only {left}")]
    NotEnough {
        /// The number of apples in the stock.
        #[rpc(data)]
        left: u32,
    },
}

/// The contents of the stock.
#[derive(Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Count {
    apples: u32,
}

#[service(name = "example.stock")]
impl Stock {
    /// Puts apples into the stock, and returns how many it has then.
    #[public_method]
    pub fn put(&mut self, apples: u32) -> u32 {
        self.apples += apples;
        self.apples
    }

    /// Takes apples out of the stock, and returns how many are left. Needs a token.
    #[private_api_method]
    pub fn take(&mut self, apples: u32) -> Result<u32, TakeError> {
        self.apples = self.apples.checked_sub(apples).ok_or(TakeError::NotEnough { left: self.apples })?;
        Ok(self.apples)
    }

    /// Returns the number of apples. The method is idempotent, so a client repeats the call if the
    /// response was lost.
    #[public_method(idempotent)]
    pub fn count(&self) -> Count {
        Count { apples: self.apples }
    }
}

/// The server, which could as well run elsewhere.
pub fn app() -> Server {
    Server::new(Stock::default).tokens(|token: &str| token == "hello_world")
}

/// Makes calls, and returns a line about each result.
pub async fn calls(url: &str, running: &ServerHandle) -> Result<Vec<String>, Box<dyn Error>> {
    let mut said = Vec::new();
    // The client has the options of all calls: here half a second for all three attempts together.
    let retry = Retry::default().attempts(3);
    let client = Client::builder(url).deadline(Duration::from_millis(500)).retry(retry).build()?;

    // The macro writes `StockClient`, with a function for each method.
    let stock = StockClient::from(client.clone());
    said.push(format!("{} apples", stock.put(7).await?));
    if let Err(ClientError::Server(error)) = stock.take(1).await {
        said.push(format!("denied: {error}"));
    }

    // Options can differ from clone to clone: this one sends a token.
    let holder = stock.with_token("hello_world");
    match holder.take(100).await {
        Err(ClientError::Method(TakeError::NotEnough { left })) => said.push(format!("there are only {left}")),
        other => return Err(format!("took too many: {other:?}").into()),
    }
    let left = holder.with_deadline(Duration::from_millis(100)).take(5).await?;
    said.push(format!("{left} left"));

    // The same client within the process: the message reaches the mailbox without JSON.
    let service = running.service::<Stock>().ok_or("there is no such service")?;
    let within = service.client::<StockClient>();
    said.push(format!("{} within the process", within.put(1).await?));

    // Several calls in one body, each with a result of its own type. They run in no fixed order.
    let (there, taken) = stock.batch().add(Stock_Count {}).add(Stock_Take { apples: 1 }).send().await;
    let denied = taken.err().ok_or("took apples without a token")?;
    said.push(format!("a batch: {} there; {denied}", there?.apples));

    // Any JSON-RPC server can be called by the names of its methods.
    let count: Value = client.call("count", ()).await?;
    said.push(format!("by name: {count}"));
    Ok(said)
}

/// Listens on a free port, and returns the URL of the endpoint with the HTTP server.
pub fn listen(callbox: &ServerHandle) -> std::io::Result<(String, actix_web::dev::Server)> {
    let callbox = callbox.clone();
    let server = HttpServer::new(move || App::new().configure(callbox.routes())).bind(("127.0.0.1", 0))?;
    let url = format!("http://{}/api", server.addrs()[0]);
    Ok((url, server.workers(1).run()))
}

#[actix_web::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let running = app().launch().await?;
    let (url, server) = listen(&running)?;
    let handle = server.handle();
    let served = actix_web::rt::spawn(server);
    for line in calls(&url, &running).await? {
        println!("{line}");
    }
    handle.stop(true).await;
    served.await??;
    running.stop().await?;
    Ok(())
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use callbox::testing;

    use super::*;

    #[test]
    fn nobody_takes_more_apples_than_there_are() {
        let server = testing::start(app());
        let holder = server.with_token("hello_world");
        assert_eq!(server.call(Stock_Put { apples: 7 }), Ok(7));
        assert_eq!(holder.call(Stock_Take { apples: 5 }), Ok(2));

        let error = holder.call(Stock_Take { apples: 5 }).unwrap_err();
        assert_eq!((error.code(), error.message()), (409, "There are only 2"));
        assert_eq!(server.call(Stock_Count {}), Ok(Count { apples: 2 }), "nothing was taken");
    }
}

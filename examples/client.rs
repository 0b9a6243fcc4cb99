//! Calls a service from Rust: by functions and by names, over HTTP and within the process.
//!
//! Run with `cargo run --features client --example client`. It starts a service on a free port of its own, and says what came of its calls:
//!
//! ```text
//! 7 apples
//! denied: Access denied (-32001)
//! there are only 7
//! 2 left
//! 3 within the process
//! a batch: 4 put, 4 there, and 4 again
//! by name: {"apples":4}
//! ```

#![expect(clippy::print_stdout, reason = "what came of the calls is what it is for")]

use std::error::Error;
use std::time::Duration;

use actix_web::{App, HttpServer};
use callbox::client::{Client, ClientError, Retry};
use callbox::{RpcError, Server, ServerHandle, service};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Keeps apples.
#[derive(Debug, Default)]
pub struct Stock {
    apples: u32,
}

/// Why nothing was taken.
#[derive(Debug, RpcError)]
pub enum TakeError {
    /// There are not so many.
    #[rpc(code = 409, message = "There are only {left}")]
    NotEnough {
        /// How many there are.
        #[rpc(data)]
        left: u32,
    },
}

/// What is there.
#[derive(Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Count {
    apples: u32,
}

#[service(name = "example.stock")]
impl Stock {
    /// Puts apples into the stock.
    #[public_method]
    pub fn put(&mut self, apples: u32) -> u32 {
        self.apples += apples;
        self.apples
    }

    /// Takes apples out of it.
    #[private_api_method]
    pub fn take(&mut self, apples: u32) -> Result<u32, TakeError> {
        self.apples = self.apples.checked_sub(apples).ok_or(TakeError::NotEnough { left: self.apples })?;
        Ok(self.apples)
    }

    /// How many there are. Asking twice does no harm, so a client asks again when the answer got lost.
    #[public_method(idempotent)]
    pub fn count(&self) -> Count {
        Count { apples: self.apples }
    }
}

/// The service, which could as well run elsewhere.
pub fn app() -> Server {
    Server::new(Stock::default).tokens(|token: &str| token == "hello_world")
}

/// Makes calls, and says what came of them.
pub async fn calls(url: &str, running: &ServerHandle) -> Result<Vec<String>, Box<dyn Error>> {
    let mut said = Vec::new();
    // What holds for all calls is said once: here, half a second with all tries, of which there are three.
    let retry = Retry::default().attempts(3);
    let client = Client::builder(url).deadline(Duration::from_millis(500)).retry(retry).build()?;

    // The macro has written `StockClient`, with a function for each method.
    let stock = StockClient::from(client.clone());
    said.push(format!("{} apples", stock.put(7).await?));
    if let Err(ClientError::Server(error)) = stock.take(1).await {
        said.push(format!("denied: {error}"));
    }

    // A clone differs in what is said of it.
    let holder = stock.with_token("hello_world");
    match holder.take(100).await {
        Err(ClientError::Method(TakeError::NotEnough { left })) => said.push(format!("there are only {left}")),
        other => return Err(format!("took too many: {other:?}").into()),
    }
    let left = holder.with_deadline(Duration::from_millis(100)).take(5).await?;
    said.push(format!("{left} left"));

    // The same client within the process: the message goes straight into the mailbox, without JSON.
    let service = running.service::<Stock>().ok_or("there is no such service")?;
    let within = service.client::<StockClient>();
    said.push(format!("{} within the process", within.put(1).await?));

    // Several calls in one body, each with an answer of its own type.
    let (put, there, more) =
        stock.batch().add(Stock_Put { apples: 1 }).add(Stock_Count {}).add(Stock_Count {}).send().await;
    said.push(format!("a batch: {} put, {} there, and {} again", put?, there?.apples, more?.apples));

    // Any JSON-RPC server can be called by names.
    let count: Value = client.call("count", ()).await?;
    said.push(format!("by name: {count}"));
    Ok(said)
}

/// Listens on a free port.
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

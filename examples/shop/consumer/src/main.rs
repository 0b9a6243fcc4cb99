//! A caller with a token of a tenant, in a process of its own, that orders tea again and again. It
//! knows the crate of the API and the client, and nothing of the services.
//!
//! Run with `cargo run --package shop-consumer -- http://127.0.0.1:5000/api 5`. The token is in the
//! environment variable `TOKEN`, since other users of the machine can read arguments. It says which
//! tenant the caller is, and needs no scope. The program prints the number of each order that the
//! shop has acknowledged.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use callbox_client::{Client, ClientError};
use shop_api::{Line, Order, OrderError, OrdersClient};
use uuid::Uuid;

/// How long to go on with one order while the shop is away.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pause before an order is sent again.
const PAUSE: Duration = Duration::from_millis(100);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, count] = &args[..] else { return fail("usage: TOKEN=… shop-consumer URL COUNT") };
    let Ok(count) = count.parse() else { return fail("COUNT is a number") };
    let Ok(token) = std::env::var("TOKEN") else { return fail("set the variable TOKEN to a token of the tenant") };
    match run(url, &token, count).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error.to_string()),
    }
}

fn fail(error: &str) -> ExitCode {
    // There is nobody to tell if this fails, too.
    let _ = writeln!(io::stderr(), "shop-consumer: {error}");
    ExitCode::FAILURE
}

async fn run(url: &str, token: &str, count: usize) -> Result<(), Box<dyn std::error::Error>> {
    let orders = OrdersClient::from(Client::builder(url).token(token).build()?);
    for _ in 0..count {
        let order = place(&orders, &Uuid::new_v4().to_string()).await?;
        writeln!(io::stdout(), "{}", order.id)?;
    }
    Ok(())
}

/// Places an order, however often it takes. The key makes that safe: the shop returns the same
/// order to every call with it.
async fn place(orders: &OrdersClient, key: &str) -> Result<Order, ClientError<OrderError>> {
    let start = Instant::now();
    loop {
        let lines = vec![Line { sku: "tea".to_owned(), pieces: 2 }];
        match orders.place(key.to_owned(), "ann@example.org".to_owned(), lines).await {
            Ok(order) => return Ok(order),
            Err(error) if start.elapsed() > PATIENCE || is_final(&error) => return Err(error),
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Whether the same order would fail in the same way again.
fn is_final(error: &ClientError<OrderError>) -> bool {
    !matches!(
        error,
        ClientError::Method(OrderError::CatalogUnavailable)
            | ClientError::Rejected(_)
            | ClientError::Unreachable(_)
            | ClientError::Deadline(_)
            | ClientError::Lost(_)
    )
}

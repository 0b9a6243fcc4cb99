//! A customer who orders tea again and again, in a process of its own: it knows the crate of the
//! API and the client, and nothing of the services.
//!
//! Run with `cargo run --package shop-consumer -- http://127.0.0.1:5000/api TOKEN 5`. It prints the
//! number of each order that the shop has acknowledged.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::{Duration, Instant, SystemTime};

use callbox_client::{Client, ClientError};
use shop_api::{Line, Order, OrderError, OrdersClient};

/// How long to go on with one order while the shop is away.
const PATIENCE: Duration = Duration::from_secs(60);

/// Pause before an order is sent again.
const PAUSE: Duration = Duration::from_millis(100);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [url, token, count] = &args[..] else { return fail("usage: shop-consumer URL TOKEN COUNT") };
    let Ok(count) = count.parse() else { return fail("COUNT is a number") };
    match run(url, token, count).await {
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
    // No other run of this program uses the same keys.
    let run = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?.as_nanos();
    let process = std::process::id();
    for number in 0..count {
        let order = place(&orders, &format!("{process}-{run}-{number}")).await?;
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

//! Two services that this program can be, each in a process of its own: orders, which ask the
//! stock.

use std::process::{ExitCode, Termination};

use callbox::client::Client;
use callbox::{RpcError, Server, service};
use callbox_test_support::program::{Program, ROLE, RunningProgram};

/// The variable with the address of the stock.
const STOCK: &str = "STOCK_ADDRESS";

/// Runs the server of this program's role until it stops. Returns `None` if it has none.
pub(crate) fn run() -> Option<ExitCode> {
    let server = match std::env::var(ROLE).ok()?.as_str() {
        "orders" => {
            let stock = format!("http://{}/api", std::env::var(STOCK).expect("an address"));
            let stock = Client::builder(stock).build().expect("a URL");
            Server::new(|| Orders).with_client(StockClient::from(stock))
        }
        "stock" => Server::new(|| Stock),
        _ => return None,
    };
    Some(server.with_args().start().report())
}

/// The two servers, until the test ends.
pub(crate) struct Shop {
    pub(crate) orders: RunningProgram,
    _stock: RunningProgram,
}

impl Shop {
    /// Starts both servers. They export their spans to a collector at this URL.
    pub(crate) fn start(collector: &str) -> Self {
        let server = |role: &str| {
            Program::with_role(role, &["--port", "0"])
                .env("OTEL_EXPORTER_OTLP_ENDPOINT", collector)
                .env("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test")
                // Spans are exported soon.
                .env("OTEL_BSP_SCHEDULE_DELAY", "20")
        };
        let stock = server("stock").start();
        let orders = server("orders").env(STOCK, &stock.address().to_string()).start();
        Self { orders, _stock: stock }
    }
}

struct Orders;

#[service(name = "shop.orders", namespace = "orders")]
impl Orders {
    /// Places an order. Returns how many of the article are left.
    #[public_method(inline = false)]
    async fn place(&self, stock: &StockClient, article: String) -> Result<u32, RpcError> {
        Ok(stock.reserve(article).await?)
    }
}

struct Stock;

#[service(name = "shop.stock", namespace = "stock")]
impl Stock {
    #[public_method(inline = false)]
    fn reserve(&self, article: String) -> Result<u32, RpcError> {
        if article == "tea" { Ok(41) } else { Err(RpcError::new(404, "no such article")) }
    }
}

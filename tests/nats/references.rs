//! Services that call each other over NATS: each is in a server of its own, and no setting says
//! where the other is.

use std::time::{Duration, Instant};

use callbox::client::{ClientError, Nats};
use callbox::testing::{self, TestServer};
use callbox::{CallContext, RpcError, Server, service};
use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::program::Program;
use serde_json::{Value, json};

use super::run;

#[derive(Default)]
struct Stock;

#[service(name = "shop.stock", namespace = "stock")]
impl Stock {
    /// Needs the token of a service.
    #[private_api_method]
    fn take(&self, article: String) -> Result<u64, RpcError> {
        if article.is_empty() { Err(RpcError::new(404, "No such article")) } else { Ok(article.len() as u64) }
    }

    #[public_method]
    fn about(&self, call: &CallContext) -> Value {
        json!({
            "transport": format!("{:?}", call.transport()),
            "id": call.request_id(),
            "remaining": call.remaining().as_millis() as u64,
        })
    }

    #[public_method]
    async fn nap(&self, ms: u64) -> u64 {
        tokio::time::sleep(Duration::from_millis(ms)).await;
        ms
    }

    #[public_method]
    async fn back(&self, orders: &OrdersClient) -> Result<u64, RpcError> {
        orders.count().await.map_err(|error| of_server(&error))
    }

    #[public_method]
    async fn tell_back(&self, orders: &OrdersClient) -> bool {
        orders.notify(orders.count()).await.is_ok()
    }
}

#[derive(Default)]
struct Orders;

#[service(name = "shop.orders", namespace = "orders", vis = "pub(crate)")]
impl Orders {
    #[public_method]
    async fn place(&self, stock: &StockClient, article: String) -> Result<u64, RpcError> {
        stock.take(article).await.map_err(|error| of_server(&error))
    }

    #[public_method(deadline = "5s")]
    async fn about_stock(&self, call: &CallContext, stock: &StockClient) -> Value {
        json!({ "stock": stock.about().await.unwrap(), "id": call.request_id() })
    }

    #[public_method]
    async fn nap(&self, stock: &StockClient, ms: u64) -> Result<u64, RpcError> {
        stock.nap(ms).await.map_err(|error| of_server(&error))
    }

    #[public_method]
    fn count(&self) -> u64 {
        7
    }

    #[public_method]
    async fn circle(&self, stock: &StockClient) -> Result<u64, RpcError> {
        stock.back().await.map_err(|error| of_server(&error))
    }

    #[public_method]
    async fn no_circle(&self, stock: &StockClient) -> bool {
        stock.tell_back().await.unwrap()
    }
}

fn of_server(error: &ClientError) -> RpcError {
    match error.rpc_error() {
        Some(error) => error.clone(),
        None => RpcError::new(1, error.to_string()),
    }
}

fn stock(nats: &NatsServer) -> TestServer {
    testing::start(Server::new(Stock::default).tokens(|token: &str| token == "service-token").nats(&nats.url()))
}

/// The orders have this token for the services that they call.
fn orders(nats: &NatsServer, token: &str) -> TestServer {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), token).unwrap();
    testing::start(Server::new(Orders::default).service_token(file.path()).nats(&nats.url()))
}

/// A server that calls the stock, wherever that is.
pub(crate) fn orders_alone() -> Server {
    Server::new(Orders::default)
}

/// A server that has no token for private methods of a service elsewhere says so at its start.
pub(crate) fn warns_without_token() {
    let nats = NatsServer::start(&[]);
    let mut program = Program::with_role("orders", &["--nats", &nats.url(), "--port", "0"]).spawn();
    let line = program.wait_for_line("without a token");
    assert!(line.contains("WARN") && line.contains("`shop.stock`") && line.contains("--service-token"), "{line}");
}

/// A method that takes the client of another service reaches it, with the token of its server.
pub(crate) fn by_name() {
    let nats = NatsServer::start(&[]);
    let (stock, orders, liar) = (stock(&nats), orders(&nats, "service-token"), orders(&nats, "wrong"));
    run(async {
        let client = Nats::connect(&nats.url()).await.unwrap().service("shop.stock");
        let denied = client.call::<u64>("take", ["tea"]).await.unwrap_err();
        assert!(matches!(&denied, ClientError::Server(error) if error.code() == -32001), "{denied:?}");
    });
    let place = |server: &TestServer, article: &str| server.call(Orders_Place { article: article.to_owned() });
    assert_eq!(place(&orders, "tea"), Ok(3));
    assert_eq!(place(&orders, "").unwrap_err().code(), 404, "an error of the method comes back as it is");
    assert_eq!(place(&liar, "tea").unwrap_err().code(), -32001);
    drop(stock);
    let began = Instant::now();
    assert_eq!(place(&orders, "tea").unwrap_err().code(), -32003, "nobody has it any more");
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

/// The rest of the deadline and the id of the request go with a call.
pub(crate) fn what_travels() {
    let nats = NatsServer::start(&[]);
    let (_stock, orders) = (stock(&nats), orders(&nats, "service-token"));
    let about = orders.with_header("X-Request-Id", "7f3a").call(Orders_AboutStock {}).unwrap();
    let stock = &about["stock"];
    assert_eq!((&stock["transport"], &stock["id"], &about["id"]), (&"Nats".into(), &"7f3a".into(), &"7f3a".into()));
    let remaining = stock["remaining"].as_u64().unwrap();
    assert!((1..=5000).contains(&remaining), "{remaining} ms of 5 s");
    let brief = orders.with_header("Request-Timeout", "2").call(Orders_AboutStock {}).unwrap();
    let remaining = brief["stock"]["remaining"].as_u64().unwrap();
    assert!((1..=2000).contains(&remaining), "{remaining} ms of 2 s");
    let began = Instant::now();
    let late = orders.with_header("Request-Timeout", "0.3").call(Orders_Nap { ms: 20_000 }).unwrap_err();
    assert_eq!(late.code(), -32002);
    assert!(began.elapsed() < Duration::from_secs(10), "{:?}", began.elapsed());
}

/// A circle of waiting is refused by the names of the services, whatever their instances.
pub(crate) fn circles() {
    let nats = NatsServer::start(&[]);
    let (stock, orders) = (stock(&nats), [orders(&nats, "service-token"), orders(&nats, "service-token")]);
    assert_eq!(stock.call(Stock_Back {}), Ok(7), "alone it is no circle");
    for _ in 0..10 {
        let began = Instant::now();
        assert_eq!(orders[0].call(Orders_Circle {}).unwrap_err().code(), -32603);
        assert!(began.elapsed() < Duration::from_secs(20), "it does not wait for a deadline");
    }
    assert_eq!(orders[0].call(Orders_NoCircle {}), Ok(true), "nobody waits for a notification");
}

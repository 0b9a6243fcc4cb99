//! The service that the generated clients call. It has what makes clients difficult.

use std::collections::BTreeMap;
use std::time::Duration;

use callbox::testing::{self, TestServer};
use callbox::{Caller, InternalError, RpcError, Server, service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The token of private methods.
pub(crate) const TOKEN: &str = "hello_world";

/// How an order is sent.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
enum Delivery {
    /// By post, to an address.
    Post(Address),
    Pickup {
        hour: u8,
    },
    Never,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Address {
    street: String,
    city: Option<String>,
}

#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
enum Priority {
    Low,
    /// Costs more.
    High,
}

/// What was ordered.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
struct Order {
    number: u64,
    item: String,
    amount: u32,
    priority: Priority,
    #[serde(flatten)]
    delivery: Delivery,
    note: Option<String>,
    parts: Vec<Self>,
}

#[derive(Debug, RpcError)]
enum OrderError {
    #[rpc(code = 404, message = "There is no order {number}")]
    NotFound {
        #[rpc(data)]
        number: u64,
    },
    #[rpc(code = 409)]
    AlreadyShipped,
    #[rpc(transparent)]
    Internal(InternalError),
}

#[derive(Default)]
struct Orders {
    orders: BTreeMap<u64, Order>,
    labels: BTreeMap<String, i64>,
}

/// Takes orders.
#[service(name = "shop.orders", namespace = "orders", version = "1.2.3")]
impl Orders {
    /// Places an order, and returns it.
    #[public_method]
    fn place(
        &mut self,
        item: String,
        delivery: Delivery,
        #[param(default = 1)] amount: u32,
        note: Option<String>,
        #[param(default = Priority::Low)] priority: Priority,
    ) -> Order {
        let number = self.orders.len() as u64 + 1;
        let order = Order { number, item, amount, priority, delivery, note, parts: Vec::new() };
        self.orders.insert(number, order.clone());
        order
    }

    /// Returns an order.
    #[public_method(idempotent)]
    fn find(&self, number: u64) -> Result<Order, OrderError> {
        self.orders.get(&number).cloned().ok_or(OrderError::NotFound { number })
    }

    #[public_method]
    fn list(&self) -> Vec<Order> {
        self.orders.values().cloned().collect()
    }

    /// Cancels an order, which is never possible.
    #[public_method]
    fn cancel(&mut self, number: u64) -> Result<(), OrderError> {
        match number {
            0 => Err(OrderError::Internal(InternalError::new("the disk is full"))),
            1 => Err(OrderError::AlreadyShipped),
            number => Err(OrderError::NotFound { number }),
        }
    }

    /// Adds labels under names of the caller's choice.
    #[public_method]
    fn label(&mut self, #[param(rest)] labels: BTreeMap<String, i64>) -> BTreeMap<String, i64> {
        self.labels.extend(labels);
        self.labels.clone()
    }
}

#[derive(Default)]
struct Tools;

#[service(name = "shop.tools")]
impl Tools {
    /// Returns what it was given.
    #[public_method]
    fn echo(&self, value: u64) -> u64 {
        value
    }

    /// Tells null from nothing.
    #[public_method]
    fn nullness(&self, value: Option<Option<u8>>) -> String {
        match value {
            None => "missing",
            Some(None) => "null",
            Some(Some(_)) => "a value",
        }
        .to_owned()
    }

    #[public_method]
    fn pair(&self, of: (u8, String)) -> (String, u8) {
        (of.1, of.0)
    }

    #[public_method]
    fn average(&self, of: Vec<f64>) -> f64 {
        of.iter().sum::<f64>() / of.len() as f64
    }

    /// Waits, alone.
    #[public_method(mailbox = 1)]
    async fn hold(&mut self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    #[public_method]
    async fn wait(&self, ms: u64) {
        tokio::time::sleep(Duration::from_millis(ms)).await;
    }

    /// Takes longer than it may.
    #[public_method(deadline = "50ms")]
    async fn late(&self) {
        tokio::time::sleep(Duration::from_secs(5)).await;
    }

    /// Says who is calling.
    #[private_api_method]
    fn whoami(&self, caller: &Caller) -> Option<String> {
        caller.name().map(str::to_owned)
    }

    #[deprecated = "use `echo`"]
    #[public_method]
    fn old(&self) -> u8 {
        7
    }

    /// Has names that other languages use for something else.
    #[public_method(name = "import")]
    fn reserved(&self, class: u8, #[param(rename = "self")] own: u8, #[param(rename = "a-b")] a_b: Option<u8>) -> u8 {
        class + own + a_b.unwrap_or_default()
    }
}

/// Starts the server.
pub(crate) fn start() -> TestServer {
    let server = Server::new(Orders::default).service(Tools::default);
    testing::start(server.tokens(|token: &str| token == TOKEN))
}

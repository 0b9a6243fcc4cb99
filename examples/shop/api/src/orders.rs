//! What customers have ordered.

use callbox_client::RpcError;
use jiff::Timestamp;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a customer wants of one product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Line {
    /// The number of the product.
    pub sku: String,
    /// The number of pieces.
    pub pieces: u32,
}

/// What a customer has ordered of one product, at the price of that day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Item {
    /// The number of the product.
    pub sku: String,
    /// The name of the product.
    pub name: String,
    /// The number of pieces.
    pub pieces: u32,
    /// The price of one piece.
    pub price: Decimal,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Order {
    /// The number of the order.
    pub id: i64,
    /// The address of the customer.
    pub email: String,
    /// The time of the order. jiff has no schema, so the field says what it is on the wire.
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub placed: Timestamp,
    /// Whether the goods have left.
    pub shipped: bool,
    /// The ordered products.
    pub items: Vec<Item>,
    /// The sum of all items.
    pub total: Decimal,
}

/// What was sold of one product in one order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Sale {
    /// The number of the product.
    pub sku: String,
    /// The number of pieces.
    pub pieces: u32,
    /// The price of all pieces.
    pub amount: Decimal,
}

/// Sales, summed up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The sum of all sales.
    pub revenue: Decimal,
    /// A sum for each product, the largest amount first.
    pub products: Vec<Sale>,
}

/// Why a call of the orders failed.
#[derive(Debug, PartialEq, RpcError)]
pub enum OrderError {
    /// There is no such order.
    #[rpc(code = 404, message = "There is no order {id}")]
    NoSuchOrder {
        /// The requested number.
        #[rpc(data)]
        id: i64,
    },
    /// The shop does not sell this.
    #[rpc(code = 422, message = "There is no product {sku}")]
    NoSuchProduct {
        /// The number that was ordered.
        #[rpc(data)]
        sku: String,
    },
    /// A line without pieces.
    #[rpc(code = 422)]
    NothingOrdered,
    /// The sum of the prices is beyond any price.
    #[rpc(code = 422)]
    TooMuchOrdered,
    /// The key is that of another order, with other lines or for another address. Nothing was
    /// ordered: send the order again with a new key.
    #[rpc(code = 409, message = "Another order has this key: take a new one")]
    KeyTaken,
    /// The catalog does not answer. Nothing was ordered: send the order again.
    #[rpc(code = 503)]
    CatalogUnavailable,
    /// Something that callers cannot repair. They get an id, under which the log of the service has
    /// the text.
    #[rpc(internal)]
    Internal(String),
}

/// The orders of the shop. Each tenant has its own.
#[callbox_client::api(name = "orders", namespace = "orders")]
pub trait OrdersApi {
    /// Places an order. A second call with the same key, address and lines returns the order of the
    /// first one, so a caller that got no answer sends it again.
    ///
    /// All customers of a tenant share its keys. A call with the key of another order fails, and
    /// shows nothing of that order.
    #[public_method(idempotent, deadline = "5s")]
    fn place(
        &self,
        /// A random UUID, new for each order: no other customer of the tenant may have the same.
        #[param(length = 1..=64)]
        key: String,
        #[param(length = 3..=254)] email: String,
        #[param(length = 1..=100)] lines: Vec<Line>,
    ) -> Result<Order, OrderError>;

    /// Returns a page of orders, the newest first.
    #[private_api_method(scope = "orders:read", idempotent)]
    fn list(
        &self,
        /// The last order of the page before.
        before: Option<i64>,
    ) -> Result<Vec<Order>, OrderError>;

    /// Notes that the goods have left. Harmless for an order that was shipped already.
    #[private_api_method(scope = "orders:ship", idempotent)]
    fn ship(&self, id: i64) -> Result<(), OrderError>;

    /// Returns everything that was sold, for `summarize`.
    #[private_api_method(scope = "orders:read", idempotent)]
    fn sales(&self) -> Result<Vec<Sale>, OrderError>;

    /// Sums up sales.
    #[private_api_method(scope = "orders:read", idempotent)]
    fn summarize(&self, sales: Vec<Sale>) -> Report;
}

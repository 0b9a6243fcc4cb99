//! What the shop sells.

use callbox_client::RpcError;
use rust_decimal::Decimal;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Product {
    /// The number under which it is stocked.
    pub sku: String,
    /// The name that customers read.
    pub name: String,
    /// The price of one piece. A string on the wire, so that no client rounds it.
    pub price: Decimal,
}

/// Why a call of the catalog failed.
#[derive(Debug, PartialEq, RpcError)]
pub enum CatalogError {
    /// There is no such product.
    #[rpc(code = 404, message = "There is no product {sku}")]
    NoSuchProduct {
        /// The requested number.
        #[rpc(data)]
        sku: String,
    },
    /// The price is below zero.
    #[rpc(code = 422)]
    NegativePrice,
    /// Something that callers cannot repair. They get an id, under which the log of the service has
    /// the text.
    #[rpc(internal)]
    Internal(String),
}

/// The products of the shop. All tenants sell the same ones.
#[callbox_client::api(name = "catalog", namespace = "catalog")]
pub trait CatalogApi {
    /// Returns one product.
    #[public_method(idempotent, deadline = "2s")]
    fn get(&self, sku: String) -> Result<Product, CatalogError>;

    /// Returns the products in the order of their numbers, from the one after `after`.
    #[public_method(idempotent, deadline = "2s")]
    fn list(
        &self,
        /// The last product of the page before.
        after: Option<String>,
    ) -> Result<Vec<Product>, CatalogError>;

    /// Adds a product, or replaces the one of the same number.
    #[private_api_method(scope = "catalog:write", idempotent)]
    fn put(&self, product: Product) -> Result<(), CatalogError>;
}

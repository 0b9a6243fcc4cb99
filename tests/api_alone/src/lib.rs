//! An API in a crate without schemas and without a transport. CI checks that it compiles without a
//! warning, whatever the crate denies.
#![deny(warnings, missing_docs, clippy::all, unreachable_pub)]
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A product.
#[derive(Debug, Serialize, Deserialize)]
pub struct Product {
    /// Its name.
    pub name: String,
}

/// What may go wrong.
#[derive(Debug, callbox_client::RpcError)]
pub enum StockError {
    /// There is no such product.
    #[rpc(code = 404)]
    Missing,
    /// Another product has the id.
    #[rpc(code = 409)]
    Taken(#[rpc(data)] u64),
    /// The stock cannot be reached.
    #[rpc(internal)]
    Internal(std::io::Error),
}

/// The stock.
#[callbox_client::api(name = "stock")]
pub trait StockApi {
    /// Returns a product.
    #[public_method(idempotent)]
    fn get(&self, #[param(range = 1..=9)] id: u64, #[param(default = 3)] limit: u32) -> Result<Product, StockError>;
    #[private_api_method(scope = "w")]
    #[deprecated]
    fn put(&self, product: Product, #[param(rest)] more: BTreeMap<String, String>);
}

/// Returns the name of the first product.
///
/// # Errors
/// Those of the call.
pub async fn first(stock: &StockClient) -> Result<String, callbox_client::RpcError> {
    Ok(stock.get(1, 2).with_deadline(std::time::Duration::from_secs(1)).await?.name)
}

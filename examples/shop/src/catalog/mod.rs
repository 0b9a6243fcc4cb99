//! The catalog: a service that is generic over where its products are.

mod memory;
mod store;
mod table;
#[cfg(test)]
mod tests;

use callbox::{BoxError, service};
use rust_decimal::Decimal;
use shop_api::{CatalogError, Product};

pub use memory::Memory;
pub use store::Store;
pub use table::Table;

use crate::config::ShopConfig;
use crate::database::DatabaseError;

/// The products of the shop.
#[derive(Debug)]
pub struct Catalog<S> {
    store: S,
    page_size: u32,
}

impl<S: Store> Catalog<S> {
    /// Makes a catalog of a store.
    pub fn new(store: S, config: &ShopConfig) -> Self {
        Self { store, page_size: config.page_size }
    }
}

impl Catalog<Table> {
    /// Makes a catalog in the database.
    ///
    /// # Errors
    /// If the database cannot be opened.
    pub async fn connect(config: ShopConfig) -> Result<Self, DatabaseError> {
        Ok(Self::new(Table::open(&config.database_url).await?, &config))
    }
}

#[service(api = shop_api::catalog::CatalogApi)]
impl<S: Store> Catalog<S> {
    #[handles]
    async fn get(&self, sku: String) -> Result<Product, CatalogError> {
        let found = self.store.get(&sku).await.map_err(|cause| internal(&cause))?;
        found.ok_or(CatalogError::NoSuchProduct { sku })
    }

    #[handles]
    async fn list(&self, after: Option<String>) -> Result<Vec<Product>, CatalogError> {
        let after = after.unwrap_or_default();
        self.store.page(&after, self.page_size).await.map_err(|cause| internal(&cause))
    }

    #[handles]
    async fn put(&mut self, product: Product) -> Result<(), CatalogError> {
        if product.price < Decimal::ZERO {
            return Err(CatalogError::NegativePrice);
        }
        self.store.put(product).await.map_err(|cause| internal(&cause))
    }
}

/// Hides what is wrong with the store from callers.
fn internal(cause: &BoxError) -> CatalogError {
    CatalogError::Internal(cause.to_string())
}

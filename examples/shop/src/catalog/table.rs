//! Products in the database.

use callbox::BoxError;
use shop_api::Product;
use sqlx::SqlitePool;

use super::Store;
use crate::database::{self, DatabaseError};

/// The table `products`.
#[derive(Debug)]
pub struct Table(SqlitePool);

/// The columns of a row: number, name, price.
type Row = (String, String, String);

impl Table {
    /// Opens the database of this URL.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn open(url: &str) -> Result<Self, DatabaseError> {
        database::connect(url).await.map(Self)
    }
}

fn product((sku, name, price): Row) -> Result<Product, BoxError> {
    Ok(Product { sku, name, price: price.parse()? })
}

impl Store for Table {
    async fn get(&self, sku: &str) -> Result<Option<Product>, BoxError> {
        let query = sqlx::query_as::<_, Row>("SELECT sku, name, price FROM products WHERE sku = ?");
        query.bind(sku).fetch_optional(&self.0).await?.map(product).transpose()
    }

    async fn page(&self, after: &str, limit: u32) -> Result<Vec<Product>, BoxError> {
        let query = "SELECT sku, name, price FROM products WHERE sku > ? ORDER BY sku LIMIT ?";
        let rows = sqlx::query_as::<_, Row>(query).bind(after).bind(limit).fetch_all(&self.0).await?;
        rows.into_iter().map(product).collect()
    }

    async fn put(&mut self, product: Product) -> Result<(), BoxError> {
        let query = sqlx::query("INSERT OR REPLACE INTO products (sku, name, price) VALUES (?, ?, ?)");
        query.bind(product.sku).bind(product.name).bind(product.price.to_string()).execute(&self.0).await?;
        Ok(())
    }
}

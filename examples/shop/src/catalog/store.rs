//! What the catalog needs of the place where its products are.

use std::future::Future;

use callbox::BoxError;
use shop_api::Product;

/// Keeps products. Errors are for the log; callers do not see them.
pub trait Store: Send + Sync + 'static {
    /// Returns the product of this number.
    fn get(&self, sku: &str) -> impl Future<Output = Result<Option<Product>, BoxError>> + Send;

    /// Returns the first products whose numbers come after `after`, in their order.
    fn page(&self, after: &str, limit: u32) -> impl Future<Output = Result<Vec<Product>, BoxError>> + Send;

    /// Keeps a product, in place of one of the same number.
    fn put(&mut self, product: Product) -> impl Future<Output = Result<(), BoxError>> + Send;
}

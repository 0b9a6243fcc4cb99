//! Products in memory, for tests and for trying things out.

use std::collections::BTreeMap;
use std::ops::Bound;

use callbox::BoxError;
use shop_api::Product;

use super::Store;

/// A store that forgets everything with its service.
#[derive(Debug, Default)]
pub struct Memory(BTreeMap<String, Product>);

impl FromIterator<Product> for Memory {
    fn from_iter<I: IntoIterator<Item = Product>>(products: I) -> Self {
        Self(products.into_iter().map(|product| (product.sku.clone(), product)).collect())
    }
}

impl Store for Memory {
    async fn get(&self, sku: &str) -> Result<Option<Product>, BoxError> {
        Ok(self.0.get(sku).cloned())
    }

    async fn page(&self, after: &str, limit: u32) -> Result<Vec<Product>, BoxError> {
        let rest = self.0.range::<str, _>((Bound::Excluded(after), Bound::Unbounded));
        Ok(rest.take(limit as usize).map(|(_, product)| product.clone()).collect())
    }

    async fn put(&mut self, product: Product) -> Result<(), BoxError> {
        self.0.insert(product.sku.clone(), product);
        Ok(())
    }
}

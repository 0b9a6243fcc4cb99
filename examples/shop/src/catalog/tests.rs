//! The catalog by its functions: the service is a struct, so most of it needs no server.

use callbox::{BoxError, RpcError};
use rust_decimal::Decimal;
use shop_api::{CatalogError, Product};

use super::{Catalog, Memory, Store, Table};
use crate::config::ShopConfig;

fn product(sku: &str, cents: i64) -> Product {
    Product { sku: sku.to_owned(), name: sku.to_uppercase(), price: Decimal::new(cents, 2) }
}

/// What holds for each store.
async fn keeps_products(store: impl Store) {
    let config = ShopConfig { page_size: 2, ..ShopConfig::default() };
    let mut catalog = Catalog::new(store, &config);
    for product in [product("tea", 250), product("cake", 320), product("jam", 410), product("tea", 199)] {
        catalog.put(product).await.unwrap();
    }
    assert_eq!(catalog.get("tea".to_owned()).await, Ok(product("tea", 199)), "the later price");
    assert_eq!(catalog.list(None).await, Ok(vec![product("cake", 320), product("jam", 410)]));
    assert_eq!(catalog.list(Some("jam".to_owned())).await, Ok(vec![product("tea", 199)]));
    assert_eq!(catalog.put(product("debt", -1)).await, Err(CatalogError::NegativePrice));
    let missing = catalog.get("debt".to_owned()).await;
    assert_eq!(missing, Err(CatalogError::NoSuchProduct { sku: "debt".to_owned() }));
}

#[tokio::test]
async fn products_are_kept_in_memory() {
    keeps_products(Memory::default()).await;
}

#[tokio::test]
async fn products_are_kept_in_the_database() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", directory.path().join("shop.db").display());
    keeps_products(Table::open(&url).await.unwrap()).await;
    let again = Table::open(&url).await.unwrap();
    assert_eq!(again.get("jam").await.unwrap(), Some(product("jam", 410)), "it outlives the service");
}

/// A store whose disk is full.
struct Full;

impl Store for Full {
    async fn get(&self, _: &str) -> Result<Option<Product>, BoxError> {
        Ok(None)
    }

    async fn page(&self, _: &str, _: u32) -> Result<Vec<Product>, BoxError> {
        Ok(Vec::new())
    }

    async fn put(&mut self, _: Product) -> Result<(), BoxError> {
        Err("the disk /secret/path is full".into())
    }
}

#[tokio::test]
async fn callers_do_not_see_what_is_wrong_with_the_store() {
    let mut catalog = Catalog::new(Full, &ShopConfig::default());
    let error = RpcError::from(catalog.put(product("tea", 250)).await.unwrap_err());
    assert_eq!((error.code(), error.message()), (-32603, "Internal error"));
    assert!(!error.data().unwrap().get().contains("secret"));
}

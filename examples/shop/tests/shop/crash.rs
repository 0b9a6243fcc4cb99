//! One service crashes, and the others go on.

use callbox::BoxError;
use callbox_test_support::wait::until;
use shop::catalog::{Catalog, Memory, Store};
use shop::config::ShopConfig;
use shop_api::catalog::{Catalog_Get, Catalog_Put};
use shop_api::orders::{Orders_List, Orders_Place};
use shop_api::{Line, Product};

use crate::shop::{Shop, product, products};

/// A store with a mistake: it panics at one product.
struct Fragile(Memory);

impl Store for Fragile {
    async fn get(&self, sku: &str) -> Result<Option<Product>, BoxError> {
        self.0.get(sku).await
    }

    async fn page(&self, after: &str, limit: u32) -> Result<Vec<Product>, BoxError> {
        self.0.page(after, limit).await
    }

    async fn put(&mut self, product: Product) -> Result<(), BoxError> {
        assert_ne!(product.sku, "poison", "the mistake");
        self.0.put(product).await
    }
}

#[test]
fn a_catalog_that_crashes_starts_again_while_orders_and_pages_answer() {
    let shop = Shop::with_catalog(|| Catalog::new(Fragile(products()), &ShopConfig::default()));
    let staff = shop.server.with_token(&shop.token);
    let place = |key: String| {
        let lines = vec![Line { sku: "tea".to_owned(), pieces: 1 }];
        staff.call(Orders_Place { key, email: "ann@example.org".to_owned(), lines })
    };
    place("before".to_owned()).unwrap();
    staff.call(Catalog_Put { product: product("jam", 410) }).unwrap();

    for crash in 1..=2 {
        let error = staff.call(Catalog_Put { product: product("poison", 1) }).unwrap_err();
        assert_eq!((error.code(), error.message()), (-32603, "Internal error"));
        // While the catalog is down or just up again, and whichever of the two it is.
        assert_eq!(staff.call(Orders_List { before: None }).unwrap().len(), crash);
        until("the catalog is up again", || staff.call(Catalog_Get { sku: "tea".to_owned() }).is_ok());
        until("orders are placed again", || place(format!("after crash {crash}")).is_ok());
    }
    assert!(staff.call(Catalog_Get { sku: "jam".to_owned() }).is_err(), "the new state is that of the factory");
    let restarts: Vec<_> = shop.server.stats().into_iter().map(|service| (service.service, service.restarts)).collect();
    assert_eq!(restarts, [("orders".into(), 0), ("catalog".into(), 2), ("notify".into(), 0)]);
}

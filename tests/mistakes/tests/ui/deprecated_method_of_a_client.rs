#![deny(deprecated)]

use callbox::{ServiceRef, service};

struct Shop;

#[service]
impl Shop {
    #[deprecated(since = "2.0.0", note = "use `sell`")]
    #[public_method]
    fn add(&self) {}
}

async fn call(shop: ServiceRef<Shop>) {
    let _ = shop.client::<ShopClient>().add().await;
}

fn main() {}

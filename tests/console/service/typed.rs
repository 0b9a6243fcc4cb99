//! What the console shows as Rust, compiled and run. `tests/node/console/rust.mjs` reads this file,
//! fills in the forms, and compares.

use std::error::Error;

use super::streams::{TickerClient, streams};
use super::{KitchenClient, start};

#[rustfmt::skip]
async fn season(url: &str) -> Result<String, Box<dyn Error>> {
    // Shown for kitchen.season:
    use callbox::client::Client;
    use serde_json::json;

    // KitchenClient is in the crate of the service.
    let client = KitchenClient::from(Client::new(url)?);
    let result = client.season(
        5,
        serde_json::from_value(json!("pepper"))?,
        Some("it's \"hot\"".into()),
        2,
    ).await?;
    // Until here.
    Ok(result)
}

#[rustfmt::skip]
async fn order(url: &str) -> Result<serde_json::Value, Box<dyn Error>> {
    // Shown for kitchen.order:
    use callbox::client::Client;
    use serde_json::json;

    // KitchenClient is in the crate of the service.
    let client = KitchenClient::from(Client::new(url)?);
    let result = client.order(
        serde_json::from_value(json!({ "name": "soup", "spices": [], "payment": { "by": "card", "number": 4000123412341234u64 }, "notes": {} }))?,
    ).await?;
    // Until here.
    Ok(result)
}

#[rustfmt::skip]
async fn remember(url: &str) -> Result<serde_json::Value, Box<dyn Error>> {
    // Shown for kitchen.remember:
    use callbox::client::Client;
    use serde_json::json;

    // KitchenClient is in the crate of the service.
    let client = KitchenClient::from(Client::new(url)?);
    let result = client.remember(
        3,
        serde_json::from_value(json!({ "why": ["so"] }))?,
    ).await?;
    // Until here.
    Ok(result)
}

#[rustfmt::skip]
#[expect(deprecated, reason = "what is deprecated can be called")]
async fn clear(url: &str) -> Result<(), Box<dyn Error>> {
    // Shown for kitchen.clear:
    use callbox::client::Client;

    // KitchenClient is in the crate of the service.
    let client = KitchenClient::from(Client::new(url)?);
    client.clear(true, Some(2.0)).await?;
    // Until here.
    Ok(())
}

#[rustfmt::skip]
#[expect(unused_variables, reason = "what becomes of an item is left to the reader")]
async fn count(url: &str) -> Result<(), Box<dyn Error>> {
    // Shown for ticker.count:
    use callbox::client::Client;
    use futures::StreamExt;

    // TickerClient is in the crate of the service.
    let client = TickerClient::from(Client::connect(url).await?);
    let mut items = client.count(3).await?;
    while let Some(item) = items.next().await {
        let item = item?;
    }
    // Until here.
    Ok(())
}

#[tokio::test]
async fn what_the_console_shows_as_rust_makes_the_call() {
    let server = start();
    let url = server.url("/api");
    let (seasoned, ordered) = (season(&url).await.unwrap(), order(&url).await.unwrap());
    assert_eq!(seasoned, r#"5 g of "pepper" in 2 spoons, Some("it's \"hot\"")"#);
    assert_eq!(ordered["payment"]["number"], 4_000_123_412_341_234_u64);
    assert_eq!(remember(&url).await.unwrap(), serde_json::json!([3, { "why": ["so"] }]));
    clear(&url).await.unwrap();
    count(&callbox::testing::start(streams()).url("/api").replace("http:", "ws:")).await.unwrap();
}

//! A market, and a chain whose subscription has the names of Ethereum.

use std::collections::HashMap;
use std::time::Duration;

use callbox::testing::{self, TestServer};
use callbox::{RpcError, Server, Subscription, Topic, service};
use futures::{Stream, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Clone, Debug, Serialize, Deserialize, schemars::JsonSchema)]
pub(crate) struct Price {
    pub(crate) symbol: String,
    pub(crate) value: f64,
}

#[derive(Default)]
struct Market {
    prices: Topic<Price>,
    last: HashMap<String, Price>,
}

#[service(name = "market")]
impl Market {
    #[public_method]
    fn set(&mut self, symbol: String, value: f64) {
        let price = Price { symbol: symbol.clone(), value };
        self.prices.publish(price.clone());
        self.last.insert(symbol, price);
    }

    #[public_method]
    fn last(&self, symbol: String) -> Option<f64> {
        self.last.get(&symbol).map(|price| price.value)
    }

    #[public_method(subscription)]
    fn prices(&self, symbol: String) -> Subscription<Price> {
        let last = self.last.get(&symbol).cloned();
        self.prices.subscribe().starting_with(last).filter(move |price| price.symbol == symbol)
    }
}

#[derive(Default)]
struct Chain;

#[service(name = "chain")]
impl Chain {
    #[public_method(name = "eth_chainId")]
    fn chain_id(&self) -> String {
        "0x5".to_owned()
    }

    #[public_method(name = "eth_subscribe", subscription, event = "eth_subscription", unsubscribe = "eth_unsubscribe")]
    fn subscribe(
        &self,
        kind: String,
        options: Option<Value>,
    ) -> Result<impl Stream<Item = Value> + Send + 'static, RpcError> {
        let _ = options;
        if kind != "newHeads" {
            return Err(RpcError::new(1, "this chain has heads alone"));
        }
        Ok(stream::unfold(1, |number| async move {
            tokio::time::sleep(Duration::from_millis(5)).await;
            Some((json!({ "number": format!("{number:#x}") }), number + 1))
        }))
    }
}

/// Starts both.
pub(crate) fn server() -> TestServer {
    testing::start(Server::new(Market::default).service(Chain::default))
}

//! The service: a market whose prices can be watched.

use std::collections::BTreeMap;

use callbox::{RpcError, Subscription, Topic, service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Maximum number of symbols, since everybody may set a price.
const MAX_SYMBOLS: usize = 100;

/// The price of a symbol.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Price {
    /// The symbol, such as `PEAR`.
    pub symbol: String,
    /// The price in euros.
    pub value: f64,
}

/// The error of a price that is rejected.
#[derive(Debug, RpcError)]
pub enum SetError {
    /// There are too many symbols to add another one.
    #[rpc(code = 409, message = "There is no room for another symbol: {limit} are there")]
    TooManySymbols {
        /// The maximum number of symbols.
        #[rpc(data)]
        limit: usize,
    },
}

/// The last price of each symbol, and those who watch.
#[derive(Debug)]
pub struct Market {
    last: BTreeMap<String, Price>,
    prices: Topic<Price>,
}

/// A market with some prices.
impl Default for Market {
    fn default() -> Self {
        let prices = [("APPL", 1.9), ("CIDR", 6.4), ("PEAR", 2.5)];
        let last = prices.map(|(symbol, value)| (symbol.to_owned(), Price { symbol: symbol.to_owned(), value }));
        Self { last: last.into(), prices: Topic::new() }
    }
}

#[service(name = "example.market")]
impl Market {
    /// Sets the price of a symbol, and returns it.
    #[public_method]
    pub fn set(
        &mut self,
        #[param(pattern = "^[A-Z]{1,8}$")] symbol: String,
        #[param(range = 0.0..=1_000_000.0)] value: f64,
    ) -> Result<Price, SetError> {
        if self.last.len() >= MAX_SYMBOLS && !self.last.contains_key(&symbol) {
            return Err(SetError::TooManySymbols { limit: MAX_SYMBOLS });
        }
        let price = Price { symbol: symbol.clone(), value };
        self.last.insert(symbol, price.clone());
        self.prices.publish(price.clone());
        Ok(price)
    }

    /// Returns the symbols in alphabetical order.
    #[public_method]
    pub fn symbols(&self) -> Vec<String> {
        self.last.keys().cloned().collect()
    }

    /// The price of one symbol, or of all, now and then as it changes.
    ///
    /// What it starts with and its place in the topic are taken together, so no price is missed
    /// between them.
    #[public_method(subscription)]
    pub fn prices(&self, symbol: Option<String>) -> Subscription<Price> {
        let is_wanted = move |price: &Price| symbol.as_ref().is_none_or(|symbol| *symbol == price.symbol);
        let now: Vec<_> = self.last.values().filter(|price| is_wanted(price)).cloned().collect();
        self.prices.subscribe().starting_with(now).filter(is_wanted)
    }
}

//! The service: what a parcel costs.

use std::time::Duration;

use callbox::service;
use serde::{Deserialize, Serialize};

/// The price of a parcel.
#[derive(Debug, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
pub struct Quote {
    /// The price, in cents.
    pub cents: u64,
    /// The instance that has computed it.
    pub by: String,
}

/// Computes quotes, one after the other.
#[derive(Debug)]
pub struct Quotes {
    name: String,
    /// How long a quote takes.
    pace: Duration,
}

impl Quotes {
    /// Makes the state of the instance with this name.
    pub fn new(name: &str) -> Self {
        Self { name: name.to_owned(), pace: Duration::from_millis(5) }
    }
}

#[service(name = "example.quotes")]
impl Quotes {
    /// Returns the price of a parcel of so many grams.
    #[public_method]
    pub async fn quote(&mut self, grams: u64) -> Quote {
        // As a slow database would do it.
        actix::clock::sleep(self.pace).await;
        Quote { cents: 350 + grams / 10, by: self.name.clone() }
    }

    /// Sets how many milliseconds a quote takes.
    #[public_method]
    pub fn set_pace(&mut self, ms: u64) {
        self.pace = Duration::from_millis(ms);
    }
}

//! Subscriptions in the document: their items, and how to end them.

use callbox::testing::{self, TestClient};
use callbox::{Progress, RpcError, Server, Subscription, Topic, service};
use callbox_test_support::names::Names;
use futures::Stream;
use futures::stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{checks, validator};

/// The price of a symbol.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
struct Price {
    symbol: String,
    #[serde(default)]
    change: Change,
}

/// How a price has changed.
#[derive(Clone, Default, Serialize, Deserialize, JsonSchema)]
struct Change {
    percent: f64,
}

/// Only a private subscription has it.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Entry {
    line: String,
}

#[derive(Default)]
struct Market {
    prices: Topic<Price>,
}

#[service(name = "test.market", namespace = "market")]
impl Market {
    #[public_method]
    fn set(&self, price: Price) {
        self.prices.publish(price);
    }

    /// The prices from now on.
    #[public_method(subscription)]
    fn prices(&self) -> Subscription<Price> {
        self.prices.subscribe()
    }

    #[public_method(subscription, event = "ticked", unsubscribe = "stop_ticks")]
    async fn ticks(&self, to: u32) -> Result<impl Stream<Item = u32> + Send + 'static, RpcError> {
        Ok(stream::iter(0..to))
    }

    /// Loads the prices of a day.
    #[public_method]
    async fn load(&self, day: u32, progress: &Progress) {
        progress.report(u64::from(day), None, "");
    }

    #[private_api_method(subscription)]
    fn audit(&self) -> Subscription<Entry> {
        Subscription::new(stream::empty())
    }
}

fn document(client: &TestClient) -> Value {
    client.rpc(&json!({ "jsonrpc": "2.0", "method": "rpc.discover", "id": 1 }))["result"].take()
}

fn method<'a>(document: &'a Value, name: &str) -> &'a Value {
    let mut methods = document["methods"].as_array().expect("methods").iter();
    methods.find(|method| method["name"] == name).unwrap_or_else(|| panic!("no method {name} in {document}"))
}

#[test]
fn a_method_that_reports_its_progress_says_so() {
    let server = testing::start(Server::new(Market::default).tokens(Names));
    let document = document(&server.with_token("nobody"));
    assert_eq!(method(&document, "market.load")["x-progress"], true);
    assert_eq!(method(&document, "market.set").get("x-progress"), None);
}

#[test]
fn a_subscription_returns_its_id_and_describes_its_items() {
    let server = testing::start(Server::new(Market::default).tokens(Names));
    let document = document(&server.with_token("nobody"));
    let id = json!({
        "name": "result",
        "description": "The id of the subscription.",
        "required": true,
        "schema": { "type": "string" },
    });
    let (prices, ticks) = (method(&document, "market.prices"), method(&document, "market.ticks"));
    assert_eq!((&prices["result"], &ticks["result"]), (&id, &id));
    assert_eq!(
        prices["x-subscription"],
        json!({
            "item": { "$ref": "#/components/schemas/Price" },
            "event": "market.prices",
            "unsubscribe": "rpc.unsubscribe",
        })
    );
    assert_eq!(
        ticks["x-subscription"],
        json!({
            "item": { "type": "integer", "format": "uint32", "minimum": 0 },
            "event": "ticked",
            "unsubscribe": "stop_ticks",
        })
    );
    for other in ["market.set", "get_service_specs"] {
        assert_eq!(method(&document, other).get("x-subscription"), None, "{other}");
    }
}

#[test]
fn the_definitions_of_items_are_those_of_the_subscriptions_that_the_caller_sees() {
    let server = testing::start(Server::new(Market::default).tokens(Names));
    let schemas = |client: &TestClient| {
        let document = document(client);
        let schemas = document["components"]["schemas"].as_object().expect("schemas").keys();
        schemas.map(String::as_str).collect::<Vec<_>>().join(" ")
    };
    // A price that is sent may lack its change.
    assert_eq!(schemas(&server.with_token("nobody")), "Change Price PriceInput ServiceSpecs");
    assert_eq!(schemas(&server.with_token("ann")), "Change Entry Price PriceInput ServiceSpecs");
}

#[test]
fn the_official_validator_takes_a_document_with_subscriptions() {
    let server = testing::start(Server::new(Market::default).tokens(Names));
    let document = document(&server.with_token("ann"));
    assert_eq!(checks::faults(&document.to_string()), [""; 0]);
    let judged = validator::judge(&[("market".to_owned(), document)].into());
    assert_eq!(judged["market"], None);
}

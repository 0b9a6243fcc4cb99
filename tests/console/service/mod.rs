//! A service with parameters of every kind, and one that can be flooded.

mod streams;
mod typed;

use std::collections::BTreeMap;

use callbox::testing::{self, TestServer};
use callbox::{RpcError, Server, service};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tokio::sync::Semaphore;

pub(crate) use streams::{Ticker, streams};

/// What cooks wait for.
static SERVED: Semaphore = Semaphore::const_new(0);

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Spice {
    Salt,
    /// Black, of course.
    Pepper,
    Paprika,
}

/// What somebody eats.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Dish {
    /// As the card has it.
    name: String,
    spices: Vec<Spice>,
    #[serde(default)]
    is_hot: bool,
    payment: Payment,
    table: Option<Table>,
    notes: BTreeMap<String, String>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Table {
    number: u8,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
enum Payment {
    /// On the nail.
    Cash {
        coins: u32,
    },
    Card {
        number: u64,
    },
}

/// A sum, and what it is a sum of.
#[derive(Serialize, Deserialize, JsonSchema)]
enum Expression {
    Number(i64),
    Add(Box<Expression>, Box<Expression>),
}

impl Expression {
    fn value(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Add(one, other) => one.value() + other.value(),
        }
    }
}

#[derive(Debug, RpcError)]
enum KitchenError {
    #[rpc(code = 404, message = "There is no such dish")]
    NoSuchDish,
}

#[derive(Default)]
struct Kitchen {
    orders: Vec<Dish>,
}

#[service(name = "test.kitchen", namespace = "kitchen")]
impl Kitchen {
    /// Seasons what is in the pot.
    ///
    /// Give `amount` in grams:
    ///
    /// - less is more
    /// - more is <b>too much</b>
    #[public_method]
    fn season(
        &self,
        /** How much, in grams. */
        amount: u8,
        spice: Spice,
        note: Option<String>,
        #[param(default = 2)] spoons: u32,
    ) -> String {
        let spice = serde_json::to_value(spice).unwrap();
        format!("{amount} g of {spice} in {spoons} spoons, {note:?}")
    }

    #[public_method]
    fn order(&mut self, dish: Dish) -> Result<Value, KitchenError> {
        if dish.name == "nothing" {
            return Err(KitchenError::NoSuchDish);
        }
        let json = serde_json::to_value(&dish).unwrap();
        self.orders.push(dish);
        Ok(json)
    }

    /// Cleans up, as the **old** menu says it.
    #[deprecated = "use `serve`"]
    #[public_method]
    fn clear(&mut self, all: bool, limit: Option<f64>) {
        let kept = limit.filter(|_| !all).unwrap_or_default();
        self.orders.retain(|_| kept > 0.0);
    }

    /// Cooks until somebody serves.
    #[public_method(mailbox = 8)]
    async fn cook(&mut self) -> u64 {
        SERVED.acquire().await.unwrap().forget();
        18_446_744_073_709_551_615
    }

    #[public_method(compute)]
    fn serve(portions: u32) {
        SERVED.add_permits(portions as usize);
    }

    #[public_method]
    fn echo(&self, value: Value) -> Value {
        value
    }

    #[public_method]
    fn weigh(
        &self,
        weights: BTreeMap<String, u8>,
        #[param(length = ..=3, each(range = 1..=200))] portions: Vec<u8>,
        #[param(length = 1..=8, pattern = "^[a-z]+$")] label: Option<String>,
        #[param(range = 0.5..1.0)] loss: Option<f64>,
    ) -> String {
        format!("{} of {} {label:?} {loss:?}", weights.len(), portions.len())
    }

    #[public_method]
    fn evaluate(&self, expression: Expression) -> i64 {
        expression.value()
    }

    #[public_method]
    fn remember(&self, level: u8, #[param(rest)] extra: Map<String, Value>) -> Value {
        json!([level, extra])
    }

    /// What is left in the pantry.
    #[private_api_method]
    fn take_stock(&self, shelf: u8) -> usize {
        self.orders.len() + usize::from(shelf)
    }
}

pub(crate) fn server() -> Server {
    Server::new(Kitchen::default).service(Open::default).tokens(|token: &str| token == "hello_world")
}

/// One that checks no tokens.
#[derive(Default)]
struct Open;

#[service(name = "test.open", client = false)]
impl Open {
    #[public_method]
    fn ping(&self) {}
}

pub(crate) fn open() -> Server {
    Server::new(Open::default)
}

pub(crate) fn start() -> TestServer {
    testing::start(server())
}

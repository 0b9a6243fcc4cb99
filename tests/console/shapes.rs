//! A service with parameters of every shape that a Rust type has as a schema. Each method gives
//! back what it read.

use std::borrow::Cow;
use std::collections::BTreeMap;

use callbox::{Server, service};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// What a sensor measured.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Reading {
    Text(String),
    Number(f64),
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Address {
    street: String,
    /// The **house**, as in `12b`.
    #[serde(default)]
    number: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "by", rename_all = "snake_case")]
enum Parcel {
    Bike { rider: String },
    Van { plate: String },
}

/// A size by name or by number, which its schema says in one word.
#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct Size(Value);

impl JsonSchema for Size {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "number"] })
    }
}

/// Tagged from within.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Delivery {
    Pickup,
    /// To the [`Address`] of the customer.
    Send(Address),
    Carried(Parcel),
    Dated {
        day: u8,
    },
}

/// Tagged beside.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "t", content = "c")]
enum Command {
    Stop,
    Wait(u32),
    Move(i8, i8),
    Say { text: String },
}

/// Tagged from without.
#[derive(Serialize, Deserialize, JsonSchema)]
enum Figure {
    Point,
    Plane,
    /// Of radius 1.
    Circle,
    Line(u32),
    Box(u32, u32),
    Named {
        name: String,
    },
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum Target {
    Number(u32),
    Many(Vec<u32>),
    Place(Address),
    Range { from: u32, to: u32 },
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Order {
    id: u32,
    #[serde(flatten)]
    delivery: Delivery,
    #[serde(flatten)]
    command: Command,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Labelled {
    label: String,
    #[serde(flatten)]
    more: BTreeMap<String, u32>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Empty {}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Strict {}

#[derive(Serialize, Deserialize, JsonSchema)]
struct Marker;

/// In which there are others, and nothing else.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Nest(Vec<Nest>);

/// In which something is on its way out.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Note {
    text: String,
    #[deprecated]
    colour: Option<String>,
}

pub(crate) struct Shapes;

#[service(name = "test.shapes", client = false)]
impl Shapes {
    /// Documents itself, with **strong** words and *soft* ones, `max_wait` and snake_case_names.
    ///
    /// See [`Delivery`], [the command](crate::Command), [Figure][f],
    /// [the guide](https://example.org/a_b_c "Guide"), [nearby](../docs)
    /// and [a trap](javascript:alert(1)) or [another](data:text/html,x).
    /// An array is `values[0]`, a footnote [1].
    ///
    /// 1. first
    /// 2. second, which
    ///    goes on
    ///    - within
    ///
    /// | size | price |
    /// |------|------:|
    /// | `a|b` | **2** |
    ///
    /// ```
    /// # hidden();
    /// let order = 1;
    ///
    /// place(order);
    /// ```
    ///
    /// # Errors
    ///
    /// * 404: *nobody* is called `<b>`
    ///
    /// > <img src=x onerror=alert(1)>
    ///
    /// [f]: crate::Figure
    #[public_method]
    fn document(
        &self,
        /** How **much**, see [`Size`]. */
        amount: u8,
    ) -> u8 {
        amount
    }

    #[public_method]
    fn read(&self, reading: Reading) -> Value {
        json!(reading)
    }

    #[public_method]
    fn fit(&self, size: Size) -> Value {
        json!(size)
    }

    #[public_method]
    fn deliver(&self, delivery: Delivery) -> Value {
        json!(delivery)
    }

    #[public_method]
    fn run(&self, command: Command) -> Value {
        json!(command)
    }

    #[public_method]
    fn draw(&self, figure: Figure) -> Value {
        json!(figure)
    }

    #[public_method]
    fn aim(&self, target: Target) -> Value {
        json!(target)
    }

    #[public_method]
    fn place(&self, order: Order) -> Value {
        json!(order)
    }

    #[public_method]
    fn count(&self, counts: BTreeMap<u32, bool>, labelled: Labelled) -> Value {
        json!([counts, labelled])
    }

    #[public_method]
    fn pair(&self, pair: (String, u8), triple: [u8; 3]) -> Value {
        json!([pair, triple])
    }

    #[public_method]
    fn perhaps(&self, delivery: Option<Delivery>, figure: Option<Figure>, reading: Option<Reading>) -> Value {
        json!([delivery, figure, reading])
    }

    #[public_method]
    fn nothing(&self, unit: (), marker: Marker, empty: Empty, strict: Strict) -> Value {
        json!([unit, marker, empty, strict])
    }

    #[public_method]
    fn outcome(&self, outcome: Result<u8, String>) -> Value {
        json!(outcome)
    }

    #[public_method]
    fn settle(&self, nest: Nest) -> Value {
        json!(nest)
    }

    #[public_method]
    fn visit(&self, note: Note) -> Value {
        json!(note)
    }

    #[public_method]
    fn all(&self, values: Vec<Option<Reading>>, object: Map<String, Value>) -> Value {
        json!([values, object])
    }
}

pub(crate) fn shapes() -> Server {
    Server::new(|| Shapes)
}

//! Types of other crates, with the features of schemars that the guide names, and types without a
//! schema.

use callbox::{Server, service, testing};
use chrono::{DateTime, Utc};
use indexmap::IndexMap;
use rust_decimal::Decimal;
use schemars::{Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use crate::{call, documented, invalid};

/// A type without a schema, as another crate may have it.
#[derive(Serialize, Deserialize)]
struct Point(f64, f64);

fn point_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 2 })
}

struct Parcels;

#[service]
impl Parcels {
    fn names(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": { "type": "string" } })
    }

    #[public_method]
    fn send(
        &self,
        id: Uuid,
        at: DateTime<Utc>,
        price: Decimal,
        link: Option<Url>,
    ) -> (Uuid, DateTime<Utc>, Decimal, Option<Url>) {
        (id, at, price, link)
    }

    #[public_method]
    fn count(&self, parts: IndexMap<String, u8>) -> IndexMap<String, u8> {
        parts
    }

    #[public_method]
    fn locate(
        &self,
        /// Where it is.
        #[param(schema_with = point_schema)]
        point: Point,
        #[param(schema_with = point_schema, default = Point(0.0, 0.0))] from: Point,
        #[param(schema_with = Self::names)] names: Option<IndexMap<String, Value>>,
    ) -> Value {
        json!([point.0, from.1, names])
    }
}

#[test]
fn types_of_other_crates_are_parameters_and_results_with_their_schemas() {
    let parcels = testing::in_process(|| Parcels);
    let id = "67e55044-10b1-426f-9247-bb680e5fe0c8";
    let all = json!([id, "2026-11-29T04:00:00Z", "12.50", "https://shop.example/"]);
    assert_eq!(call(&parcels, "send", &all), Ok(all));
    let parts = parcels.post(r#"{"jsonrpc":"2.0","method":"count","params":[{"b":1,"a":2}],"id":1}"#);
    assert_eq!(parts.unwrap(), r#"{"jsonrpc":"2.0","result":{"b":1,"a":2},"id":1}"#);
    let send = |at: &str| call(&parcels, "send", &json!({ "id": id, "at": at, "price": 1 }));
    assert_eq!(send("2026-02-30T00:00:00Z"), invalid("at", "input is out of range"));

    let document = testing::start(Server::new(|| Parcels)).get("/openrpc.json").body;
    let document = serde_json::from_str(&document).unwrap();
    let (send, count) = (documented(&document, "send"), documented(&document, "count"));
    assert_eq!(send["id"], json!({ "type": "string", "format": "uuid" }));
    assert_eq!(send["at"], json!({ "type": "string", "format": "date-time" }));
    assert_eq!(send["link"], json!({ "type": ["string", "null"], "format": "uri" }));
    assert_eq!(send["price"]["type"], json!(["string", "number"]));
    assert_eq!(count["parts"]["additionalProperties"]["maximum"], 255);
}

#[test]
fn a_function_makes_the_schema_of_a_type_that_has_none() {
    let parcels = testing::in_process(|| Parcels);
    let located = call(&parcels, "locate", &json!({ "point": [1.5, 2], "names": { "a": 1 } }));
    assert_eq!(located, Ok(json!([1.5, 0.0, { "a": 1 }])));
    assert_eq!(call(&parcels, "locate", &json!([[1, "x"]])), invalid("point[1]", "expected a number, got \"x\""));

    let document = testing::start(Server::new(|| Parcels)).get("/openrpc.json").body;
    let document: Value = serde_json::from_str(&document).unwrap();
    let locate = documented(&document, "locate");
    let point = json!({ "type": "array", "items": { "type": "number" }, "minItems": 2, "maxItems": 2 });
    assert_eq!(locate["point"], point);
    assert_eq!(locate["from"]["items"], point["items"]);
    assert_eq!(locate["names"]["additionalProperties"], json!({ "type": "string" }));
    let params = document["methods"].as_array().unwrap().iter().find(|method| method["name"] == "locate").unwrap();
    let required: Vec<_> = params["params"].as_array().unwrap().iter().map(|param| &param["required"]).collect();
    assert_eq!(required, [true, false, false]);
    assert_eq!(params["params"][0]["description"], "Where it is.");
}

#[test]
fn the_guide_names_features_that_schemars_has() {
    let page = include_str!("../../src/docs/parameters.md");
    let manifest = include_str!("../Cargo.toml");
    let schemars = manifest.lines().find(|line| line.starts_with("schemars = ")).expect("schemars");
    for name in ["chrono04", "indexmap2", "rust_decimal1", "url2", "uuid1"] {
        assert!(page.contains(&format!("`{name}`")) && schemars.contains(&format!("\"{name}\"")), "{name}");
    }
}

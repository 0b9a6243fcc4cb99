//! A parameter that takes the rest: a struct, whose fields are parameters as any other; a map; one
//! of several; or nothing.

use std::collections::BTreeMap;

use callbox::{Server, service, testing};
use serde::{Deserialize, Serialize};
use serde_json::{Value, from_value, json, to_value};

use crate::calculator::call;

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "camelCase")]
struct Order {
    /// Who buys.
    customer: String,
    #[serde(alias = "qty")]
    quantity: u128,
    #[serde(default)]
    express: bool,
    size: Option<Size>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ship_to: Option<Address>,
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Size {
    Small,
    Large,
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
struct Address {
    #[serde(deserialize_with = "not_empty")]
    street: String,
}

fn not_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() { Err(serde::de::Error::custom("a street has a name")) } else { Ok(text) }
}

#[derive(Debug, Serialize, Deserialize, schemars::JsonSchema)]
enum Payment {
    Cash,
    Card(u64),
    Transfer { iban: String },
}

struct Shop;

#[service]
impl Shop {
    #[public_method(message = "Place")]
    fn order(
        &self,
        shop: String,
        #[param(default = 1)] copies: u8,
        note: Option<Option<String>>,
        #[param(rest)] order: Order,
    ) -> Value {
        json!({ "shop": shop, "copies": copies, "note": note, "order": format!("{order:?}") })
    }

    #[public_method]
    fn only(&self, #[param(rest)] order: Order) -> Order {
        order
    }

    #[public_method]
    fn weigh(&self, unit: String, #[param(rest)] weights: BTreeMap<String, f32>) -> Value {
        json!({ "unit": unit, "weights": weights })
    }

    #[public_method]
    fn pay(&self, amount: u32, #[param(rest)] payment: Payment) -> Value {
        json!([amount, payment])
    }

    #[public_method]
    fn perhaps(&self, amount: u32, #[param(rest)] order: Option<Order>) -> Value {
        json!([amount, order])
    }
}

/// The result, or the data of the error.
fn answer(answer: Option<String>) -> Result<Value, Value> {
    let answer: Value = serde_json::from_str(&answer.expect("an answer")).expect("JSON");
    match answer.get("error") {
        None => Ok(answer["result"].clone()),
        Some(error) => {
            assert_eq!(error["code"], -32602, "{answer}");
            Err(error["data"].clone())
        }
    }
}

#[test]
fn the_fields_of_a_struct_are_parameters_as_any_other() {
    let shop = testing::in_process(|| Shop);
    let wide = u128::MAX;
    let sent = format!(r#"{{"quantity":{wide},"shop":"s","customer":"ann","size":"large","shipTo":{{"street":"x"}}}}"#);
    let taken = answer(shop.post(call("order", &sent, "1"))).unwrap();
    let order = format!(
        r#"Order {{ customer: "ann", quantity: {wide}, express: false, size: Some(Large), ship_to: Some(Address {{ street: "x" }}) }}"#
    );
    assert_eq!(taken, json!({ "shop": "s", "copies": 1, "note": null, "order": order }));
    let only = answer(shop.post(call("only", r#"{"customer":"a","qty":1}"#, "1")));
    assert_eq!(only, Ok(json!({ "customer": "a", "quantity": 1, "express": false, "size": null })));
}

#[test]
fn each_mistake_names_its_parameter() {
    let shop = testing::in_process(|| Shop);
    let long = "x".repeat(20_000);
    let order = |more: &str| format!(r#"{{"shop":"{long}","customer":"a","quantity":1{more}}}"#);
    for (method, params, param, reason) in [
        ("order", order(r#","nobody":1"#), json!("nobody"), "unknown"),
        ("order", order(r#","ship_to":{"street":"a"}"#), json!("ship_to"), "unknown"),
        ("order", order(r#","size":"huge""#), json!("size"), "unknown variant `huge`, expected `small` or `large`"),
        ("order", order(r#","shipTo":{"street":""}"#), json!("shipTo.street"), "a street has a name"),
        ("order", order(r#","shipTo":{}"#), json!("shipTo.street"), "missing"),
        ("order", order(r#","express":2"#), json!("express"), "expected a boolean, got 2"),
        ("order", order(r#","qty":2"#), json!("quantity"), "given twice"),
        ("order", order(r#","copies":256"#), json!("copies"), "expected an integer from 0 to 255, got 256"),
        ("order", r#"{"shop":"s","customer":"a"}"#.into(), json!("quantity"), "missing"),
        (
            "order",
            r#"{"shop":"s","customer":"a","quantity":2.5}"#.into(),
            json!("quantity"),
            "expected an integer, got 2.5",
        ),
        ("order", r#"["s"]"#.into(), json!("customer"), "missing"),
        ("order", r#"["s",1,null,"a",1]"#.into(), Value::Null, "expected at most 3, got 5"),
        ("only", "[]".into(), json!("customer"), "missing"),
        ("only", "null".into(), json!("customer"), "missing"),
        ("weigh", r#"{"unit":"g","a":1,"b":"2"}"#.into(), json!("b"), r#"expected a number, got "2""#),
        ("weigh", r#"{"unit":"g","a":1e39}"#.into(), json!("a"), "expected a number in range, got 1e39"),
        ("weigh", r#"{"a":1,"unit":"g","\u0061":1}"#.into(), json!("a"), "given twice"),
        (
            "pay",
            r#"{"amount":1,"Card":"x"}"#.into(),
            json!("Card"),
            "expected an integer from 0 to 18446744073709551615, got \"x\"",
        ),
        ("pay", r#"{"amount":1,"Coins":null}"#.into(), json!("Coins"), "unknown"),
        ("pay", r#"{"amount":1,"Cash":null,"Card":1}"#.into(), json!("Card"), "unknown"),
        ("pay", r#"{"amount":1}"#.into(), Value::Null, "expected one of the variants"),
        ("pay", "[1]".into(), Value::Null, "expected one of the variants"),
        ("perhaps", r#"{"amount":1,"customer":"a"}"#.into(), json!("quantity"), "missing"),
        ("perhaps", r#"{"amount":1,"custom":"a"}"#.into(), json!("custom"), "unknown, and `customer` is missing"),
    ] {
        let mut expected = json!({ "reason": reason });
        if !param.is_null() {
            expected["param"] = param;
        }
        let refused = answer(shop.post(call(method, &params, "1")));
        assert_eq!(refused, Err(expected), "{method} …{}", &params[params.len().saturating_sub(60)..]);
    }
}

#[test]
fn the_rest_may_be_one_of_several_or_nothing_at_all() {
    let shop = testing::in_process(|| Shop);
    for (method, params, result) in [
        ("pay", r#"{"amount":1,"Cash":null}"#, json!([1, "Cash"])),
        ("pay", r#"{"Card":5,"amount":1}"#, json!([1, { "Card": 5 }])),
        ("pay", r#"{"Transfer":{"iban":"i"},"amount":1}"#, json!([1, { "Transfer": { "iban": "i" } }])),
        ("perhaps", r#"{"amount":1}"#, json!([1, null])),
        ("perhaps", "[1]", json!([1, null])),
        (
            "perhaps",
            r#"{"amount":1,"customer":"a","quantity":1}"#,
            json!([1, { "customer": "a", "quantity": 1, "express": false, "size": null }]),
        ),
        ("weigh", r#"{"unit":"g"}"#, json!({ "unit": "g", "weights": {} })),
        ("weigh", r#"{"a":0.5,"unit":"g","b":2}"#, json!({ "unit": "g", "weights": { "a": 0.5, "b": 2.0 } })),
    ] {
        assert_eq!(answer(shop.post(call(method, params, "1"))), Ok(result), "{method} {params}");
    }
}

#[test]
fn a_message_with_a_rest_is_read_from_any_json_and_written_as_it_was_read() {
    let all = json!({ "shop": "s", "copies": 2, "note": null, "customer": "a", "quantity": 1, "express": true, "size": null });
    let read: Place = from_value(all.clone()).unwrap();
    assert_eq!(to_value(&read).unwrap(), all);
    let error = from_value::<Place>(json!({ "shop": "s", "customer": "a", "quantity": 1, "x": 1 }));
    assert_eq!(error.err().unwrap().to_string(), "`x`: unknown");
}

fn document() -> Value {
    let text = testing::start(Server::new(|| Shop)).get("/openrpc.json").body;
    serde_json::from_str(&text).expect("JSON")
}

#[test]
fn the_document_lists_the_fields_of_a_struct_among_the_parameters() {
    let document = document();
    let methods = document["methods"].as_array().expect("methods");
    let of = |name: &str| methods.iter().find(|method| method["name"] == name).expect(name);
    let params = |name: &str| {
        let params = of(name)["params"].as_array().expect("parameters").iter();
        params.map(|param| (param["name"].as_str().expect("a name"), param["required"] == true)).collect::<Vec<_>>()
    };
    assert_eq!(
        params("order"),
        [
            ("shop", true),
            ("customer", true),
            ("quantity", true),
            ("copies", false),
            ("note", false),
            ("express", false),
            ("shipTo", false),
            ("size", false),
        ]
    );
    let order = of("order");
    assert_eq!(order["paramStructure"], "by-name");
    assert_eq!(order["params"][1]["description"], "Who buys.");
    assert_eq!(order["params"][1]["schema"], json!({ "type": "string" }));
    assert_eq!(order["params"][5]["schema"]["default"], false);
    let address = &order["params"][6]["schema"]["anyOf"][0]["$ref"];
    assert_eq!(address, "#/components/schemas/Address");
    assert!(document["components"]["schemas"]["Address"].is_object(), "{document}");
    assert_eq!(order.get("x-rest"), None);

    assert_eq!((params("only").len(), params("only")[0]), (5, ("customer", true)));
    assert!(params("perhaps").iter().all(|(name, required)| *required == (*name == "amount")), "{document}");
    let number = json!({ "type": "number", "format": "float" });
    assert_eq!((params("weigh").len(), &of("weigh")["x-rest"]), (1, &number));
    assert_eq!((&of("weigh")["paramStructure"], &of("pay")["x-rest"]), (&json!("either"), &json!(true)));
}

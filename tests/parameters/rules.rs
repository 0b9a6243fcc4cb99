//! Rules of parameters: `range`, `length`, `pattern`, `each` and `validate`.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::num::NonZeroU16;

use callbox::client::ClientError;
use callbox::{InvalidParam, RpcError, Server, service, testing};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{call, documented, invalid};

#[derive(Clone, Serialize, Deserialize, schemars::JsonSchema)]
struct Period {
    from: u64,
    to: u64,
    stops: Vec<u64>,
}

impl Period {
    fn check(&self) -> Result<(), InvalidParam> {
        if self.from > self.to {
            return Err(InvalidParam::at("to", "must not be before `from`"));
        }
        Ok(())
    }

    fn stops_within(&self) -> Result<(), String> {
        let outside = self.stops.iter().position(|stop| !(self.from..=self.to).contains(stop));
        outside.map_or(Ok(()), |at| Err(format!("stops[{at}]: is outside\nand more")))
    }
}

fn is_even(number: &u8) -> Result<(), &'static str> {
    if number.is_multiple_of(2) { Ok(()) } else { Err("note: must be even") }
}

#[derive(Default)]
struct Shop;

#[service]
impl Shop {
    const OLDEST: u8 = 130;

    /// Takes numbers.
    #[public_method]
    fn numbers(
        &self,
        #[param(range = 18..=Self::OLDEST)] age: u8,
        #[param(range = 0.0..1.0)] discount: Option<f64>,
        #[param(range = -5..)] floor: Option<i128>,
        #[param(range = ..=10_000_000_000)] number: Option<Option<u64>>,
        #[param(range = 7..=7)] seven: Option<Box<NonZeroU16>>,
        #[param(default = 3, range = ..4, validate = is_even)] small: u8,
    ) -> Value {
        json!([age, discount, floor.map(|floor| floor.to_string()), number, seven, small])
    }

    #[public_method]
    fn texts(
        &self,
        #[param(length = 1..=4, pattern = "^[a-zä]+$")] name: String,
        #[param(rename = "postal-code", pattern = r"\d{5}")] code: Option<Cow<'static, str>>,
        #[param(length = ..3)] note: Option<Box<str>>,
    ) -> Value {
        json!([name, code, note])
    }

    #[public_method]
    async fn lists(
        &mut self,
        #[param(length = 1.., each(range = 1..=6))] dice: Vec<u8>,
        #[param(each(length = ..=1, each(pattern = "^#")))] tags: Option<HashMap<String, Vec<String>>>,
        #[param(each(range = 1..))] by_number: Option<BTreeMap<i32, u8>>,
        #[param(length = ..=1, each(range = 1..))] set: Option<BTreeSet<u8>>,
        #[param(length = ..=1)] any: Option<Map<String, Value>>,
        #[param(each(range = 1..))] pair: Option<[u8; 2]>,
    ) -> Value {
        json!([dice, tags, by_number, set, any, pair])
    }

    #[public_method]
    fn checked(
        &self,
        #[param(validate = Period::check)] period: Period,
        #[param(each(validate = is_even))] numbers: Option<Vec<u8>>,
        #[param(validate = Period::check)] other: Option<Option<Period>>,
        #[param(validate = Period::stops_within)] more: Option<Period>,
        #[param(rest)] rest: Map<String, Value>,
    ) -> Value {
        json!([period.from, numbers, other.is_some(), more, rest])
    }
}

#[test]
fn a_value_that_breaks_a_rule_is_refused_with_its_path_and_what_it_must_be() {
    let shop = testing::in_process(|| Shop);
    let long = "a".repeat(100);
    for (method, params, param, reason) in [
        ("numbers", json!([17]), "age", "must be from 18 to 130, not 17"),
        ("numbers", json!({ "age": 131 }), "age", "must be from 18 to 130, not 131"),
        ("numbers", json!([18, 1.0]), "discount", "must be at least 0.0 and less than 1.0, not 1.0"),
        ("numbers", json!([18, -0.5]), "discount", "must be at least 0.0 and less than 1.0, not -0.5"),
        ("numbers", json!([18, null, -6]), "floor", "must be at least -5, not -6"),
        (
            "numbers",
            json!({ "age": 18, "number": 10_000_000_001_u64 }),
            "number",
            "must be at most 10000000000, not 10000000001",
        ),
        ("numbers", json!({ "age": 18, "seven": 8 }), "seven", "must be 7, not 8"),
        ("numbers", json!({ "age": 18, "small": 4 }), "small", "must be less than 4, not 4"),
        ("texts", json!([""]), "name", "must have from 1 to 4 characters, not 0"),
        ("texts", json!(["ääää5"]), "name", "must have from 1 to 4 characters, not 5"),
        ("texts", json!(["Ann"]), "name", r#"must match ^[a-zä]+$, not "Ann""#),
        ("texts", json!(["ann", "1234"]), "postal-code", r#"must match \d{5}, not "1234""#),
        ("texts", json!({ "name": "ann", "note": "abc" }), "note", "must have at most 2 characters, not 3"),
        ("texts", json!(["ann", long]), "postal-code", &format!("must match \\d{{5}}, not \"{}\"…", &long[..40])),
        ("lists", json!([[]]), "dice", "must have at least 1 element, not 0"),
        ("lists", json!([[6, 1, 7]]), "dice[2]", "must be from 1 to 6, not 7"),
        ("lists", json!([[1], { "a b": ["#", "#"] }]), r#"tags["a b"]"#, "must have at most 1 element, not 2"),
        ("lists", json!([[1], { "a": ["b"] }]), "tags.a[0]", r#"must match ^#, not "b""#),
        ("lists", json!([[1], null, { "-7": 0 }]), "by_number.-7", "must be at least 1, not 0"),
        ("lists", json!([[1], null, null, [1, 2]]), "set", "must have at most 1 element, not 2"),
        ("lists", json!([[1], null, null, [0]]), "set", "must be at least 1, not 0"),
        ("lists", json!({ "dice": [1], "any": { "a": 1, "b": 2 } }), "any", "must have at most 1 member, not 2"),
        ("lists", json!({ "dice": [1], "pair": [1, 0] }), "pair[1]", "must be at least 1, not 0"),
        ("checked", json!([{ "from": 2, "to": 1, "stops": [] }]), "period.to", "must not be before `from`"),
        (
            "checked",
            json!({ "period": { "from": 1, "to": 2, "stops": [] }, "more": { "from": 1, "to": 2, "stops": [1, 3] } }),
            "more.stops[1]",
            "is outside",
        ),
        ("checked", json!([{ "from": 1, "to": 2, "stops": [] }, [2, 3]]), "numbers[1]", "note: must be even"),
        (
            "checked",
            json!([{ "from": 1, "to": 2, "stops": [] }, null, { "from": 2, "to": 1, "stops": [] }]),
            "other.to",
            "must not be before `from`",
        ),
    ] {
        assert_eq!(call(&shop, method, &params), invalid(param, reason), "{method} {params}");
    }
}

#[test]
fn values_that_keep_the_rules_and_values_that_are_not_there_are_taken() {
    let shop = testing::in_process(|| Shop);
    let period = json!({ "from": 1, "to": 2, "stops": [2] });
    for (method, params, result) in [
        ("numbers", json!([18, 0.0, -5, 1, 7, 2]), json!([18, 0.0, "-5", 1, 7, 2])),
        ("numbers", json!({ "age": 130, "number": null, "small": 0 }), json!([130, null, null, null, null, 0])),
        ("texts", json!(["äa", "a 12345", "ab"]), json!(["äa", "a 12345", "ab"])),
        ("texts", json!(["a"]), json!(["a", null, null])),
        ("lists", json!([[6], { "": ["#"] }]), json!([[6], { "": ["#"] }, null, null, null, null])),
        ("checked", json!({ "period": period, "other": null, "any": 1 }), json!([1, null, true, null, { "any": 1 }])),
    ] {
        assert_eq!(call(&shop, method, &params), Ok(result), "{method} {params}");
    }
    // A default is a value as any other.
    assert_eq!(call(&shop, "numbers", &json!([18])), invalid("small", "note: must be even"));
}

#[tokio::test]
async fn calls_within_the_process_keep_the_same_rules() {
    let service = testing::in_process(|| Shop);
    let shop: ShopClient = service.service().client();
    let refused = |error: ClientError| match error {
        ClientError::Server(error) => {
            (error.code(), error.data().map(|data| serde_json::from_str::<Value>(data.get()).unwrap()))
        }
        other => panic!("{other:?}"),
    };
    let error = shop.numbers(17, None, None, None, None, 2).await.unwrap_err();
    assert_eq!(refused(error), (-32602, invalid("age", "must be from 18 to 130, not 17").err()));
    let error = shop.lists(vec![1, 9], None, None, None, None, None).await.unwrap_err();
    assert_eq!(refused(error), (-32602, invalid("dice[1]", "must be from 1 to 6, not 9").err()));
    assert_eq!(shop.texts("a".to_owned(), None, None).await.unwrap(), json!(["a", null, null]));

    let message = Shop_Texts { name: "A".to_owned(), code: None, note: None };
    let error: RpcError = service.service().notify(message).unwrap_err();
    assert_eq!(error.code(), -32602);
}

#[test]
fn the_document_has_the_rules() {
    let document = testing::start(Server::new(|| Shop)).get("/openrpc.json").body;
    let document: Value = serde_json::from_str(&document).unwrap();
    let numbers = documented(&document, "numbers");
    assert_eq!(numbers["age"], json!({ "type": "integer", "format": "uint8", "minimum": 18, "maximum": 130 }));
    assert_eq!(
        numbers["discount"],
        json!({ "type": ["number", "null"], "format": "double", "minimum": 0.0, "exclusiveMaximum": 1.0 })
    );
    assert_eq!(numbers["floor"]["minimum"], -5, "{document}");
    assert_eq!(numbers["number"]["maximum"], 10_000_000_000_u64);
    assert_eq!(
        numbers["small"],
        json!({ "type": "integer", "format": "uint8", "minimum": 0, "exclusiveMaximum": 4, "default": 3 })
    );
    let texts = documented(&document, "texts");
    assert_eq!(texts["name"], json!({ "type": "string", "minLength": 1, "maxLength": 4, "pattern": "^[a-zä]+$" }));
    assert_eq!(texts["postal-code"], json!({ "type": ["string", "null"], "pattern": r"\d{5}" }));
    assert_eq!(texts["note"], json!({ "type": ["string", "null"], "maxLength": 2 }));
    let lists = documented(&document, "lists");
    let die = json!({ "type": "integer", "format": "uint8", "minimum": 1, "maximum": 6 });
    assert_eq!(lists["dice"], json!({ "type": "array", "items": die, "minItems": 1 }));
    let tags = &lists["tags"]["additionalProperties"];
    assert_eq!(
        tags,
        &json!({ "type": "array", "items": { "type": "string", "pattern": "^#" }, "maxItems": 1 }),
        "{document}"
    );
    let by_number = lists["by_number"]["patternProperties"].as_object().unwrap().values().next().unwrap();
    assert_eq!(by_number["minimum"], 1, "{document}");
    assert_eq!((&lists["any"]["maxProperties"], &lists["set"]["maxItems"]), (&json!(1), &json!(1)), "{document}");
}

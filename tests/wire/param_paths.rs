//! Errors name the very value within a parameter: members, elements, keys of maps, variants.

use std::collections::{BTreeMap, HashMap};

use callbox::{service, testing};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::calculator::call;

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
struct Product {
    name: String,
    price: u128,
    dimensions: Dimensions,
    #[serde(default)]
    tags: Vec<Tag>,
    #[serde(default)]
    stock: HashMap<String, u32>,
    supplier: Option<Box<Supplier>>,
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Dimensions {
    width: f32,
    height: f32,
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Tag(String);

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Supplier {
    name: String,
    ids: Vec<i128>,
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Shape {
    Circle { radius: u8 },
    Path(Vec<(u8, u8)>),
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind")]
enum Payment {
    Card { number: u64, holder: Holder },
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", content = "value")]
enum Discount {
    Percent { of: u8 },
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Holder {
    name: String,
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Flat {
    id: u8,
    #[serde(flatten)]
    holder: Holder,
}

struct Shop;

#[service]
impl Shop {
    #[public_method]
    fn create(&self, product: Product) -> Value {
        json!(product)
    }

    #[public_method]
    fn create_all(&self, items: Vec<Product>, by_number: Option<BTreeMap<i8, Dimensions>>) -> Value {
        json!([items, by_number])
    }

    #[public_method]
    fn draw(&self, shape: Shape) -> Value {
        json!(shape)
    }

    #[public_method]
    fn pay(&self, payment: Payment, discount: Option<Discount>, flat: Option<Flat>) -> Value {
        json!([payment, discount, flat])
    }

    #[public_method]
    fn note(&self, text: Option<Option<Dimensions>>, #[param(rest)] more: BTreeMap<String, Dimensions>) -> Value {
        json!([text, more])
    }
}

fn product(changed: &str, to: &str) -> String {
    let product = r#"{"name":"tea","price":5,"dimensions":{"width":1,"height":2},"tags":["a"],"stock":{"Main St":3}}"#;
    assert!(product.contains(changed), "{changed}");
    product.replace(changed, to)
}

#[test]
fn an_error_has_the_path_to_its_value() {
    let shop = testing::in_process(|| Shop);
    let integer = |got: &str| format!("expected an integer, got {got}");
    let byte = |got: &str| format!("expected an integer from 0 to 255, got {got}");
    let number = |got: &str| format!("expected a number, got {got}");
    let cases = [
        (product(r#""width":1"#, r#""width":"x""#), "product.dimensions.width", number(r#""x""#)),
        (
            product(r#""width":1"#, r#""width":1e39"#),
            "product.dimensions.width",
            "expected a number in range, got 1e39".into(),
        ),
        (product(r#""width":1,"#, ""), "product.dimensions.width", "missing".into()),
        (product(r#","height":2"#, r#","height":2,"height":3"#), "product.dimensions.height", "given twice".into()),
        (product(r#"{"width":1,"height":2}"#, "{}"), "product.dimensions.width", "missing".into()),
        (product(r#""price":5"#, r#""price":1e21"#), "product.price", integer("1e21")),
        (product(r#""price":5"#, r#""price":"5""#), "product.price", integer(r#""5""#)),
        (product(r#"["a"]"#, r#"["a",5]"#), "product.tags[1]", "expected a string, got 5".into()),
        (
            product(r#""Main St":3"#, r#""Main St":-3"#),
            r#"product.stock["Main St"]"#,
            "expected an integer from 0 to 4294967295, got -3".into(),
        ),
        (
            product(r#""price":5"#, r#""prize":5"#),
            "product.prize",
            "unknown, expected one of `name`, `price`, `dimensions`, `tags`, `stock`, `supplier`".into(),
        ),
        (
            product(r#""price":5"#, r#""price":5,"supplier":{"name":"n","ids":[1, 2.5 ,3]}"#),
            "product.supplier.ids[1]",
            integer("2.5"),
        ),
        (
            product(r#""price":5"#, r#""price":5,"supplier":{"name":"n","ids":[7,1e21]}"#),
            "product.supplier.ids[1]",
            integer("1e21"),
        ),
    ];
    for (product, param, reason) in cases {
        refused(&shop, "create", &format!(r#"{{"product":{product}}}"#), param, &reason);
        refused(&shop, "create", &format!("[ {product} ]"), param, &reason);
        let items = format!("[{},{product}]", self::product("", ""));
        let param = param.replace("product", "items[1]");
        refused(&shop, "create_all", &format!(r#"{{"items":{items}}}"#), &param, &reason);
        refused(&shop, "create_all", &format!("[{items}]"), &param, &reason);
    }
    for (method, params, param, reason) in [
        ("create_all", r#"[[],{"7":{"width":1}}]"#, "by_number.7.height", "missing".to_owned()),
        ("draw", r#"[{"circle":{"radius":300}}]"#, "shape.circle.radius", byte("300")),
        ("draw", r#"{"shape":{"circle":{}}}"#, "shape.circle.radius", "missing".into()),
        ("draw", r#"{"shape":{"path":[[1,2],[3,"x"]]}}"#, "shape.path[1][1]", byte(r#""x""#)),
        ("draw", r#"{"shape":"square"}"#, "shape", "unknown variant `square`, expected `circle` or `path`".into()),
        // serde buffers a tagged and a flattened type, and knows no place within it.
        ("pay", r#"{"payment":{"kind":"Card"}}"#, "payment.number", "missing".into()),
        ("pay", r#"{"payment":{"kind":"Card","number":1,"holder":{}}}"#, "payment", "missing field `name`".into()),
        (
            "pay",
            r#"{"payment":{"kind":"Card","number":1,"holder":{"name":5}}}"#,
            "payment",
            "expected a string, got 5".into(),
        ),
        ("pay", r#"{"discount":{"kind":"Percent","value":{"of":-1}}}"#, "discount.value.of", byte("-1")),
        ("pay", r#"{"flat":{"id":1}}"#, "flat.name", "missing".into()),
        ("pay", r#"{"flat":{"id":"x","name":"n"}}"#, "flat.id", byte(r#""x""#)),
        ("note", r#"{"text":{"width":1}}"#, "text.height", "missing".into()),
        ("note", r#"{"a b":{"width":1,"height":true}}"#, "a b.height", number("true")),
        ("note", r#"{"more":{}}"#, "more.width", "missing".into()),
    ] {
        refused(&shop, method, params, param, &reason);
    }
}

#[test]
fn members_of_an_object_in_place_of_the_object_name_the_object_too() {
    let shop = testing::in_process(|| Shop);
    refused(&shop, "create", &product("", ""), "name", "unknown, and `product` is missing");
    refused(&shop, "draw", r#"{"circle":{"radius":3}}"#, "circle", "unknown, and `shape` is missing");
    refused(&shop, "draw", r#"{"shape":{"path":[]},"circle":1}"#, "circle", "unknown");
}

fn refused(shop: &testing::InProcess<Shop>, method: &str, params: &str, param: &str, reason: &str) {
    let answer: Value = serde_json::from_str(&shop.post(call(method, params, "1")).expect("an answer")).expect("JSON");
    assert_eq!(answer["error"]["data"], json!({ "param": param, "reason": reason }), "{method} {params}: {answer}");
}

//! Rules of fields by `garde`, as the guide shows them.

use callbox::service;
use garde::Validate;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, JsonSchema, Validate)]
struct Product {
    #[garde(length(min = 1, max = 40))]
    name: String,
    #[garde(range(min = 1))]
    price: u64,
    #[garde(dive)]
    dimensions: Dimensions,
}

#[derive(Serialize, Deserialize, JsonSchema, Validate)]
struct Dimensions {
    #[garde(range(min = 1, max = 500))]
    width: u32,
    #[garde(skip)]
    note: Option<String>,
}

struct Catalog;

#[service(name = "catalog")]
impl Catalog {
    #[public_method]
    fn create(&self, #[param(validate = Product::validate)] product: Product) -> String {
        product.name
    }
}
// {"dimensions":{"width":0},"name":"box","price":5} is refused with
// {"param":"product.dimensions.width","reason":"lower than 1"}

mod tests {
    use callbox::{Server, testing};
    use serde_json::{Value, json};

    use super::*;
    use crate::{call, invalid};

    #[test]
    fn a_rule_of_a_field_is_checked_with_its_path_and_is_in_the_schema() {
        let catalog = testing::in_process(|| Catalog);
        let create = |width: u32, name: &str| {
            let product = json!({ "dimensions": { "width": width }, "name": name, "price": 5 });
            call(&catalog, "create", &json!({ "product": product }))
        };
        assert_eq!(create(1, "box"), Ok(json!("box")));
        assert_eq!(create(0, "box"), invalid("product.dimensions.width", "lower than 1"));
        assert_eq!(create(1, ""), invalid("product.name", "length is lower than 1"));

        let document = testing::start(Server::new(|| Catalog)).get("/openrpc.json").body;
        let document: Value = serde_json::from_str(&document).unwrap();
        let schemas = &document["components"]["schemas"];
        assert_eq!(schemas["Dimensions"]["properties"]["width"]["maximum"], 500, "{document}");
        assert_eq!(schemas["Product"]["properties"]["name"]["maxLength"], 40, "{document}");
    }

    #[test]
    fn the_guide_shows_this_file() {
        let (page, here) = (include_str!("../../src/docs/parameters.md"), include_str!("fields.rs"));
        let shown = page.split("```text\n").nth(1).and_then(|rest| rest.split("```").next());
        let shown = shown.expect("the page has an example");
        assert!(here.contains(shown), "the page shows other code than this file");
    }
}

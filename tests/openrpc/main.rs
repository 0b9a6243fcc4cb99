//! The OpenRPC documents of all examples: valid by the official validator, and by rules that it does not know.

// Each example is a program: its `main` has no use here.
#[allow(dead_code, unreachable_pub)]
#[path = "../../examples/compute/main.rs"]
mod compute;
#[allow(dead_code, unreachable_pub)]
#[path = "../../examples/embedded.rs"]
mod embedded;
#[allow(dead_code, unreachable_pub)]
#[path = "../../examples/entity/main.rs"]
mod entity;
#[allow(dead_code, unreachable_pub)]
#[path = "../../examples/my_service.rs"]
mod my_service;
#[allow(dead_code, unreachable_pub)]
#[path = "../../examples/storage/main.rs"]
mod storage;
#[allow(dead_code, unreachable_pub)]
#[path = "../../examples/web_pages/main.rs"]
mod web_pages;
#[allow(dead_code, unreachable_pub)]
#[path = "../../examples/without_macro.rs"]
mod without_macro;

mod checks;
mod collisions;
mod route;
mod validator;

use std::collections::BTreeMap;

use callbox::{Server, testing};
use serde_json::{Value, json};

type App = fn() -> Server;

const EXAMPLES: [(&str, App); 7] = [
    ("compute", compute::app),
    ("embedded", embedded::app),
    ("entity", entity::app),
    ("my_service", my_service::app),
    ("storage", storage::app),
    ("web_pages", web_pages::app),
    ("without_macro", without_macro::app),
];

/// The document of each example, as text: for everybody, and for those with its token.
fn documents() -> BTreeMap<String, String> {
    let mut documents = BTreeMap::new();
    for (name, app) in EXAMPLES {
        let server = testing::start(app().assets(concat!(env!("CARGO_MANIFEST_DIR"), "/..")));
        documents.insert(name.to_owned(), server.get("/openrpc.json").body);
        documents.insert(format!("{name}, with a token"), server.with_token("hello_world").get("/openrpc.json").body);
    }
    documents
}

#[test]
fn the_official_validator_takes_the_documents_of_all_examples() {
    let documents = documents();
    let parsed = documents.iter().map(|(name, text)| (name.clone(), serde_json::from_str(text).expect("JSON")));
    let judged = validator::judge(&parsed.collect());
    assert_eq!(judged.keys().collect::<Vec<_>>(), documents.keys().collect::<Vec<_>>());
    let refused: Vec<_> = judged.iter().filter(|(_, judgement)| judgement.is_some()).collect();
    assert!(refused.is_empty(), "{refused:#?}");
}

#[test]
fn the_official_validator_refuses_what_is_no_document() {
    let text = testing::start(entity::app()).get("/openrpc.json").body;
    let sound: Value = serde_json::from_str(&text).expect("JSON");
    let broken = |path: &str, value: Value| {
        let mut document = sound.clone();
        *document.pointer_mut(path).expect(path) = value;
        document
    };
    let documents = BTreeMap::from([
        ("title", broken("/info/title", json!(1))),
        ("no methods", broken("/methods", json!(null))),
        ("a schema that is none", broken("/methods/0/params/0/schema", json!({ "type": "text" }))),
        ("the code of an error", broken("/methods/1/errors/0/code", json!("404"))),
    ]);
    let documents: BTreeMap<_, _> = documents.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    for (name, judgement) in validator::judge(&documents) {
        assert!(judgement.is_some_and(|why| why.contains("Error validating OpenRPC Document")), "{name}");
    }
}

#[test]
fn the_documents_of_all_examples_pass_our_own_checks() {
    let documents = documents();
    let more = |name: &str| documents[&format!("{name}, with a token")] != documents[name];
    assert!(["compute", "entity", "my_service", "storage", "web_pages"].iter().all(|name| more(name)), "{documents:?}");
    for (name, text) in documents {
        assert_eq!(checks::faults(&text), [""; 0], "{name}: {text}");
    }
}

#[test]
fn the_example_without_the_macro_has_the_document_of_the_one_with_it() {
    let documents = documents();
    for with in ["", ", with a token"] {
        let [written, by_hand] = ["my_service", "without_macro"].map(|name| {
            let mut document: Value = serde_json::from_str(&documents[&format!("{name}{with}")]).expect("JSON");
            // Only the one by hand has docs on its parameters, and only the other one has a client.
            for method in document["methods"].as_array_mut().expect("methods") {
                let function = method.as_object_mut().expect("an object").remove("x-rust");
                let own =
                    method["tags"].is_array().then(|| format!("MyServiceClient::{}", method["name"].as_str().unwrap()));
                assert_eq!(function, own.filter(|_| name == "my_service").map(Value::from));
                for param in method["params"].as_array_mut().expect("parameters") {
                    param.as_object_mut().expect("an object").remove("description");
                }
            }
            document
        });
        assert_eq!(written, by_hand);
    }
}

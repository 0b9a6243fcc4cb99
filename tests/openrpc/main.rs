//! The OpenRPC documents of all examples, checked by the official validator and by rules of our
//! own.

mod checks;
mod collisions;
mod route;
mod subscriptions;
mod validator;

use std::collections::BTreeMap;

use callbox_test_support::examples::start_example;
use callbox_test_support::http::request;
use serde_json::{Value, json};

/// The examples that are servers.
const EXAMPLES: [&str; 8] =
    ["compute", "embedded", "entity", "my_service", "prices", "storage", "web_pages", "without_macro"];

/// Returns the document of each example as text, for callers without a token and with one.
fn documents() -> BTreeMap<String, String> {
    let mut documents = BTreeMap::new();
    for name in EXAMPLES {
        let server = start_example(name);
        for (token, with) in [("", ""), ("hello_world", ", with a token")] {
            let document = request(server.address(), "GET", "/openrpc.json", &[("X-Api-Token", token)], "");
            assert_eq!(document.status, 200, "{name}{with}");
            documents.insert(format!("{name}{with}"), document.body);
        }
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
    let text = request(start_example("entity").address(), "GET", "/openrpc.json", &[], "").body;
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

//! `rpc.discover`: the contents of the OpenRPC document for each caller.

use std::collections::BTreeSet;

use callbox::testing::{self, TestClient, TestServer};
use callbox::{Server, service};
use callbox_test_support::names::Names;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

/// Where somebody lives.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Address {
    street: String,
    /// Whoever lives there as well.
    others: Vec<User>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct User {
    name: String,
    address: Option<Address>,
}

/// Only private methods have it.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Secret {
    hidden: Hidden,
}

#[derive(Serialize, Deserialize, JsonSchema)]
enum Hidden {
    Deep { by: User },
}

#[derive(Default)]
struct Users;

#[service(name = "city.users", namespace = "users")]
impl Users {
    /// Adds a user,
    /// and returns the number.
    ///
    /// The number is never used again.
    #[public_method]
    fn add(
        &mut self,
        user: User,
        /** Who asks. */
        by: Option<User>,
        #[param(default = 3)] tries: u8,
    ) -> u64 {
        let _ = (user, by, tries);
        1
    }

    #[public_method]
    fn find(&self, #[param(rename = "type")] kind: String, #[param(rest)] extra: Map<String, Value>) -> Vec<Address> {
        let _ = (kind, extra);
        Vec::new()
    }

    /// Tells.
    #[private_api_method]
    fn tell(&self) -> Option<Secret> {
        None
    }

    #[private_api_method(scope = "admin")]
    fn wipe(&mut self) {}
}

fn server() -> TestServer {
    testing::start(Server::new(Users::default).tokens(Names))
}

fn document(client: &TestClient) -> Value {
    let answer = client.rpc(&json!({ "jsonrpc": "2.0", "method": "rpc.discover", "id": 1 }));
    assert!(answer["result"].is_object(), "{answer}");
    answer["result"].clone()
}

fn names(document: &Value) -> Vec<&str> {
    document["methods"].as_array().unwrap().iter().map(|method| method["name"].as_str().unwrap()).collect()
}

fn schemas(document: &Value) -> BTreeSet<&str> {
    document["components"]["schemas"].as_object().unwrap().keys().map(String::as_str).collect()
}

/// Every `$ref` in a document.
fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            found.extend(members.get("$ref").and_then(Value::as_str));
            members.values().for_each(|member| references(member, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn a_document_has_the_shape_of_openrpc() {
    let document = document(&server().with_token("ann"));
    assert_eq!(document["openrpc"], "1.3.2");
    assert_eq!(document["info"], json!({ "title": "city.users", "version": env!("CARGO_PKG_VERSION") }));
    assert_eq!(names(&document), ["users.add", "users.find", "users.tell", "get_service_specs"]);

    // An answer has each member, and a call may leave out an optional one.
    let user = json!({ "$ref": "#/components/schemas/UserInput" });
    assert_eq!(
        document["methods"][0],
        json!({
            "name": "users.add",
            "tags": [{ "name": "city.users" }],
            "summary": "Adds a user, and returns the number.",
            "description": "Adds a user,\nand returns the number.\n\nThe number is never used again.",
            "paramStructure": "either",
            "params": [
                { "name": "user", "required": true, "schema": user },
                {
                    "name": "by",
                    "description": "Who asks.",
                    "required": false,
                    "schema": { "anyOf": [user, { "type": "null" }] },
                },
                {
                    "name": "tries",
                    "required": false,
                    "schema": { "type": "integer", "format": "uint8", "minimum": 0, "maximum": 255, "default": 3 },
                },
            ],
            "result": {
                "name": "result",
                "required": true,
                "schema": { "type": "integer", "format": "uint64", "minimum": 0 },
            },
            "x-access": "public",
            "x-kind": "write",
            "x-mailbox": { "capacity": 1024 },
            "x-deadline-ms": 30_000,
            "x-weight": 1,
            "x-rust": "UsersClient::add",
        })
    );
    let find = &document["methods"][1];
    assert_eq!((find.get("summary"), find.get("description")), (None, None));
    assert_eq!(find["params"], json!([{ "name": "type", "required": true, "schema": { "type": "string" } }]));
    let tell = &document["methods"][2];
    assert_eq!((&tell["summary"], tell.get("description")), (&json!("Tells."), None));
    assert_eq!(tell["params"], json!([]));
}

#[test]
fn every_reference_leads_to_a_schema_of_the_document() {
    let server = server();
    for token in ["nobody", "ann", "root"] {
        let document = document(&server.with_token(token));
        let mut found = Vec::new();
        references(&document, &mut found);
        assert!(found.len() >= 5, "{document}");
        for reference in found {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(document.pointer(pointer).is_some(), "{reference} leads nowhere in {document}");
        }
    }
}

#[test]
fn a_caller_sees_the_methods_it_may_call_and_no_other_schemas() {
    let server = server();
    let methods_for = |token: &str| {
        let document = document(&server.with_token(token));
        let names = names(&document).join(" ");
        (names, schemas(&document).into_iter().map(str::to_owned).collect::<Vec<_>>().join(" "))
    };
    let public = (
        "users.add users.find get_service_specs".to_owned(),
        "Address AddressInput ServiceSpecs User UserInput".to_owned(),
    );
    assert_eq!(methods_for("wrong"), public);
    let answer = server.rpc(&json!({ "jsonrpc": "2.0", "method": "rpc.discover", "id": 1 }));
    assert_eq!(names(&answer["result"]).join(" "), public.0, "without a token");
    let all = "Address AddressInput Hidden Secret ServiceSpecs User UserInput".to_owned();
    assert_eq!(methods_for("ann"), ("users.add users.find users.tell get_service_specs".to_owned(), all.clone()));
    assert_eq!(methods_for("root"), ("users.add users.find users.tell users.wipe get_service_specs".to_owned(), all));
}

#[test]
fn nothing_is_returned_if_the_caller_cannot_be_identified() {
    let server = server();
    let ask = json!({ "jsonrpc": "2.0", "method": "rpc.discover", "id": 1 });
    assert_eq!(server.with_token("away").rpc(&ask)["error"]["code"], -32003);
}

#[test]
fn it_takes_no_parameters_and_other_names_of_its_kind_are_unknown() {
    let server = server();
    let code = |method: &str, params: Value| {
        let call = json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": 1 });
        server.rpc(&call)["error"]["code"].as_i64()
    };
    for nothing in [json!(null), json!([]), json!({})] {
        assert_eq!(code("rpc.discover", nothing), None);
    }
    assert_eq!(code("rpc.discover", json!([1])), Some(-32602));
    assert_eq!(code("rpc.discover", json!({ "a": 1 })), Some(-32602));
    for unknown in ["rpc.", "rpc.describe", "rpc.Discover", "rpc"] {
        assert_eq!(code(unknown, json!([])), Some(-32601), "{unknown}");
    }
}

#[test]
fn the_specs_list_all_names_unless_private_ones_are_hidden() {
    let specs = |server: Server| {
        let server = testing::start(server.tokens(Names));
        let answer = server.rpc(&json!({ "jsonrpc": "2.0", "method": "get_service_specs", "id": 1 }));
        let result = answer["result"].clone();
        assert_eq!(result["accessible_at"], server.url("/api"), "{answer}");
        assert_eq!(result["name"], "city.users");
        let methods = result["methods"].as_object().unwrap();
        assert!(methods["get_service_specs"].is_string() && methods["users.find"].is_null(), "{answer}");
        methods.keys().cloned().collect::<Vec<_>>()
    };
    let all = specs(Server::new(Users::default));
    assert_eq!(all, ["get_service_specs", "users.add", "users.find", "users.tell", "users.wipe"]);
    let public = specs(Server::new(Users::default).hide_private(true));
    assert_eq!(public, ["get_service_specs", "users.add", "users.find"]);
}

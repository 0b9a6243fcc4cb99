//! Types with equal names, and types that are read and written differently: each has its own
//! definition.

use callbox::{InternalError, RpcError, Server, service, testing};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::{checks, validator};

mod shop {
    use super::*;

    /// Who buys.
    #[derive(Serialize, Deserialize, JsonSchema)]
    pub(super) struct User {
        pub(super) customer: u64,
    }
}

mod staff {
    use super::*;

    /// Who sells.
    #[derive(Serialize, Deserialize, JsonSchema)]
    pub(super) struct User {
        pub(super) badge: String,
    }
}

/// Some of many.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Page<T> {
    items: Vec<T>,
    next: Option<u64>,
}

/// Read as it is written, but for where it leads.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Holder {
    settings: Settings,
}

/// Read otherwise than it is written.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Settings {
    #[serde(default)]
    depth: u8,
}

/// Read as it is written.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Plain {
    id: u64,
}

/// Has the name that another would get.
#[derive(Serialize, Deserialize, JsonSchema)]
struct SettingsInput {
    taken: bool,
}

/// Leads back to itself.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Tree {
    leaves: Vec<Tree>,
}

/// Has no schema.
#[derive(Serialize)]
struct Opaque;

// Told of, and never answered.
#[allow(dead_code)]
#[derive(RpcError)]
enum SellError {
    #[rpc(code = 404, message = "No such user {id}")]
    NoSuchUser {
        #[rpc(data)]
        id: u64,
        #[rpc(data)]
        r#type: Option<String>,
        hidden: u8,
    },
    #[rpc(code = 404)]
    NoSuchThing,
    #[rpc(code = 409, message = "{0} is newer")]
    Newer(#[rpc(data)] u8, #[rpc(data)] Settings),
    #[rpc(code = 7)]
    Strange(#[rpc(data)] Opaque),
    #[rpc(transparent)]
    Pay(PayError),
    #[rpc(transparent)]
    Internal(InternalError),
}

#[allow(dead_code)]
#[derive(RpcError)]
enum PayError {
    #[rpc(code = 402)]
    TooPoor(#[rpc(data)] Plain),
}

#[derive(Default)]
struct Market;

/// Buys and sells.
///
/// On every day but Sunday.
#[service(name = "test.market", version = "2.7.1", client = false)]
impl Market {
    #[public_method]
    fn customers(&self, like: shop::User, page: Page<shop::User>) -> Page<shop::User> {
        let _ = like;
        page
    }

    #[public_method]
    async fn sellers(&self, like: staff::User) -> Page<staff::User> {
        Page { items: vec![like], next: None }
    }

    #[public_method(mailbox = 7, weight = 3, mailbox_group = "books", deadline = "1.5s", max_wait = "10ms")]
    fn set(&mut self, holder: Holder, plain: Plain, also: Option<Settings>) -> Holder {
        let _ = (also, plain);
        holder
    }

    #[private_api_method(mailbox = 9, mailbox_group = "books")]
    async fn sell(&mut self, to: (u8, String), plain: Plain) -> Result<(Plain, SettingsInput), SellError> {
        let _ = to;
        Ok((plain, SettingsInput { taken: true }))
    }

    #[public_method(compute, idempotent)]
    fn grow(tree: Tree, #[param(rest)] more: std::collections::BTreeMap<String, Settings>) -> Result<Tree, RpcError> {
        let _ = more;
        Ok(tree)
    }
}

#[derive(Default)]
struct Second;

#[service(name = "test.second", namespace = "second")]
impl Second {
    #[public_method]
    fn any(&self, #[param(rest)] more: Map<String, Value>) -> usize {
        more.len()
    }

    #[deprecated = "use `any`"]
    #[public_method]
    fn old(&self) {}

    #[public_method(name = "match")]
    fn r#match(&self, #[param(rename = "type")] kind: Option<u8>) -> Option<u8> {
        kind
    }

    #[public_method]
    fn update(&self, note: Option<Option<String>>) -> bool {
        note.is_some()
    }
}

fn document() -> (String, Value) {
    let server = Server::new(Market::default).service(Second::default).tokens(|token: &str| token == "t");
    let text = testing::start(server).with_token("t").get("/openrpc.json").body;
    let document = serde_json::from_str(&text).expect("JSON");
    (text, document)
}

fn method<'a>(document: &'a Value, name: &str) -> &'a Value {
    let methods = document["methods"].as_array().expect("methods");
    methods.iter().find(|method| method["name"] == name).expect(name)
}

/// The definition to which a schema leads.
fn resolve<'a>(document: &'a Value, schema: &Value) -> &'a Value {
    let reference = schema["$ref"].as_str().unwrap_or_else(|| panic!("no reference: {schema}"));
    document.pointer(reference.strip_prefix('#').expect("a fragment")).expect(reference)
}

#[test]
fn a_document_with_every_difficulty_is_sound() {
    let (text, document) = document();
    assert_eq!(checks::faults(&text), [""; 0], "{text}");
    let judged = validator::judge(&std::collections::BTreeMap::from([("market".to_owned(), document)]));
    assert_eq!(judged["market"], None);
}

#[test]
fn types_of_one_name_do_not_share_a_definition() {
    let (_, document) = document();
    let of = |name: &str, param: usize| {
        let method = method(&document, name);
        resolve(&document, &method["params"][param]["schema"])
    };
    assert!(of("customers", 0)["properties"].get("customer").is_some(), "{document}");
    assert!(of("sellers", 0)["properties"].get("badge").is_some(), "{document}");
    for (name, member) in [("customers", "customer"), ("sellers", "badge")] {
        let page = resolve(&document, &method(&document, name)["result"]["schema"]);
        let item = resolve(&document, &page["properties"]["items"]["items"]);
        assert!(item["properties"].get(member).is_some(), "{name}: {item}");
    }
}

#[test]
fn a_type_has_two_definitions_only_if_it_is_read_otherwise_than_it_is_written() {
    let (_, document) = document();
    let set = method(&document, "set");
    let (sent, answered) = (&set["params"][0]["schema"], &set["result"]["schema"]);
    assert_eq!(
        (&sent["$ref"], &answered["$ref"]),
        (&json!("#/components/schemas/HolderInput"), &json!("#/components/schemas/Holder"))
    );
    let settings = |holder: &Value| resolve(&document, &resolve(&document, holder)["properties"]["settings"]).clone();
    assert_eq!(settings(sent).get("required"), None);
    assert_eq!(settings(answered)["required"], json!(["depth"]));
    assert_eq!(resolve(&document, sent)["properties"]["settings"]["$ref"], "#/components/schemas/SettingsInput2");
    assert_eq!(set["params"][2]["schema"]["anyOf"][0]["$ref"], "#/components/schemas/SettingsInput2");

    let sell = method(&document, "sell");
    let plain = json!({ "$ref": "#/components/schemas/Plain" });
    assert_eq!((&sell["params"][1]["schema"], &sell["result"]["schema"]["items"][0]), (&plain, &plain));
    assert!(resolve(&document, &sell["result"]["schema"]["items"][1])["properties"].get("taken").is_some());
    let tree = method(&document, "grow");
    assert_eq!(tree["params"][0]["schema"], tree["result"]["schema"], "one that leads back to itself");
}

#[test]
fn a_method_lists_the_errors_that_its_type_knows() {
    let (_, document) = document();
    let id = json!({ "type": "integer", "format": "uint64", "minimum": 0 });
    let small = json!({ "type": "integer", "format": "uint8", "minimum": 0, "maximum": 255 });
    assert_eq!(
        method(&document, "sell")["errors"],
        json!([
            {
                "code": 404,
                "message": "No such user {id} / No such thing",
                "data": {
                    "type": "object",
                    "properties": { "id": id, "type": { "type": ["string", "null"] } },
                    "required": ["id", "type"],
                },
            },
            {
                "code": 409,
                "message": "{0} is newer",
                "data": {
                    "type": "array",
                    "items": [small, { "$ref": "#/components/schemas/Settings" }],
                    "minItems": 2,
                    "maxItems": 2,
                },
            },
            { "code": 7, "message": "Strange", "data": true },
            { "code": 402, "message": "Too poor", "data": { "$ref": "#/components/schemas/Plain" } },
        ])
    );
    for silent in ["set", "grow", "get_service_specs"] {
        assert_eq!(method(&document, silent).get("errors"), None, "{silent}");
    }
    let common = document["components"]["errors"].as_object().expect("errors of callbox itself");
    let codes: std::collections::BTreeSet<_> = common.values().filter_map(|error| error["code"].as_i64()).collect();
    let expected = [-32800, -32700, -32603, -32602, -32601, -32600, -32004, -32003, -32002, -32001, -32000];
    assert_eq!(codes, expected.into());
}

#[test]
fn access_and_mailboxes_are_described_in_members_of_their_own() {
    let (_, document) = document();
    let extensions = |name: &str| {
        let members = method(&document, name).as_object().expect("an object").iter();
        let own = members.filter(|(name, _)| name.starts_with("x-"));
        Value::Object(own.map(|(name, value)| (name.clone(), value.clone())).collect())
    };
    let (kind, access, deadline) = ("x-kind", "x-access", "x-deadline-ms");
    assert_eq!(
        extensions("set"),
        json!({
            access: "public", kind: "write", deadline: 1500, "x-max-wait-ms": 10, "x-weight": 3,
            "x-mailbox": { "capacity": 9, "group": "books" },
        })
    );
    assert_eq!(
        extensions("sell"),
        json!({
            access: "private", kind: "write_async", deadline: 30_000, "x-weight": 3,
            "x-mailbox": { "capacity": 9, "group": "books" },
            "x-error-names": { "402": ["TooPoor"], "404": ["NoSuchUser", "NoSuchThing"], "409": ["Newer"], "7": ["Strange"] },
        })
    );
    assert_eq!(
        extensions("grow"),
        json!({
            access: "public", kind: "compute", deadline: 30_000, "x-weight": 1, "x-mailbox": { "capacity": 1024 },
            "x-idempotent": true, "x-rest": { "$ref": "#/components/schemas/SettingsInput2" },
        })
    );
    assert_eq!((&extensions("customers")[kind], &extensions("sellers")[kind]), (&json!("read"), &json!("read_async")));
    assert_eq!(extensions("second.any")["x-rest"], true);
    assert_eq!(extensions("get_service_specs"), json!({ access: "public" }));
}

#[test]
fn a_deprecated_method_is_marked_as_deprecated() {
    let (_, document) = document();
    assert_eq!(method(&document, "second.old")["deprecated"], true);
    assert_eq!(method(&document, "second.any").get("deprecated"), None);
}

#[test]
fn a_method_names_the_function_of_the_typed_client_if_its_schema_says_how_to_call_it() {
    let (_, document) = document();
    let function = |name: &str| method(&document, name).get("x-rust").and_then(Value::as_str);
    assert_eq!(function("second.any"), Some("SecondClient::any"));
    assert_eq!(function("second.match"), Some("SecondClient::r#match"), "as Rust writes it");
    assert_eq!(function("second.update"), None, "its schema does not tell null from what is left out");
    assert_eq!(function("set"), None, "its service has no client");
    assert_eq!(function("get_service_specs"), None);
}

#[test]
fn the_services_give_the_document_its_title_and_each_its_methods_a_tag() {
    let (_, document) = document();
    let about = "Buys and sells.\n\nOn every day but Sunday.";
    assert_eq!(document["info"], json!({ "title": "test.market, test.second", "version": "2.7.1" }));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(
        document["x-services"],
        json!([
            { "name": "test.market", "description": about, "version": "2.7.1" },
            { "name": "test.second", "version": version },
        ])
    );
    for (name, tags) in
        [("sell", json!([{ "name": "test.market" }])), ("second.any", json!([{ "name": "test.second" }]))]
    {
        assert_eq!(method(&document, name)["tags"], tags);
    }
    assert_eq!(method(&document, "get_service_specs").get("tags"), None);
}

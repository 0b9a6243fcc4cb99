//! The built-in methods.

use callbox_test_support::http::request;
use serde_json::{Value, json};

use crate::calculator::{call, error, start, start_with};

const PUBLIC: [&str; 15] = [
    "add",
    "add_up",
    "byte",
    "divide",
    "get_service_specs",
    "half",
    "hold",
    "label",
    "long_text",
    "never",
    "nothing",
    "panics",
    "take_rest",
    "wait",
    "who_am_i",
];

fn names(specs: &Value) -> Vec<&str> {
    specs["methods"].as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn get_service_specs_returns_what_python_clients_build_their_proxies_from() {
    let calculator = start_with(|server| server.compute_threads(3));
    let address = calculator.server.address();
    for params in ["null", "[]", "{}"] {
        let answer: Value = serde_json::from_str(&calculator.answer(call("get_service_specs", params, "1"))).unwrap();
        let specs = &answer["result"];
        assert_eq!(specs["name"], "test.calculator");
        assert_eq!((&specs["host"], &specs["port"]), (&json!("127.0.0.1"), &json!(address.port())));
        assert_eq!(specs["accessible_at"], format!("http://{address}/api"));
        assert_eq!(specs["max_parallel_blocking_tasks"], 3);
        assert_eq!(specs.as_object().unwrap().len(), 6, "{specs}");
        assert_eq!(specs["methods"]["add"], "Adds two numbers.");
        assert_eq!(specs["methods"]["nothing"], Value::Null, "no documentation");
        assert!(specs["methods"]["get_service_specs"].is_string(), "it lists itself");
        let mut all = [&PUBLIC[..], &["administer", "secret", "secret_hold"]].concat();
        all.sort_unstable();
        assert_eq!(names(specs), all, "private ones, too");
        assert_eq!(specs["methods"]["administer"], "For administrators.");
    }
    for params in ["[1]", r#"{"x":1}"#] {
        assert!(calculator.answer(call("get_service_specs", params, "1")).contains("-32602"), "{params}");
    }
}

#[test]
fn hide_private_leaves_private_methods_out() {
    let calculator = start_with(|server| server.hide_private(true));
    let answer = calculator.server.rpc(&json!({ "jsonrpc": "2.0", "method": "get_service_specs", "id": 1 }));
    assert_eq!(names(&answer["result"]), PUBLIC);
    assert_eq!(
        calculator.answer(call("secret", "[1]", "1")),
        error(-32001, "1"),
        "which does not hide that it is there"
    );
}

#[test]
fn names_that_begin_with_rpc_are_unknown_unless_they_are_ours() {
    let calculator = start();
    for name in ["rpc.", "rpc.x", "rpc.add"] {
        assert_eq!(calculator.answer(call(name, "[]", "1")), error(-32601, "1"), "{name}");
    }
}

#[test]
fn the_specs_are_returned_in_every_dialect() {
    let calculator = start();
    for (path, member) in [("/api", "result"), ("/api/py", "response"), ("/api/v0", "result")] {
        let answer = request(calculator.server.address(), "POST", path, &[], call("get_service_specs", "{}", "1"));
        assert_eq!(answer.json()[member]["name"], "test.calculator", "{path}");
    }
}

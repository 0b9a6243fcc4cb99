//! The cases of the rules for parameters for whole servers, without HTTP and over a socket.

use callbox::{Server, service, testing};
use callbox_test_cases::params::{ParamsCase, cases};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::calculator::{call, result};

/// A service whose methods return their own parameters.
pub(crate) struct Mirror;

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Pigment {
    name: String,
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Setting {
    level: u8,
    gain: Option<f32>,
    id: Option<u128>,
}

#[service(name = "test.mirror")]
impl Mirror {
    #[public_method]
    fn ping(&self) -> Value {
        json!({})
    }

    #[public_method]
    fn add(&self, a: i64, b: i64) -> Value {
        json!({ "a": a, "b": b })
    }

    #[public_method]
    fn paint(&self, level: u8, ratio: f64, #[param(rename = "type")] pigment: Pigment) -> Value {
        json!({ "level": level, "ratio": ratio, "type": pigment })
    }

    #[public_method]
    fn find(&self, key: String, limit: Option<u32>, #[param(default = 10)] page: u32) -> Value {
        json!({ "key": key, "limit": limit, "page": page })
    }

    #[public_method]
    fn log(&self, level: u8, #[param(rest)] rest: Map<String, Value>) -> Value {
        let mut all = Map::from_iter([("level".to_owned(), level.into())]);
        all.extend(rest);
        all.into()
    }

    #[public_method]
    fn keep(&self, value: Value) -> Value {
        json!({ "value": value })
    }

    #[public_method]
    fn transfer(&self, to: String, amount: u128, fee: Option<u128>) -> Value {
        json!({ "to": to, "amount": amount, "fee": fee })
    }

    #[public_method]
    fn tune(&self, name: String, #[param(rest)] rest: Setting) -> Value {
        json!({ "name": name, "level": rest.level, "gain": rest.gain, "id": rest.id })
    }
}

#[test]
fn each_case_runs_or_is_rejected_with_a_reason_without_http_and_over_a_socket() {
    let (direct, server) = (testing::in_process(|| Mirror), testing::start(Server::new(|| Mirror)));
    for ParamsCase { method, params, message } in cases() {
        let body = call(method, &params, "1");
        let expected = match message {
            Ok(message) => json!({ "jsonrpc": "2.0", "result": message, "id": 1 }),
            Err(data) => {
                let error = json!({ "code": -32602, "message": "Invalid params", "data": data });
                json!({ "jsonrpc": "2.0", "error": error, "id": 1 })
            }
        };
        let answer = direct.post(&body).unwrap_or_default();
        assert_eq!(serde_json::from_str::<Value>(&answer).unwrap(), expected, "{method} {params}, without HTTP");
        assert_eq!(server.post(&body).body, answer, "{method} {params}, over a socket");
    }
}

#[test]
fn parameters_that_are_left_out_are_none() {
    let direct = testing::in_process(|| Mirror);
    let without = |method: &str| direct.post(format!(r#"{{"jsonrpc":"2.0","method":"{method}","id":1}}"#)).unwrap();
    assert_eq!(without("ping"), result("{}", "1"));
    assert!(without("add").contains(r#"{"param":"a","reason":"missing"}"#));
}

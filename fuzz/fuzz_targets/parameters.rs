//! Parameters: they make a message, or an error that reveals nothing of the Rust code. A message
//! that was written can be read again.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use callbox::service;
use callbox::testing::{self, InProcess};
use libfuzzer_sys::fuzz_target;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

#[derive(Serialize, Deserialize, JsonSchema)]
struct InnerPoint {
    x: u8,
    y: Option<Box<InnerPoint>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct InnerPair(i16, InnerPoint);

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum InnerShape {
    Dot,
    Square { side: u8 },
    Pair(u8, u8),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum InnerTagged {
    A { x: u8 },
    B(InnerPoint),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "t", content = "c", rename_all = "lowercase")]
enum InnerBeside {
    A { x: u8 },
    B(u8, u8),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum InnerChoice {
    Number(u8),
    Text(String),
    Point(InnerPoint),
}

/// Its methods answer with their parameters, by name.
struct Mirror;

#[service(name = "fuzz.mirror")]
impl Mirror {
    #[public_method]
    fn plain(&self, byte: u8, ratio: Option<f64>, text: Option<String>, #[param(default = 7)] more: i64) -> Value {
        json!({ "byte": byte, "ratio": ratio, "text": text, "more": more })
    }

    #[public_method]
    fn ours(&self, shape: InnerShape, pair: Option<InnerPair>, list: Option<Vec<InnerPoint>>) -> Value {
        json!({ "shape": shape, "pair": pair, "list": list })
    }

    #[public_method]
    fn tagged(&self, tagged: Option<InnerTagged>, beside: Option<InnerBeside>, choice: Option<InnerChoice>) -> Value {
        json!({ "tagged": tagged, "beside": beside, "choice": choice })
    }

    #[public_method]
    fn maps(
        &self,
        names: Option<BTreeMap<String, u8>>,
        numbers: Option<BTreeMap<i8, bool>>,
        any: Option<Value>,
    ) -> Value {
        json!({ "names": names, "numbers": numbers, "any": any })
    }

    #[public_method]
    fn rest(&self, level: u8, #[param(rest)] rest: Map<String, Value>) -> Value {
        let mut all = rest;
        all.insert("level".to_owned(), level.into());
        all.into()
    }

    #[public_method]
    fn none(&self) -> Value {
        json!({})
    }
}

const METHODS: [&str; 6] = ["plain", "ours", "tagged", "maps", "rest", "none"];

static MIRROR: LazyLock<InProcess<Mirror>> = LazyLock::new(|| testing::in_process(|| Mirror));

fn call(method: &str, params: &str) -> Option<Value> {
    let answer = MIRROR.post(format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{params},"id":1}}"#))?;
    Some(serde_json::from_str(&answer).expect("an answer is JSON"))
}

fuzz_target!(|input: &[u8]| {
    let Some((choice, params)) = input.split_first() else { return };
    let Ok(params) = std::str::from_utf8(params) else { return };
    if serde_json::from_str::<serde::de::IgnoredAny>(params).is_err() {
        return;
    }
    let method = METHODS[usize::from(*choice) % METHODS.len()];
    let answer = call(method, params).expect("a call is answered");
    let error = &answer["error"];
    if error.is_null() {
        let message = &answer["result"];
        let again = call(method, &message.to_string()).expect("a call is answered");
        assert_eq!(&again["result"], message, "what was read can be read again: {again}");
        return;
    }
    match error["code"].as_i64() {
        Some(-32602) => {
            let reason = error["data"]["reason"].as_str().expect("a reason");
            let param = error["data"].get("param").map(|param| param.as_str().expect("a name"));
            assert!(reason.len() < 1000 && param.is_none_or(|param| param.len() < 200), "{error}");
            // The caller may have sent the word, and gets back what it sent.
            assert!(params.contains("Inner") || !reason.contains("Inner"), "{error}");
        }
        Some(-32600) => assert!(!params.trim_start().starts_with(['[', '{']), "{error}"),
        Some(-32700) => assert!(params.matches(['[', '{']).count() > 126, "{error}"),
        _ => panic!("{error}"),
    }
});

//! Integers of 128 bits where serde sets values aside before it reads them: what the guide says of
//! them.

use callbox::{Server, service, testing};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Value, json};

use crate::calculator::call;

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Coin {
    id: u128,
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind")]
enum TaggedCoin {
    Coin { id: u128 },
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind", content = "value")]
enum BesideCoin {
    Coin { id: u128 },
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[serde(untagged)]
enum UntaggedCoin {
    Coin { id: u128 },
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct FlatCoin {
    #[serde(flatten)]
    coin: Coin,
}

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
enum OutsideCoin {
    Coin { id: u128 },
}

/// The remedy of the guide.
#[derive(Serialize, Deserialize, schemars::JsonSchema)]
#[serde(tag = "kind")]
enum AsTextCoin {
    Coin {
        #[serde(with = "as_text")]
        #[schemars(with = "String")]
        id: u128,
    },
}

mod as_text {
    use super::*;

    pub(super) fn serialize<S: Serializer>(number: &u128, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u128, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

struct Vault;

#[service]
impl Vault {
    #[public_method]
    fn tagged(&self, value: TaggedCoin) -> TaggedCoin {
        value
    }

    #[public_method]
    fn beside(&self, value: BesideCoin) -> BesideCoin {
        value
    }

    #[public_method]
    fn untagged(&self, value: UntaggedCoin) -> UntaggedCoin {
        value
    }

    #[public_method]
    fn flat(&self, value: FlatCoin) -> FlatCoin {
        value
    }

    #[public_method]
    fn outside(&self, value: OutsideCoin) -> OutsideCoin {
        value
    }

    #[public_method]
    fn as_text(&self, value: AsTextCoin) -> AsTextCoin {
        value
    }

    #[public_method]
    fn rest(&self, #[param(rest)] value: Coin) -> Coin {
        value
    }
}

fn answer(method: &str, params: &str) -> Value {
    let server = testing::start(Server::new(|| Vault));
    serde_json::from_str(&server.post(call(method, params, "1")).body).expect("JSON")
}

#[test]
fn what_serde_sets_aside_is_refused_with_its_parameter() {
    let wide = "an integer of 128 bits cannot be read here";
    for (method, value, reason) in [
        ("tagged", r#"{"kind":"Coin","id":5}"#, wide),
        ("beside", r#"{"value":{"id":5},"kind":"Coin"}"#, wide),
        ("flat", r#"{"id":5}"#, wide),
        ("untagged", r#"{"id":5}"#, "data did not match any variant"),
    ] {
        let refused = answer(method, &format!("[{value}]"));
        let data = &refused["error"]["data"];
        assert_eq!(data["param"], "value", "{method}: {refused}");
        assert!(data["reason"].as_str().expect("a reason").starts_with(reason), "{method}: {refused}");
    }
}

#[test]
fn everywhere_else_it_arrives_and_so_does_a_text() {
    let wide = u128::MAX;
    for (method, params) in [
        ("outside", format!(r#"{{"value":{{"Coin":{{"id":{wide}}}}}}}"#)),
        ("beside", format!(r#"{{"value":{{"kind":"Coin","value":{{"id":{wide}}}}}}}"#)),
        ("as_text", format!(r#"{{"value":{{"kind":"Coin","id":"{wide}"}}}}"#)),
        ("rest", format!(r#"{{"id":{wide}}}"#)),
    ] {
        let server = testing::start(Server::new(|| Vault));
        let body = server.post(call(method, &params, "1")).body;
        assert!(body.contains(&wide.to_string()), "{method}: {body}");
    }
    let refused = answer("as_text", r#"{"value":{"kind":"Coin","id":"x"}}"#);
    assert_eq!(refused["error"]["data"], json!({ "param": "value", "reason": "invalid digit found in string" }));
}

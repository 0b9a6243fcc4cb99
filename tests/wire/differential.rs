//! Two ways to one answer: alone and as a batch of one, over HTTP and without, in each dialect.

use callbox::auth::Authenticate;
use callbox::testing::{self, InProcess, TestServer};
use callbox::{BoxError, Caller, Dialect, Server, service};
use callbox_test_cases::wire::{cases, without_reasons};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::params::Mirror;

/// What needs a token, beside a service that does not.
struct Vault;

#[service(name = "test.vault")]
impl Vault {
    #[private_api_method]
    fn secret(&self, n: i64) -> i64 {
        n
    }

    #[private_api_method(scope = "admin")]
    fn administer(&mut self, n: i64) -> i64 {
        n
    }

    #[public_method]
    fn who_am_i(&self, caller: &Caller) -> Option<String> {
        caller.name().map(str::to_owned)
    }
}

struct Tokens;

impl Authenticate for Tokens {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        Ok(match token {
            "good" => Some(Caller::named("ann")),
            "admin" => Some(Caller::named("root").with_scope("admin")),
            _ => None,
        })
    }
}

const DIALECTS: [Dialect; 3] = [Dialect::Jsonrpc, Dialect::Pymicroservice, Dialect::Gemstone];

/// The same services in every way.
struct Ways {
    direct: InProcess<Mirror>,
    servers: [TestServer; 3],
}

impl Ways {
    fn start() -> Self {
        let both = |server: Server| server.service(|| Vault).tokens(Tokens).token_failures(None);
        let server = |dialect| testing::start(both(Server::new(|| Mirror)).dialect(dialect));
        Self { direct: testing::in_process_with(|| Mirror, both), servers: DIALECTS.map(server) }
    }

    /// The answer in a dialect, which is the same over HTTP and without.
    fn answer(&self, dialect: usize, body: &[u8], token: Option<&str>) -> Option<String> {
        let (direct, server) = (self.direct.in_dialect(DIALECTS[dialect]), &self.servers[dialect]);
        let (direct, page) = match token {
            Some(token) => (direct.with_token(token).post(body), server.with_token(token).post(body)),
            None => (direct.post(body), server.post(body)),
        };
        let expected = if direct.is_some() { 200 } else { 204 };
        assert_eq!((page.status, page.body.as_str()), (expected, direct.as_deref().unwrap_or_default()));
        direct
    }

    fn check(&self, body: &[u8], token: Option<&str>) {
        let alone = self.answer(0, body, token);
        let wrapped = [b"[", body, b"]"].concat();
        let in_batch = self.answer(0, &wrapped, token);
        let is_batch = body.trim_ascii_start().starts_with(b"[");
        let is_json = |bytes: &[u8]| serde_json::from_slice::<serde::de::IgnoredAny>(bytes).is_ok();
        if is_json(body) && !is_batch {
            // A mistake has another place in a batch.
            let without = |answer: &Option<String>| answer.as_deref().map(without_reasons);
            let broken = alone.as_ref().is_some_and(|alone| alone.contains("-32700"));
            let expected = alone.as_ref().map(|alone| if broken { alone.clone() } else { format!("[{alone}]") });
            assert_eq!(without(&in_batch), without(&expected));
        } else if !is_json(&wrapped) {
            for answer in [&alone, &in_batch] {
                assert_eq!(answer.as_deref().map(without_reasons).as_deref(), Some(PARSE_ERROR));
            }
        }
        for dialect in [1, 2] {
            assert_eq!(self.answer(dialect, body, token), translated(dialect, alone.as_deref(), is_batch));
            assert_eq!(self.answer(dialect, &wrapped, token), translated(dialect, in_batch.as_deref(), true));
        }
    }
}

const PARSE_ERROR: &str = r#"{"jsonrpc":"2.0","error":{"code":-32700,"message":"Parse error"},"id":null}"#;

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    result: Option<&'a RawValue>,
    #[serde(borrow)]
    error: Option<&'a RawValue>,
    #[serde(borrow)]
    id: &'a RawValue,
}

/// What an older dialect makes of an answer in the strict one, which is none to notifications.
fn translated(dialect: usize, strict: Option<&str>, is_batch: bool) -> Option<String> {
    let received =
        [r#"{"error":null,"id":null,"response":"received"}"#, r#"{"jsonrpc":"2.0","result":"received","error":null}"#];
    let received = received[dialect - 1].to_owned();
    match strict {
        Some(strict) if strict.starts_with('[') => {
            let answers: Vec<&RawValue> = serde_json::from_str(strict).expect("a batch of answers");
            let answers: Vec<_> = answers.iter().filter_map(|answer| translated_one(dialect, answer.get())).collect();
            Some(format!("[{}]", answers.join(",")))
        }
        Some(strict) => Some(translated_one(dialect, strict).unwrap_or(received)),
        None if is_batch => Some("[]".to_owned()),
        None => Some(received),
    }
}

/// None if it is a notification there: a call under the id null.
fn translated_one(dialect: usize, strict: &str) -> Option<String> {
    let Answer { result, error, id } = serde_json::from_str(strict).expect("an answer");
    let no_call = error.is_some_and(|error| error.get().contains("-32600") || error.get().contains("-32700"));
    if id.get() == "null" && !no_call {
        return None;
    }
    // A result of null is one, too: there is no error then.
    let (result, error) = (result.map_or("null", RawValue::get), error.map_or("null", RawValue::get));
    Some(match dialect {
        1 => format!(r#"{{"error":{error},"id":{id},"response":{result}}}"#),
        _ => format!(r#"{{"jsonrpc":"2.0","result":{result},"error":{error},"id":{id}}}"#),
    })
}

fn any_value() -> impl Strategy<Value = Value> {
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-3_i64..300).prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
    ];
    scalar.prop_recursive(3, 12, 4, |inner| {
        let name = prop_oneof![Just("name".to_owned()), ".{0,4}"];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((name, inner), 0..4).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

/// Mostly parameters that some method takes.
fn any_params() -> impl Strategy<Value = String> {
    let fitting = select(vec![
        r#"[1,2]"#,
        r#"{"a":1,"b":2}"#,
        r#"[7]"#,
        r#"{"n":7}"#,
        "[]",
        "{}",
        "null",
        r#"["k"]"#,
        r#"{"level":1,"x":[]}"#,
        r#"[1,0.5,{"name":"oil"}]"#,
    ]);
    let name = select(vec!["a", "b", "n", "level", "ratio", "type", "key", "limit", "page", "value", "x", "rest"]);
    let members = prop::collection::vec((name, any_value()), 0..4);
    prop_oneof![
        4 => fitting.prop_map(str::to_owned),
        2 => prop::collection::vec(any_value(), 0..4).prop_map(|values| Value::from(values).to_string()),
        // By hand, so that a name may stand there twice.
        2 => members.prop_map(|members| {
            let members: Vec<_> = members.iter().map(|(name, value)| format!("{}:{value}", json!(name))).collect();
            format!("{{{}}}", members.join(","))
        }),
        1 => any_value().prop_map(|value| value.to_string()),
    ]
}

/// The members of a request, mostly of a valid one, in any order.
fn any_request() -> impl Strategy<Value = String> {
    let names =
        ["ping", "add", "paint", "find", "log", "keep", "secret", "administer", "who_am_i", "nobody", "", "rpc.x"];
    let method = prop_oneof![8 => select(names.to_vec()).prop_map(|name| json!(name)), 1 => any_value()];
    let version = prop_oneof![9 => Just(r#""2.0""#), 1 => select(vec!["\"1.0\"", "2.0", "null", r#""\u0032.0""#])];
    let ids = ["1", "0", "-1", "1.50", "\"x\"", "\"\"", "null", "1e400", "true", "{}", "[1]"];
    let id =
        prop_oneof![6 => select(ids.to_vec()).prop_map(str::to_owned), 1 => any_value().prop_map(|id| id.to_string())];
    let member = |name: &'static str| move |value: String| format!(r#""{name}":{value}"#);
    let members = (
        prop::option::weighted(0.95, version.prop_map(|version| format!(r#""jsonrpc":{version}"#))),
        prop::option::weighted(0.95, method.prop_map(|method| method.to_string()).prop_map(member("method"))),
        prop::option::weighted(0.8, any_params().prop_map(member("params"))),
        prop::option::weighted(0.8, id.prop_map(member("id"))),
        prop::option::weighted(0.1, any_value().prop_map(|value| value.to_string()).prop_map(member("x"))),
        prop::option::weighted(0.05, any_params().prop_map(member("params"))),
    );
    members
        .prop_flat_map(|(a, b, c, d, e, f)| {
            Just([a, b, c, d, e, f].into_iter().flatten().collect::<Vec<_>>()).prop_shuffle()
        })
        .prop_map(|members| format!("{{{}}}", members.join(",")))
}

/// Where how many bytes are taken out, and what is put there.
type Damage = (Index, usize, Vec<u8>);

fn any_damage() -> impl Strategy<Value = Vec<Damage>> {
    let byte = prop_oneof![select(b"{}[]\",:\\ 01e.-n".to_vec()), any::<u8>()];
    prop::collection::vec((any::<Index>(), 0..3_usize, prop::collection::vec(byte, 0..3)), 1..4)
}

fn damaged(request: &str, damage: &[Damage]) -> Vec<u8> {
    let mut body = request.as_bytes().to_vec();
    for (at, out, put) in damage {
        let at = at.index(body.len() + 1);
        let end = (at + out).min(body.len());
        body.splice(at..end, put.iter().copied());
    }
    body
}

#[test]
fn each_case_has_one_response_in_every_way() {
    let ways = Ways::start();
    for case in cases() {
        ways.check(&case.body, None);
    }
}

#[test]
fn any_request_whole_or_damaged_has_one_answer_in_every_way() {
    let ways = Ways::start();
    let tokens = select(vec![None, Some("good"), Some("admin"), Some("bad")]);
    let case = (any_request(), any_damage(), tokens);
    proptest!(|((request, damage, token) in case)| {
        ways.check(request.as_bytes(), token);
        ways.check(&damaged(&request, &damage), token);
    });
}

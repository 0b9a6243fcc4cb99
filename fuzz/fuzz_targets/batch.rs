//! Batches: a server's answer is those to the members alone, in their order.

#![no_main]

use std::sync::LazyLock;

use callbox::testing::{self, InProcess};
use callbox::{Dialect, RpcError, service};
use libfuzzer_sys::fuzz_target;
use serde::Deserialize;
use serde_json::value::RawValue;

/// Its methods answer the same whenever they are called, in each way that methods run.
struct Steady;

#[service(name = "fuzz.steady")]
impl Steady {
    #[public_method]
    fn add(&self, a: i64, b: i64) -> i64 {
        a.wrapping_add(b)
    }

    #[public_method]
    fn keep(&mut self, value: serde_json::Value) -> serde_json::Value {
        value
    }

    #[public_method(mailbox = 1)]
    async fn later(&mut self, value: u8) -> u8 {
        tokio::task::yield_now().await;
        value
    }

    #[public_method]
    async fn beside(&self, value: u8) -> u8 {
        tokio::task::yield_now().await;
        value
    }

    #[public_method]
    fn fail(&self, code: u8) -> Result<(), RpcError> {
        Err(RpcError::new(code.into(), "No"))
    }

    #[private_api_method]
    fn secret(&self) -> u8 {
        5
    }
}

static STEADY: LazyLock<[InProcess<Steady>; 3]> = LazyLock::new(|| {
    let steady = testing::in_process(|| Steady);
    [Dialect::Jsonrpc, Dialect::Pymicroservice, Dialect::Gemstone].map(|dialect| steady.in_dialect(dialect))
});

#[derive(Deserialize)]
struct Batch<'a>(#[serde(borrow)] Vec<&'a RawValue>);

const PARSE_ERROR: &str = r#""code":-32700"#;

fuzz_target!(|body: &[u8]| {
    for (number, steady) in STEADY.iter().enumerate() {
        let answer = steady.post(body);
        let is_batch = body.trim_ascii_start().starts_with(b"[");
        let members = is_batch.then(|| serde_json::from_slice::<Batch<'_>>(body).ok()).flatten();
        let Some(Batch(members)) = members.filter(|Batch(members)| (1..=100).contains(&members.len())) else {
            continue;
        };
        // A batch in a batch is an invalid member whatever it contains, but the reason is another
        // one.
        let is_batch = |member: &RawValue| member.get().starts_with('[') && !too_deep(member.get());
        let alone = |member: &&RawValue| steady.post(if is_batch(member) { "0" } else { member.get() });
        let alone: Vec<_> = members.iter().map(alone).collect();
        if alone.iter().flatten().any(|answer| answer.contains(PARSE_ERROR)) {
            assert!(answer.is_some_and(|answer| answer.contains(PARSE_ERROR)));
            continue;
        }
        let notification =
            [None, Some("response\":\"received\"}"), Some("\"result\":\"received\",\"error\":null}")][number];
        let responses: Vec<_> = alone
            .into_iter()
            .flatten()
            .filter(|answer| !notification.is_some_and(|end| answer.ends_with(end)))
            .collect();
        let expected =
            if responses.is_empty() && number == 0 { None } else { Some(format!("[{}]", responses.join(","))) };
        if members.iter().any(|member| is_batch(member)) {
            assert_eq!(answer.map(without_reasons), expected.map(without_reasons));
        } else {
            assert_eq!(answer, expected);
        }
    }
});

/// The same answers without what they say of broken rules.
fn without_reasons(answers: String) -> String {
    let mut parts = answers.split(r#","data":{"reason":""#);
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |shortened, part| shortened + part.split_once("\"}").map_or(part, |(_, rest)| rest))
}

/// Such a member makes the whole body unparsable, alone or not.
fn too_deep(json: &str) -> bool {
    let (mut depth, mut deepest, mut in_string, mut escaped) = (0, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !in_string => depth -= 1,
            _ => {}
        }
    }
    deepest > 127
}

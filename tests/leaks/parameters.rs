//! Parameters of many types, given values of many kinds.

use std::collections::{BTreeMap, HashMap};
use std::error::Error;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::num::{NonZeroU8, Wrapping};
use std::ops::{Bound, Range};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use callbox::{service, testing};
use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Value, json};

use crate::assert_reveals_nothing;

#[derive(Serialize, Deserialize, JsonSchema)]
struct InnerPoint {
    x: u8,
    y: Option<InnerUnit>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct InnerUnit;

#[derive(Serialize, Deserialize, JsonSchema)]
struct InnerPair(u8, InnerShape);

#[derive(Serialize, Deserialize, JsonSchema)]
struct InnerNewtype(InnerPoint);

#[derive(Serialize, Deserialize, JsonSchema)]
struct InnerPage<T> {
    items: Vec<T>,
    #[serde(flatten)]
    point: InnerPoint,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct InnerStrict {
    only: bool,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum InnerShape {
    Dot,
    Square { side: u8 },
    Pair(u8, u8),
    Wrapped(InnerPoint),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum InnerChoice {
    Number(u8),
    Point(InnerPoint),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum InnerTagged {
    A { x: u8 },
    B(InnerPoint),
    C,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(tag = "t", content = "c", rename_all = "lowercase")]
enum InnerBeside {
    A { x: u8 },
    B(u8, u8),
    C,
}

#[derive(Serialize, Deserialize, JsonSchema)]
struct InnerFlat {
    #[serde(flatten)]
    shape: InnerShape,
}

/// As types of dates and the like are: from text, with an error of its own that names types.
#[derive(Serialize, JsonSchema)]
struct InnerDate(String);

#[derive(Debug)]
struct InnerDateError(&'static str);

impl fmt::Display for InnerDateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: cannot read as {}", self.0, std::any::type_name::<InnerDate>())
    }
}

impl Error for InnerDateError {}

impl<'de> Deserialize<'de> for InnerDate {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InnerVisitor;

        impl serde::de::Visitor<'_> for InnerVisitor {
            type Value = InnerDate;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(std::any::type_name::<Option<InnerDate>>())
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<InnerDate, E> {
                if text.is_empty() {
                    return Err(E::custom(InnerDateError("empty")));
                }
                Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(InnerVisitor)
    }
}

/// Cannot even be read without a panic.
#[derive(Serialize, JsonSchema)]
struct InnerBomb;

impl<'de> Deserialize<'de> for InnerBomb {
    fn deserialize<D: Deserializer<'de>>(_: D) -> Result<Self, D::Error> {
        panic!("the inner text of a panic")
    }
}

struct Taker;

#[service(name = "test.taker")]
#[allow(clippy::too_many_arguments)]
impl Taker {
    #[public_method]
    fn plain(
        &self,
        byte: Option<u8>,
        huge: Option<i128>,
        size: Option<usize>,
        ratio: Option<f32>,
        flag: Option<bool>,
        letter: Option<char>,
        text: Option<String>,
        #[param(default = ())] nothing: (),
        tuple: Option<(u8, InnerPoint)>,
        array: Option<[u8; 3]>,
        list: Option<Vec<InnerPoint>>,
        map: Option<HashMap<u8, InnerPoint>>,
        tree: Option<BTreeMap<String, InnerShape>>,
        any: Option<Value>,
        wrapping: Option<Wrapping<u8>>,
        not_zero: Option<NonZeroU8>,
        boxed: Option<Box<InnerPoint>>,
    ) {
        let _ = (byte, huge, size, ratio, flag, letter, text, nothing, tuple, array, list, map, tree, any);
        let _ = (wrapping, not_zero, boxed);
    }

    #[public_method]
    fn of_the_library(
        &self,
        time: Option<Duration>,
        when: Option<SystemTime>,
        range: Option<Range<u8>>,
        bound: Option<Bound<u8>>,
        outcome: Option<std::result::Result<u8, InnerUnit>>,
        address: Option<IpAddr>,
        socket: Option<SocketAddr>,
        path: Option<PathBuf>,
    ) {
        let _ = (time, when, range, bound, outcome, address, socket, path);
    }

    #[public_method]
    fn of_ours(
        &self,
        point: Option<InnerPoint>,
        unit: Option<InnerUnit>,
        pair: Option<InnerPair>,
        newtype: Option<InnerNewtype>,
        page: Option<InnerPage<InnerShape>>,
        strict: Option<InnerStrict>,
        shape: Option<InnerShape>,
        choice: Option<InnerChoice>,
        tagged: Option<InnerTagged>,
        beside: Option<InnerBeside>,
        flat: Option<InnerFlat>,
        date: Option<InnerDate>,
        bomb: Option<InnerBomb>,
        #[param(rest)] rest: BTreeMap<String, InnerChoice>,
    ) {
        let _ = (point, unit, pair, newtype, page, strict, shape, choice, tagged, beside, flat, date, bomb, rest);
    }
}

const PLAIN: [&str; 17] = [
    "byte", "huge", "size", "ratio", "flag", "letter", "text", "nothing", "tuple", "array", "list", "map", "tree",
    "any", "wrapping", "not_zero", "boxed",
];
const OF_THE_LIBRARY: [&str; 8] = ["time", "when", "range", "bound", "outcome", "address", "socket", "path"];
const OF_OURS: [&str; 15] = [
    "point", "unit", "pair", "newtype", "page", "strict", "shape", "choice", "tagged", "beside", "flat", "date",
    "bomb", "others", "unknown",
];

/// Something wrong for every type.
const VALUES: [&str; 41] = [
    "true",
    "5",
    "-1",
    "300",
    "1.5",
    "1e30",
    "1e400",
    "99999999999999999999999999999999999999999",
    r#""""#,
    r#""x""#,
    r#""xy""#,
    r#""dot""#,
    r#""square""#,
    r#""\ud800""#,
    r#""300.1.1.1:99999""#,
    r#""struct , expected u8""#,
    "[]",
    "[1]",
    "[null]",
    "[1,2,3,4,5,6,7,8]",
    r#"[1,"dot"]"#,
    r#"[1,{"x":"y"}]"#,
    r#"[{}]"#,
    "{}",
    r#"{"x":-1}"#,
    r#"{"x":1,"x":2}"#,
    r#"{"x":1,"y":5}"#,
    r#"{"a":{}}"#,
    r#"{"1":{"x":300}}"#,
    r#"{"square":1}"#,
    r#"{"square":{"side":"x"}}"#,
    r#"{"pair":[1]}"#,
    r#"{"wrapped":{"x":null}}"#,
    r#"{"dot":1}"#,
    r#"{"kind":"a","x":"y"}"#,
    r#"{"kind":"b"}"#,
    r#"{"kind":5}"#,
    r#"{"t":"b","c":[1]}"#,
    r#"{"c":1,"t":"nope"}"#,
    r#"{"items":[5],"x":1,"y":[]}"#,
    r#"{"secs":18446744073709551615,"nanos":4294967295,"secs_since_epoch":18446744073709551615,"nanos_since_epoch":4294967295}"#,
];

#[test]
fn no_reason_for_bad_parameters_names_a_type() {
    let taker = testing::in_process(|| Taker);
    let mut refused = 0;
    for (method, params) in [("plain", &PLAIN[..]), ("of_the_library", &OF_THE_LIBRARY[..]), ("of_ours", &OF_OURS[..])]
    {
        for param in params {
            for value in VALUES {
                let body = format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{{"{param}":{value}}},"id":1}}"#);
                let answer = taker.post(&body).expect("an answer");
                assert_reveals_nothing(&body, &answer);
                let answer: Value = serde_json::from_str(&answer).unwrap();
                let code = if *param == "bomb" { -32603 } else { -32602 };
                if answer["result"] != Value::Null || answer.get("error").is_some() {
                    assert_eq!(
                        (&answer["error"]["code"], &answer["id"]),
                        (&json!(code), &json!(1)),
                        "{body}: {answer}"
                    );
                    refused += 1;
                }
            }
        }
    }
    assert!(refused > 1000, "most of the values fit nowhere: {refused}");
}

#[test]
fn a_panic_while_parameters_are_read_is_the_error_of_that_call_alone() {
    let taker = testing::in_process(|| Taker);
    let bomb = |id: &str| format!(r#"{{"jsonrpc":"2.0","method":"of_ours","params":{{"bomb":1}}{id}}}"#);
    let fine = r#"{"jsonrpc":"2.0","method":"plain","id":2}"#;
    let answer = taker.post(format!("[{},{},{fine}]", bomb(r#","id":1"#), bomb(""))).expect("answers");
    assert_reveals_nothing("a batch", &answer);
    let answers: Vec<Value> = serde_json::from_str(&answer).unwrap();
    assert_eq!((&answers[0]["id"], &answers[0]["error"]["code"]), (&json!(1), &json!(-32603)));
    assert_eq!((answers.len(), &answers[1]), (2, &json!({ "jsonrpc": "2.0", "result": null, "id": 2 })));
    assert_eq!(taker.post(bomb("")), None, "nor is a notification answered then");
}

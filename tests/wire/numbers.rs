//! A number is taken as it was sent, or refused with its parameter and its text: each type of it,
//! in each place.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::num::{NonZeroI64, NonZeroI128, NonZeroU8, NonZeroU128};
use std::str::FromStr;

use callbox::testing::InProcess;
use callbox::{Service, service, testing};
use proptest::prelude::*;
use proptest::sample::select;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::calculator::call;

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Coins<T>(T);

#[derive(Serialize, Deserialize, schemars::JsonSchema)]
struct Sum<T> {
    amount: T,
}

/// The places of a number: a parameter each, the number in its value, and the path to it there.
const PLACES: [(&str, &str, &str); 9] = [
    ("plain", "#", ""),
    ("boxed", " # ", ""),
    ("coins", "#", ""),
    ("list", "[#]", "[0]"),
    ("pair", "[0,\n# ]", "[1]"),
    ("sum", r#"{"amount":#}"#, ".amount"),
    ("by_number", r##"{"#":0}"##, ""),
    ("option", "#", ""),
    ("defaulted", "#\t", ""),
];

/// A service for each type. Its methods tell the numbers that arrived.
macro_rules! takers {
    ($($name:ident: $ty:ty),* $(,)?) => { $(
        mod $name {
            use super::*;

            pub(super) struct Taker;

            #[service]
            impl Taker {
                #[public_method]
                #[allow(clippy::too_many_arguments)]
                fn take(
                    &self,
                    plain: $ty,
                    boxed: Box<$ty>,
                    coins: Coins<$ty>,
                    list: Vec<$ty>,
                    pair: (u8, $ty),
                    sum: Sum<$ty>,
                    by_number: BTreeMap<$ty, u8>,
                    option: Option<$ty>,
                    #[param(default = "1".parse().unwrap())] defaulted: $ty,
                ) -> Vec<String> {
                    let key = by_number.into_keys().next().unwrap();
                    let all = [plain, *boxed, coins.0, list[0], pair.1, sum.amount, key, option.unwrap(), defaulted];
                    all.iter().map(ToString::to_string).collect()
                }

                #[public_method]
                fn take_rest(&self, name: String, #[param(rest)] rest: Sum<$ty>) -> String {
                    let _ = name;
                    rest.amount.to_string()
                }
            }
        }
    )* };
}

takers! {
    small: u8, signed: i32, long: i64, unsigned: u64, wide: i128, widest: u128,
    nonzero: NonZeroU8, nonzero_long: NonZeroI64, nonzero_wide: NonZeroI128, nonzero_widest: NonZeroU128,
}

/// What came of a number: its text as it arrived, or the parameter and the reason.
fn outcome(answer: Option<String>) -> Result<Value, (String, String)> {
    let answer: Value = serde_json::from_str(&answer.expect("an answer")).expect("JSON");
    match answer.get("error") {
        None => Ok(answer["result"].clone()),
        Some(error) => {
            assert_eq!(error["code"], -32602, "{answer}");
            let text = |name: &str| error["data"][name].as_str().unwrap_or_default().to_owned();
            Err((text("param"), text("reason")))
        }
    }
}

/// The type of a number that arrived is exactly that number.
fn is_same<T: FromStr + Display>(text: &str, arrived: &Value) -> bool {
    text.parse::<T>().is_ok_and(|number| arrived == &json!(number.to_string()))
}

/// As any type of integer writes it. JSON has a negative zero, too.
fn is_plain(text: &str) -> bool {
    text != "-0" && text.bytes().all(|byte| byte == b'-' || byte.is_ascii_digit())
}

/// Of a service's two methods, by position and by name.
fn check<S: Service, T: FromStr + Display>(taker: &InProcess<S>, text: &str, place: usize) {
    let fits = is_plain(text) && text.parse::<T>().is_ok();
    let value = |at: usize| PLACES[at].1.replace('#', if at == place { text } else { "1" });
    let values: Vec<_> = (0..PLACES.len()).map(value).collect();
    let named: Vec<_> = values.iter().zip(PLACES).map(|(value, (name, ..))| format!(r#""{name}":{value}"#)).collect();
    for params in [format!("[{}]", values.join(",")), format!("{{{}}}", named.join(","))] {
        match outcome(taker.post(call("take", &params, "1"))) {
            Ok(arrived) => assert!(is_same::<T>(text, &arrived[place]), "{params}: {arrived}"),
            Err((param, reason)) => {
                assert!(!fits, "{params}: {reason}");
                let (name, _, path) = PLACES[place];
                let is_key = name == "by_number" && param.starts_with(name);
                assert!(is_key || param == format!("{name}{path}"), "{params}: {param}: {reason}");
                assert!(reason.contains(text) && reason.contains("number") | reason.contains("integer"), "{reason}");
            }
        }
    }
    let rest = format!(r#"{{"amount":{text},"name":"n"}}"#);
    match outcome(taker.post(call("take_rest", &rest, "1"))) {
        Ok(arrived) => assert!(is_same::<T>(text, &arrived), "{rest}: {arrived}"),
        Err((param, reason)) => {
            assert!(!fits, "{rest}: {reason}");
            assert!(param == "amount" && reason.contains(text), "{rest}: {param}, {reason}");
        }
    }
}

fn any_number() -> impl Strategy<Value = String> {
    let limits = [
        "0",
        "-0",
        "1",
        "-1",
        "255",
        "256",
        "-2147483648",
        "2147483648",
        "9223372036854775807",
        "9223372036854775808",
        "18446744073709551615",
        "18446744073709551616",
        "-9223372036854775809",
        "170141183460469231731687303715884105727",
        "170141183460469231731687303715884105728",
        "340282366920938463463374607431768211455",
        "340282366920938463463374607431768211456",
        "-170141183460469231731687303715884105728",
        "-170141183460469231731687303715884105729",
        "1e21",
        "1E+2",
        "2.5",
        "1.0",
        "0.0",
        "0e0",
        "-1e-3",
        "1e400",
        "100000000000000000000000e-21",
    ];
    prop_oneof![
        2 => select(limits.to_vec()).prop_map(str::to_owned),
        1 => any::<i128>().prop_map(|number| number.to_string()),
        1 => any::<u128>().prop_map(|number| number.to_string()),
        1 => (-300_i64..300).prop_map(|number| number.to_string()),
        1 => "-?[1-9][0-9]{0,45}",
        3 => "-?(0|[1-9][0-9]{0,4})(\\.[0-9]{1,4})?([eE][+-]?[0-9]{1,2})?",
    ]
}

#[test]
fn an_integer_of_any_type_in_any_place_is_taken_as_it_was_sent_or_refused_with_its_name_and_text() {
    macro_rules! all {
        ($($name:ident: $ty:ty),* $(,)?) => {
            $( let $name = testing::in_process(|| $name::Taker); )*
            proptest!(|(text in any_number(), place in 0..PLACES.len())| {
                $( check::<_, $ty>(&$name, &text, place); )*
            });
        };
    }
    all! {
        small: u8, signed: i32, long: i64, unsigned: u64, wide: i128, widest: u128,
        nonzero: NonZeroU8, nonzero_long: NonZeroI64, nonzero_wide: NonZeroI128, nonzero_widest: NonZeroU128,
    }
}

struct Scale;

#[service]
impl Scale {
    #[public_method]
    fn weigh(&self, light: f32, heavy: f64, #[param(rest)] rest: Sum<Option<f32>>) -> (f32, f64, Option<f32>) {
        (light, heavy, rest.amount)
    }
}

#[test]
fn a_float_is_the_nearest_one_to_what_was_sent_or_refused_and_never_an_infinity() {
    let scale = testing::in_process(|| Scale);
    proptest!(|(text in any_number(), exponent in select(vec!["", "e38", "e39", "e-46", "e308"]))| {
        let text = if is_plain(&text) { format!("{text}{exponent}") } else { text };
        let (light, heavy) = (text.parse::<f32>().unwrap(), text.parse::<f64>().unwrap());
        for (at, params) in [
            format!(r#"{{"light":{text},"heavy":0}}"#),
            format!(r#"{{"light":0,"heavy":{text}}}"#),
            format!(r#"{{"light":0,"heavy":0,"amount":{text}}}"#),
        ].iter().enumerate() {
            let nearest = [light.into(), heavy, f64::from(heavy as f32)][at];
            match outcome(scale.post(call("weigh", params, "1"))) {
                Ok(arrived) => {
                    let arrived: (f32, f64, Option<f32>) = serde_json::from_value(arrived).unwrap();
                    let arrived = [arrived.0.into(), arrived.1, arrived.2.unwrap_or_default().into()][at];
                    prop_assert!(nearest.is_finite() && arrived == nearest, "{params}: {arrived}");
                }
                Err((param, reason)) => {
                    prop_assert!(nearest.is_infinite(), "{params}: {reason}");
                    prop_assert_eq!(param, ["light", "heavy", "amount"][at]);
                    prop_assert!(reason.ends_with(&text), "{}: {}", params, reason);
                }
            }
        }
    });
}

//! The text of an error of serde, for a caller who knows JSON but not the Rust types.

use std::borrow::Cow;
use std::fmt::Display;
use std::ops::RangeInclusive;

use super::sent_value::SentValue;

/// Maximum length of a value in an error text, in bytes.
const MAX_BYTES: usize = 100;

/// Returns the text of an error of serde about this JSON. It leaves out the position and the names
/// of Rust types, and shortens long values.
pub(super) fn in_words(error: &str, json: &str) -> String {
    let (error, sent) = SentValue::split(error, json);
    if let Some(sent) = &sent
        && let Some(expected) = sent.expected_instead(error)
    {
        return format!("expected {expected}, got {}", shorten(sent.in_words()));
    }
    let Some((got, expected)) = error.rsplit_once(", expected ") else {
        return free_text(error);
    };
    if let Some(got) = got.strip_prefix("invalid type: ").or_else(|| got.strip_prefix("invalid value: ")) {
        // serde writes a number as it has read it: 1e3 as 1000.0.
        let got = match sent {
            Some(sent) if got.ends_with('`') && sent.is_number() => sent.text,
            _ => value(got),
        };
        format!("expected {}, got {}", expected_value(expected), shorten(got))
    } else if let Some(length) = got.strip_prefix("invalid length ") {
        // `tuple struct Point with 2 elements`
        let expected = expected.split_once(" with ").map_or(expected, |(_, elements)| elements);
        format!("expected {}, got {length}", expected_value(expected))
    } else if got.starts_with("unknown ") {
        // `unknown variant` and what the caller sent.
        format!("{}, expected {}", shorten(got), expected_value(expected))
    } else {
        free_text(error)
    }
}

/// Returns the text of an error that does not have the form of serde's own: that of a check in a
/// type's impl of `Deserialize`, for example.
fn free_text(error: &str) -> String {
    if error.starts_with("overflow deserializing ") {
        return "out of range".to_owned();
    }
    // serde's error for 128-bit integers in a flattened field.
    if matches!(error, "i128 is not supported" | "u128 is not supported") {
        return "an integer of 128 bits cannot be read here".to_owned();
    }
    let end = [" of untagged enum ", " of enum "].into_iter().find_map(|type_name| error.find(type_name));
    let error = &error[..end.unwrap_or(error.len())];
    if names_a_type(error) { "not valid".to_owned() } else { shorten(error) }
}

/// Whether a text contains a Rust path: names with `::` between them.
fn names_a_type(text: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '<' | '>');
    text.match_indices("::").any(|(at, colons)| {
        text[..at].ends_with(part) && text[at + colons.len()..].starts_with(|c: char| part(c) && !c.is_numeric())
    })
}

/// Returns the text, or its beginning and an ellipsis.
pub(super) fn shorten(text: &str) -> String {
    if text.len() <= MAX_BYTES {
        return text.to_owned();
    }
    format!("{}…", &text[..text.floor_char_boundary(MAX_BYTES)])
}

/// Whether an error at the end of a value shows that only a part of this value was read. Then the
/// value is the cause.
pub(super) fn is_caused_by_previous_value(error: &str, json: &str) -> bool {
    partly_read_number(error, json).is_some()
}

/// Returns the number, if the error shows that only a part of it was read.
pub(super) fn partly_read_number<'a>(error: &str, json: &'a str) -> Option<&'a str> {
    let (error, sent) = SentValue::split(error, json);
    sent.filter(|sent| sent.is_rest_of_number(error)).map(|sent| sent.text)
}

/// Returns serde's description of a value in the words of JSON. Numbers, booleans and strings stay
/// as they were sent.
fn value(got: &str) -> &str {
    match got {
        "sequence" => "an array",
        "map" => "an object",
        "unit value" => "null",
        _ => ["integer `", "floating point `", "boolean `"]
            .into_iter()
            .find_map(|kind| got.strip_prefix(kind)?.strip_suffix('`'))
            .or_else(|| got.strip_prefix("string "))
            .unwrap_or(got),
    }
}

/// Returns what a visitor expected in the words of JSON. serde's derives, and its impls for
/// numbers, use the names of Rust types.
fn expected_value(expected: &str) -> Cow<'_, str> {
    fn integer(range: &RangeInclusive<impl Display>) -> Cow<'static, str> {
        format!("an integer from {} to {}", range.start(), range.end()).into()
    }
    match expected {
        "u8" => integer(&(u8::MIN..=u8::MAX)),
        "u16" => integer(&(u16::MIN..=u16::MAX)),
        "u32" => integer(&(u32::MIN..=u32::MAX)),
        "u64" => integer(&(u64::MIN..=u64::MAX)),
        "usize" => integer(&(usize::MIN..=usize::MAX)),
        "u128" => integer(&(u128::MIN..=u128::MAX)),
        "i8" => integer(&(i8::MIN..=i8::MAX)),
        "i16" => integer(&(i16::MIN..=i16::MAX)),
        "i32" => integer(&(i32::MIN..=i32::MAX)),
        "i64" => integer(&(i64::MIN..=i64::MAX)),
        "isize" => integer(&(isize::MIN..=isize::MAX)),
        "i128" => integer(&(i128::MIN..=i128::MAX)),
        "f32" | "f64" => "a number".into(),
        "a map" => "an object".into(),
        "a sequence" => "an array".into(),
        "unit" => "null".into(),
        _ => {
            let starts_with = |starts: &[&str]| starts.iter().any(|start| expected.starts_with(start));
            if starts_with(&["a nonzero "]) {
                "an integer other than 0, in range".into()
            } else if starts_with(&["tuple struct ", "tuple variant "]) {
                "an array".into()
            } else if starts_with(&["struct ", "internally tagged enum ", "adjacently tagged enum "]) {
                "an object".into()
            } else if starts_with(&["unit struct ", "unit variant "]) {
                "null".into()
            } else if starts_with(&["enum ", "newtype ", "variant of "]) {
                "one of the variants".into()
            } else if names_a_type(expected) {
                "a value of another kind".into()
            } else {
                shorten(expected).into()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::num::{NonZeroU8, NonZeroU128};
    use std::time::Duration;

    use serde::Deserialize;
    use serde::de::DeserializeOwned;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the errors of reading it matter")]
    struct SecretPoint {
        x: u8,
    }

    #[derive(Debug, Deserialize)]
    struct SecretUnit;

    #[derive(Debug, Deserialize)]
    #[expect(dead_code, reason = "only the errors of reading it matter")]
    struct SecretPair(u8, u8);

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    #[expect(dead_code, reason = "only the errors of reading it matter")]
    enum SecretShape {
        Dot,
        Square { side: u8 },
        Pair(u8, u8),
    }

    #[derive(Debug, Deserialize)]
    #[serde(untagged)]
    #[expect(dead_code, reason = "only the errors of reading it matter")]
    enum SecretChoice {
        Number(u8),
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind")]
    #[expect(dead_code, reason = "only the errors of reading it matter")]
    enum SecretTagged {
        A { x: u8 },
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "t", content = "c")]
    #[expect(dead_code, reason = "only the errors of reading it matter")]
    enum SecretBeside {
        A { x: u8 },
    }

    fn reason<T: DeserializeOwned + std::fmt::Debug>(json: &str) -> String {
        in_words(&serde_json::from_str::<T>(json).unwrap_err().to_string(), json)
    }

    #[test]
    fn an_error_text_uses_the_words_of_json() {
        for (reason, expected) in [
            (reason::<u8>("256"), "expected an integer from 0 to 255, got 256"),
            (reason::<i16>("-40000"), "expected an integer from -32768 to 32767, got -40000"),
            (reason::<u64>("1.5"), "expected an integer from 0 to 18446744073709551615, got 1.5"),
            (reason::<u32>("null"), "expected an integer from 0 to 4294967295, got null"),
            (reason::<NonZeroU8>("0"), "expected an integer other than 0, in range, got 0"),
            (reason::<f64>("1e400"), "expected a number in range, got 1e400"),
            (reason::<f32>("-1e39"), "expected a number in range, got -1e39"),
            (reason::<u64>("1e3"), "expected an integer from 0 to 18446744073709551615, got 1e3"),
            (reason::<u8>("-0"), "expected an integer from 0 to 255, got -0"),
            (reason::<u128>("1e21"), "expected an integer, got 1e21"),
            (reason::<i128>("-2.5"), "expected an integer, got -2.5"),
            (reason::<(u128, u8)>("[2.5,1]"), "expected an integer, got 2.5"),
            (reason::<BTreeMap<String, u128>>(r#"{"a":2E1,"b":1}"#), "expected an integer, got 2E1"),
            (reason::<u128>("-1"), "expected a number in range, got -1"),
            (reason::<u128>("null"), "expected an integer, got null"),
            (reason::<i128>(r#""1""#), r#"expected an integer, got "1""#),
            (reason::<i128>("[1]"), "expected an integer, got an array"),
            (reason::<NonZeroU128>("0"), "expected an integer other than 0, in range, got 0"),
            (reason::<(u8, u8)>("[1,2,3]"), "trailing characters"),
            (reason::<f64>(r#""x""#), r#"expected a number, got "x""#),
            (reason::<bool>(r#""a, expected b""#), r#"expected a boolean, got "a, expected b""#),
            (reason::<String>("true"), "expected a string, got true"),
            (reason::<String>(r#""\ud800""#), "unexpected end of hex escape"),
            (reason::<char>(r#""xy""#), r#"expected a character, got "xy""#),
            (reason::<Vec<u8>>("{}"), "expected an array, got an object"),
            (reason::<BTreeMap<String, u8>>("[]"), "expected an object, got an array"),
            (reason::<(u8, u8)>("[1]"), "expected a tuple of size 2, got 1"),
            (reason::<SecretPoint>("5"), "expected an object, got 5"),
            (reason::<SecretPoint>("{}"), "missing field `x`"),
            (reason::<Vec<SecretPoint>>(r#"[{"x":-1}]"#), "expected an integer from 0 to 255, got -1"),
            (reason::<SecretPair>("{}"), "expected an array, got an object"),
            (reason::<SecretPair>("[1]"), "expected 2 elements, got 1"),
            (reason::<SecretUnit>("1"), "expected null, got 1"),
            (reason::<SecretShape>(r#""circle""#), "unknown variant `circle`, expected one of `dot`, `square`, `pair`"),
            (reason::<SecretShape>("5"), "expected one of the variants, got 5"),
            (reason::<SecretShape>(r#"{"square":1}"#), "expected an object, got 1"),
            (reason::<SecretShape>(r#"{"pair":1}"#), "expected an array, got 1"),
            (reason::<SecretChoice>("true"), "data did not match any variant"),
            (reason::<SecretTagged>("5"), "expected an object, got 5"),
            (reason::<SecretBeside>("[]"), "expected an object, got 0"),
            (reason::<Duration>(r#"{"secs":18446744073709551615,"nanos":4294967295}"#), "out of range"),
        ] {
            assert_eq!(reason, expected);
        }
    }

    #[test]
    fn the_text_of_a_types_own_check_is_kept_unless_it_names_types() {
        for (error, expected) in [
            ("the name is taken", "the name is taken"),
            ("the name is taken at line 5 column 7", "the name is taken"),
            ("the name is taken at line five", "the name is taken at line five"),
            ("no such time: 25:00::", "no such time: 25:00::"),
            ("not an address: ::1", "not an address: ::1"),
            ("cannot read as time::Date", "not valid"),
            ("Vec<a::B>::new: no", "not valid"),
            ("no a::B, expected some", "not valid"),
            ("half of it, expected all", "half of it, expected all"),
            ("invalid value: string \"a::b\", expected a name", "expected a name, got \"a::b\""),
            ("invalid value: string \"a\", expected my::Type", "expected a value of another kind, got \"a\""),
            ("invalid length 5, expected [my::Type; 3]", "expected a value of another kind, got 5"),
            ("unknown variant `a::b`, expected `c`", "unknown variant `a::b`, expected `c`"),
        ] {
            assert_eq!(in_words(error, ""), expected, "{error}");
        }
    }

    #[test]
    fn an_error_text_contains_no_type_and_no_position() {
        for json in ["null", "5", "-1", "1.5", "[]", "{}", r#""x""#, "[1,2,3]", r#"{"square":[]}"#, r#"{"dot":1}"#] {
            for error in [
                serde_json::from_str::<SecretPoint>(json).err(),
                serde_json::from_str::<SecretUnit>(json).err(),
                serde_json::from_str::<SecretPair>(json).err(),
                serde_json::from_str::<SecretShape>(json).err(),
                serde_json::from_str::<SecretChoice>(json).err(),
                serde_json::from_str::<SecretTagged>(json).err(),
                serde_json::from_str::<SecretBeside>(json).err(),
            ] {
                let reason = error.map(|error| in_words(&error.to_string(), json)).unwrap_or_default();
                for leak in ["Secret", "struct", "enum", " line ", " column "] {
                    assert!(!reason.contains(leak), "{json}: {reason}");
                }
            }
        }
    }

    #[test]
    fn an_error_text_has_a_bounded_length() {
        let long = format!("\"{}\"", "ж".repeat(10_000));
        for reason in [reason::<u8>(&long), reason::<SecretShape>(&long), in_words(&long, "")] {
            assert!(reason.len() < 300, "{reason}");
            assert!(reason.contains('…'), "{reason}");
        }
    }
}

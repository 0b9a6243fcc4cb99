//! The parameters of a call, as they are written on the command line.

use std::collections::HashSet;
use std::io::Read;

use serde_json::value::RawValue;

use crate::Result;

/// The part of `--help` that explains them.
pub(crate) const HELP: &str = "\
Parameters:
  name=world limit=3      by name: a value that is valid JSON is sent as JSON, any other as a string
  version:='\"1.0\"'        by name, always as JSON: invalid JSON is an error, not a string
  world 3                 by position, with values as above
  '{\"name\": \"world\"}'     all parameters, as a JSON object or array
  -                       all parameters, as a JSON object or array from standard input";

/// Maximum size of the parameters on standard input, in bytes: they are kept in memory.
const MAX_STDIN_BYTES: u64 = 64 << 20;

/// Returns the parameters of a call as JSON, or `None` if there are none. Values keep their text,
/// because a number may have more digits than any Rust type.
///
/// # Errors
///
/// If the words are not parameters, or standard input cannot be read.
pub(crate) fn params(words: &[String], stdin: impl Read) -> Result<Option<Box<RawValue>>> {
    match words {
        [] => Ok(None),
        [word] if word == "-" => parse_document(&read_stdin(stdin)?).map(Some),
        [word] if word.trim_start().starts_with(['{', '[']) => parse_document(word).map(Some),
        words => {
            let words = words.iter().map(|word| Argument::parse(word)).collect::<Result<Vec<_>>>()?;
            combine(&words).map(Some)
        }
    }
}

fn read_stdin(stdin: impl Read) -> Result<String> {
    let mut text = String::new();
    let read = stdin.take(MAX_STDIN_BYTES + 1).read_to_string(&mut text);
    read.map_err(|error| format!("standard input cannot be read: {error}"))?;
    if text.len() as u64 > MAX_STDIN_BYTES {
        return Err(format!("standard input has more than {} MiB", MAX_STDIN_BYTES >> 20));
    }
    Ok(text)
}

fn parse_document(text: &str) -> Result<Box<RawValue>> {
    let json = json(text).map_err(|error| format!("the parameters are not valid JSON: {error}"))?;
    if json.get().starts_with(['{', '[']) {
        Ok(json)
    } else {
        Err("the parameters must be a JSON object or array: write a single one as an array".to_owned())
    }
}

#[derive(Debug)]
enum Argument<'a> {
    Named(&'a str, Box<RawValue>),
    Positional(Box<RawValue>),
}

impl<'a> Argument<'a> {
    fn parse(word: &'a str) -> Result<Self> {
        if word == "-" {
            return Err(
                "`-` reads all parameters from standard input, so it must be the only one: write the string as '\"-\"'"
                    .to_owned(),
            );
        }
        let Some((name, value)) = word.split_once('=') else { return parse_value(word).map(Self::Positional) };
        let (name, is_json) = name.strip_suffix(':').map_or((name, false), |name| (name, true));
        if !is_name(name) {
            // URLs and JSON contain `=`, too.
            return parse_value(word).map(Self::Positional);
        }
        let value = if is_json {
            json(value).map_err(|error| format!("{name}:= takes JSON, and `{value}` is not valid JSON: {error}"))
        } else {
            parse_value(value)
        };
        Ok(Self::Named(name, value?))
    }
}

/// Returns how to write a parameter so that it is sent as a string, if it was sent as another
/// value.
///
/// A word without a name is unambiguous only if it is the only candidate.
pub(crate) fn as_string(words: &[String], param: Option<&str>) -> Option<String> {
    let string = |value: &str| {
        let is_other = json(value).is_ok_and(|json| !json.get().starts_with('"'));
        let string = serde_json::Value::from(value).to_string();
        // The shell would need more than quotes around it.
        (is_other && !string.contains('\'')).then_some(string)
    };
    let named = |name: &str| {
        let mut values = words.iter().filter_map(|word| word.split_once('='));
        values.find_map(|(key, value)| (key == name).then_some(value))
    };
    if let Some((name, value)) = param.and_then(|name| Some((name, named(name)?))) {
        return string(value).map(|string| format!("{name}:='{string}'"));
    }
    match (param, words) {
        (_, [word]) if word != "-" => string(word).map(|string| match param {
            Some(name) => format!("{name}:='{string}'"),
            None => format!("'{string}'"),
        }),
        (_, words) => {
            let mut others = words.iter().filter_map(|word| string(word));
            others.next().filter(|_| others.next().is_none()).map(|string| format!("'{string}'"))
        }
    }
}

/// Whether the text can be the name of a parameter, for callbox or most other servers.
fn is_name(text: &str) -> bool {
    let first = text.chars().next();
    first.is_some_and(|first| first.is_alphabetic() || first == '_')
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '$'))
}

/// Returns the value as JSON if it is valid JSON, and as a string otherwise.
fn parse_value(value: &str) -> Result<Box<RawValue>> {
    match json(value) {
        Ok(json) => Ok(json),
        // A string hardly ever starts like this; the user probably forgot a quote.
        Err(error) if value.trim_start().starts_with(['{', '[', '"']) => {
            Err(format!("`{value}` begins like JSON but is not valid: {error}"))
        }
        Err(_) => serde_json::value::to_raw_value(value).map_err(|error| error.to_string()),
    }
}

fn json(text: &str) -> serde_json::Result<Box<RawValue>> {
    RawValue::from_string(text.trim().to_owned())
}

fn combine(words: &[Argument<'_>]) -> Result<Box<RawValue>> {
    let (mut names, mut members) = (HashSet::new(), Vec::new());
    for word in words {
        match word {
            Argument::Named(name, value) => {
                if !names.insert(*name) {
                    return Err(format!("{name} is given twice"));
                }
                members.push(format!("{}:{}", serde_json::Value::from(*name), value.get()));
            }
            Argument::Positional(value) => members.push(value.get().to_owned()),
        }
    }
    let joined = members.join(",");
    let text = if names.is_empty() {
        format!("[{joined}]")
    } else if names.len() == words.len() {
        format!("{{{joined}}}")
    } else {
        let positional = words.iter().find_map(|word| match word {
            Argument::Positional(value) => Some(value.get()),
            Argument::Named(..) => None,
        });
        let positional = positional.unwrap_or_default();
        return Err(format!(
            "{positional} has no name, and the others do: give all parameters by name, or all by position"
        ));
    };
    RawValue::from_string(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(words: &[&str], stdin: &str) -> Result<Option<String>> {
        let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
        Ok(params(&words, stdin.as_bytes())?.map(|json| json.get().to_owned()))
    }

    #[test]
    fn words_become_parameters() {
        let rows: &[(&[&str], &str)] = &[
            (&["name=world", "limit=3"], r#"{"name":"world","limit":3}"#),
            (&["name=world"], r#"{"name":"world"}"#),
            (&["a=true", "b=null", "c=1.50", "d=-2"], r#"{"a":true,"b":null,"c":1.50,"d":-2}"#),
            (&["n=123456789012345678901234567890"], r#"{"n":123456789012345678901234567890}"#),
            (&["name=hello world", "empty="], r#"{"name":"hello world","empty":""}"#),
            (&[r#"quoted="3""#], r#"{"quoted":"3"}"#),
            (&["text=a=b=c"], r#"{"text":"a=b=c"}"#),
            (&["text:=\"x\"", "n:=3"], r#"{"text":"x","n":3}"#),
            (&[r#"user={"name": "ann"}"#, "ids=[1, 2]"], r#"{"user":{"name": "ann"},"ids":[1, 2]}"#),
            (&["größe=ü", "a.b-c=1"], r#"{"größe":"ü","a.b-c":1}"#),
            (&["world", "3"], r#"["world",3]"#),
            (&["world"], r#"["world"]"#),
            (&["-3", "4"], "[-3,4]"),
            (&["http://host/?a=b"], r#"["http://host/?a=b"]"#),
            (&["1=2"], r#"["1=2"]"#),
            (&["007"], r#"["007"]"#),
            (&[""], r#"[""]"#),
            (&["[1,2]", "3"], "[[1,2],3]"),
            (&[r#"{"name": "a=b"}"#], r#"{"name": "a=b"}"#),
            (&[" [1, 2] "], "[1, 2]"),
            (&["[]"], "[]"),
            (&["-"], r#"{"from": "stdin"}"#),
        ];
        for (words, expected) in rows {
            assert_eq!(read(words, "{\"from\": \"stdin\"}\n"), Ok(Some((*expected).to_owned())), "{words:?}");
        }
        assert_eq!(read(&[], "unread"), Ok(None));
    }

    #[test]
    fn a_value_that_looks_like_json_can_be_written_as_a_string() {
        let quoted = |words: &[&str], param: Option<&str>| {
            as_string(&words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>(), param)
        };
        for (words, param, expected) in [
            (&["123"][..], Some("s"), Some("s:='\"123\"'")),
            (&["123"], None, Some("'\"123\"'")),
            (&["s=123", "n=4"], Some("s"), Some("s:='\"123\"'")),
            (&["s=true"], Some("s"), Some("s:='\"true\"'")),
            (&["a", "1.50"], Some("s"), Some("'\"1.50\"'")),
            (&["s=[\"a\"]"], Some("s"), Some("s:='\"[\\\"a\\\"]\"'")),
            // It is ambiguous which word is meant, or none of them is.
            (&["1", "2"], Some("s"), None),
            (&["s=x"], Some("s"), None),
            (&["s:=1"], Some("s"), None),
            (&["-"], Some("s"), None),
            (&["s={\"a\":\"it's\"}"], Some("s"), None),
            (&[], None, None),
        ] {
            assert_eq!(quoted(words, param).as_deref(), expected, "{words:?} {param:?}");
        }
    }

    #[test]
    fn invalid_parameters_are_an_error() {
        let rows: &[(&[&str], &str)] = &[
            (&["{\"name\": world}"], "not valid JSON"),
            (&["user={name: ann}"], "begins like JSON"),
            (&["name=\"world"], "begins like JSON"),
            (&["n:=three"], "n:= takes JSON"),
            (&["n:="], "n:= takes JSON"),
            (&["a=1", "a=2"], "a is given twice"),
            (&["a=1", "2"], "2 has no name"),
            (&["a=1", "-"], "must be the only one"),
            (&["-"], "object or array"),
        ];
        for (words, expected) in rows {
            let error = read(words, "3").expect_err(&format!("{words:?}"));
            assert!(error.contains(expected), "{words:?}: {error}");
        }
        assert!(read(&["-"], "").unwrap_err().contains("not valid JSON"));
    }
}

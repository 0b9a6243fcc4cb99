//! JSON for people to read. Only whitespace and colours change: the text is not parsed into values,
//! so numbers keep their digits, and members their order.

use std::fmt::Write as _;
use std::io::{self, IsTerminal};

use anstyle::{AnsiColor, Style};

use crate::terminal::colours;

/// Maximum length of a list of plain values on one line.
const MAX_INLINE_LIST: usize = 72;

const NAME: Style = AnsiColor::Blue.on_default();
const STRING: Style = AnsiColor::Green.on_default();
const NUMBER: Style = AnsiColor::Cyan.on_default();
const LITERAL: Style = AnsiColor::Magenta.on_default();

/// Returns a valid JSON text for standard output: indented if that is a terminal, and unchanged
/// otherwise.
pub(crate) fn for_stdout(json: &str) -> String {
    let out = io::stdout();
    let text = if out.is_terminal() { pretty(json, colours(&out)) } else { json.to_owned() };
    text + "\n"
}

/// Returns a valid JSON text as one line for standard output: with colours if that is a terminal.
pub(crate) fn line_for_stdout(json: &str) -> String {
    line(json, colours(&io::stdout())) + "\n"
}

/// Leaves out the whitespace of a valid JSON text.
fn line(json: &str, colours: bool) -> String {
    format(json, Formatter { out: String::with_capacity(json.len()), colours, containers: Vec::new(), compact: true })
}

/// Indents a valid JSON text.
fn pretty(json: &str, colours: bool) -> String {
    format(json, Formatter { out: String::new(), colours, containers: Vec::new(), compact: false })
}

fn format(json: &str, mut formatter: Formatter) -> String {
    let mut rest = json.trim_start();
    while !rest.is_empty() {
        let length = token_length(rest);
        let text = &rest[..length];
        let after = rest[length..].trim_start();
        formatter.write_token(text, rest, after);
        rest = after;
    }
    formatter.out
}

struct Formatter {
    out: String,
    colours: bool,
    /// Whether there is no whitespace.
    compact: bool,
    /// For each enclosing object or list: whether it is on one line.
    containers: Vec<bool>,
}

impl Formatter {
    fn write_token(&mut self, text: &str, from: &str, after: &str) {
        match text {
            "{" | "[" | "}" | "]" | "," | ":" if self.compact => self.out.push_str(text),
            "{" | "[" => {
                self.out.push_str(text);
                let flat = after.starts_with(['}', ']']) || (text == "[" && is_short(from));
                self.containers.push(flat);
                self.new_line();
            }
            "}" | "]" => {
                if self.containers.pop() == Some(false) {
                    self.new_line_at(self.containers.len());
                }
                self.out.push_str(text);
            }
            "," if self.containers.last() == Some(&true) => self.out.push_str(", "),
            "," => {
                self.out.push(',');
                self.new_line();
            }
            ":" => self.out.push_str(": "),
            _ => self.write_value(text, after.starts_with(':')),
        }
    }

    fn write_value(&mut self, text: &str, is_name: bool) {
        let style = match text.as_bytes().first() {
            _ if !self.colours => Style::new(),
            Some(b'"') if is_name => NAME,
            Some(b'"') => STRING,
            Some(b'-' | b'0'..=b'9') => NUMBER,
            _ => LITERAL,
        };
        // Valid JSON has escapes for the characters below the space. The other control characters
        // could control the terminal.
        let mut shown = String::with_capacity(text.len());
        for c in text.chars() {
            let _ = if c.is_control() { write!(shown, "\\u{:04x}", u32::from(c)) } else { write!(shown, "{c}") };
        }
        let _ = write!(self.out, "{style}{shown}{style:#}");
    }

    fn new_line(&mut self) {
        if self.containers.last() == Some(&false) {
            self.new_line_at(self.containers.len());
        }
    }

    fn new_line_at(&mut self, depth: usize) {
        self.out.push('\n');
        self.out.extend(std::iter::repeat_n("  ", depth));
    }
}

/// Returns the length of the first token of a valid JSON text, in bytes.
fn token_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    match bytes.first() {
        Some(b'{' | b'}' | b'[' | b']' | b',' | b':') => 1,
        Some(b'"') => {
            let mut at = 1;
            while let Some(byte) = bytes.get(at) {
                match byte {
                    b'"' => return at + 1,
                    b'\\' => at += 2,
                    _ => at += 1,
                }
            }
            bytes.len()
        }
        _ => text.find(|c: char| c.is_whitespace() || matches!(c, ',' | ']' | '}' | ':')).unwrap_or(text.len()).max(1),
    }
}

/// Whether the list that begins here has only a few plain values.
fn is_short(list: &str) -> bool {
    let (mut rest, mut length) = (&list[1..], 0);
    loop {
        rest = rest.trim_start();
        let size = token_length(rest);
        length += size + 1;
        match rest.as_bytes().first() {
            Some(b']') => return true,
            None | Some(b'{' | b'[') => return false,
            Some(_) if length > MAX_INLINE_LIST => return false,
            Some(_) => rest = &rest[size..],
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn json_is_indented_and_otherwise_unchanged() {
        for (json, expected) in [
            ("null", "null"),
            (" 1.50 ", "1.50"),
            (r#""hello \" world""#, r#""hello \" world""#),
            ("{}", "{}"),
            ("[ ]", "[]"),
            ("[1,2, 3]", "[1, 2, 3]"),
            (r#"{"b":1,"a":[]}"#, "{\n  \"b\": 1,\n  \"a\": []\n}"),
            (
                r#"[{"a":{"b":[true,null]}},[]]"#,
                "[\n  {\n    \"a\": {\n      \"b\": [true, null]\n    }\n  },\n  []\n]",
            ),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("\"a\u{9b}31m\u{7f}b\"", r#""a\u009b31m\u007fb""#),
        ] {
            assert_eq!(pretty(json, false), expected, "{json}");
        }
        let long = format!("[{}]", ["1000000"; 12].join(","));
        assert_eq!(pretty(&long, false).lines().count(), 14);
    }

    #[test]
    fn a_line_has_no_whitespace_outside_of_strings() {
        for (json, expected) in [
            (r#"{"a":[1,{"b":"x y"}]}"#, r#"{"a":[1,{"b":"x y"}]}"#),
            (" { \"a : b\" : [ 1.50 ,\n\ttrue , { } ] }\r\n", r#"{"a : b":[1.50,true,{}]}"#),
            ("\"a\u{9b}31m\"", r#""a\u009b31m""#),
        ] {
            assert_eq!(line(json, false), expected, "{json}");
        }
        assert!(line(r#"{"a":1}"#, true).contains(&format!("{NUMBER}1{NUMBER:#}")));
    }

    #[test]
    fn indented_json_has_the_same_value() {
        let json = r#"{"a":[1,"x,]}",{"b":[[],{}]}],"c:\\":{"d":-1e5,"e":false}}"#;
        let formatted: Value = serde_json::from_str(&pretty(json, false)).unwrap();
        assert_eq!(formatted, serde_json::from_str::<Value>(json).unwrap());
    }

    #[test]
    fn names_and_values_have_different_colours() {
        let shown = pretty(r#"{"a":"b","c":1,"d":null}"#, true);
        for (style, text) in [(NAME, "\"a\""), (STRING, "\"b\""), (NUMBER, "1"), (LITERAL, "null")] {
            assert!(shown.contains(&format!("{style}{text}{style:#}")), "{shown:?}");
        }
    }
}

//! A fast reader for token files in exactly the form that callbox writes: one value per line, and
//! nothing that needs a TOML parser.
//!
//! A TOML parser takes some hundred milliseconds for 20,000 tokens, during which a revoked token
//! would stay valid. Files written by hand may use all of TOML: any other form is left to the TOML
//! parser, which decides whether the file is valid, and reports what is wrong.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// Line that begins a token.
const HEADER: &str = "[[token]]";

/// The values of a token as the file has them, not checked yet.
#[derive(Debug, PartialEq)]
pub(super) struct TokenFields<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) scopes: Vec<&'a str>,
    pub(super) created: Option<SystemTime>,
    pub(super) expires: Option<SystemTime>,
    pub(super) sha256: &'a str,
}

/// The lines of one token: the text after each `=`.
#[derive(Default)]
struct TokenLines<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
    scopes: Option<&'a str>,
    created: Option<&'a str>,
    expires: Option<&'a str>,
    sha256: Option<&'a str>,
}

/// Reads the tokens of a file; `None` if the file has another form.
pub(super) fn read(text: &str) -> Option<Vec<TokenFields<'_>>> {
    // TOML allows no control characters but tabs and line ends, and callbox writes no tabs and no
    // carriage returns.
    if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\n') {
        return None;
    }
    let (mut tokens, mut lines) = (Vec::new(), None::<TokenLines<'_>>);
    for line in text.split('\n').filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line == HEADER {
            if let Some(lines) = lines.replace(TokenLines::default()) {
                tokens.push(lines.fields()?);
            }
            continue;
        }
        let (key, value) = line.split_once(" = ")?;
        let lines = lines.as_mut()?;
        let field = match key {
            "id" => &mut lines.id,
            "name" => &mut lines.name,
            "scopes" => &mut lines.scopes,
            "created" => &mut lines.created,
            "expires" => &mut lines.expires,
            "sha256" => &mut lines.sha256,
            _ => return None,
        };
        if field.replace(value).is_some() {
            return None;
        }
    }
    if let Some(lines) = lines {
        tokens.push(lines.fields()?);
    }
    Some(tokens)
}

impl<'a> TokenLines<'a> {
    fn fields(self) -> Option<TokenFields<'a>> {
        let Self { id, name, scopes, created, expires, sha256 } = self;
        Some(TokenFields {
            id: string(id?)?,
            name: string(name?)?,
            scopes: scopes.map_or(Some(Vec::new()), strings)?,
            created: created.map_or(Some(None), |value| time(value).map(Some))?,
            expires: expires.map_or(Some(None), |value| time(value).map(Some))?,
            sha256: string(sha256?)?,
        })
    }
}

/// Reads a string without quotes and escapes inside.
fn string(value: &str) -> Option<&str> {
    let inside = value.strip_prefix('"')?.strip_suffix('"')?;
    (!inside.contains(['"', '\\'])).then_some(inside)
}

/// Reads a list of such strings.
fn strings(value: &str) -> Option<Vec<&str>> {
    let inside = value.strip_prefix('[')?.strip_suffix(']')?;
    if inside.is_empty() {
        return Some(Vec::new());
    }
    inside.split(", ").map(string).collect()
}

/// Reads a time in the form `2030-01-31T12:00:00Z`. TOML and the library accept other forms as
/// well.
fn time(value: &str) -> Option<SystemTime> {
    let form = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        19 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    let has_form = value.len() == 20 && value.bytes().enumerate().all(form);
    let time = has_form.then(|| OffsetDateTime::parse(value, &Rfc3339).ok())??;
    Some(time.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "[[token]]\nid = \"0123456789ab\"\nname = \"ann é\"\nscopes = [\"a\", \"b\"]\n\
                       created = 2030-01-31T12:00:00Z\nsha256 = \"00\"\n";

    #[test]
    fn a_file_in_canonical_form_is_read() {
        assert_eq!(read("").unwrap(), []);
        assert_eq!(read("# a comment\n\n").unwrap(), []);
        let created = SystemTime::UNIX_EPOCH + std::time::Duration::from_secs(1_896_091_200);
        let row = || TokenFields {
            id: "0123456789ab",
            name: "ann é",
            scopes: vec!["a", "b"],
            created: Some(created),
            expires: None,
            sha256: "00",
        };
        assert_eq!(read(&format!("# a comment\n\n{ROW}\n{ROW}")).unwrap(), [row(), row()]);
        let bare = ROW.replace("scopes = [\"a\", \"b\"]\ncreated = 2030-01-31T12:00:00Z\n", "");
        assert_eq!(read(&bare).unwrap(), [TokenFields { scopes: Vec::new(), created: None, ..row() }]);
        let empty = ROW.replace("[\"a\", \"b\"]", "[]");
        assert_eq!(read(&empty).unwrap(), [TokenFields { scopes: Vec::new(), ..row() }]);
    }

    #[test]
    fn a_file_in_another_form_is_left_to_the_toml_parser() {
        assert!(read(ROW).is_some());
        let others = [
            ("[[token]]", "[[ token ]]"),
            ("[[token]]", "[[token]] # ann's"),
            ("[[token]]\n", ""),
            ("id = ", "id="),
            ("id = ", "\"id\" = "),
            ("id = ", " id = "),
            ("id = ", "key = "),
            ("id = \"0123456789ab\"\n", ""),
            ("name = \"ann é\"\n", "name = \"ann é\"\nname = \"ann é\"\n"),
            ("\"ann é\"", "'ann é'"),
            ("\"ann é\"", "\"ann \\u00e9\""),
            ("\"ann é\"", "\"\"\"ann é\"\"\""),
            ("\"ann é\"", "\"ann é\" # her name"),
            ("\"ann é\"", "\"ann\té\""),
            ("\"ann é\"", "\"ann\u{7f}é\""),
            ("\"ann é\"", "\"ann"),
            ("\"ann é\"", "\""),
            ("[\"a\", \"b\"]", "[\"a\",\"b\"]"),
            ("[\"a\", \"b\"]", "[ \"a\", \"b\" ]"),
            ("[\"a\", \"b\"]", "[\n\"a\", \"b\"]"),
            ("[\"a\", \"b\"]", "[\"a\", \"b\", ]"),
            ("[\"a\", \"b\"]", "\"a\""),
            ("2030-01-31T12:00:00Z", "2030-01-31 12:00:00Z"),
            ("2030-01-31T12:00:00Z", "2030-01-31T12:00:00z"),
            ("2030-01-31T12:00:00Z", "2030-01-31T12:00:00+00:00"),
            ("2030-01-31T12:00:00Z", "2030-01-31T12:00:00.5Z"),
            ("2030-01-31T12:00:00Z", "2030-02-30T12:00:00Z"),
            ("2030-01-31T12:00:00Z", "\"2030-01-31T12:00:00Z\""),
            ("\n", "\r\n"),
            ("sha256 = \"00\"\n", "sha256 = \"00\"\n[other]\n"),
        ];
        for (written, other) in others {
            let text = ROW.replace(written, other);
            assert!(text != ROW && read(&text).is_none(), "{text}");
        }
    }
}

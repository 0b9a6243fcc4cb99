//! A token file as callbox writes it: one value a line, and nothing that needs a TOML parser.
//!
//! A parser for all of TOML takes some hundred milliseconds for 20,000 tokens, in which a token
//! that was revoked would stay good. What people write may use all of TOML, so whatever is not
//! written exactly like this is left to that parser: it decides, and says what is wrong.

use std::time::SystemTime;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

const HEADER: &str = "[[token]]";

/// What a file says of a token, before it is checked.
#[derive(Debug, PartialEq)]
pub(super) struct TokenFields<'a> {
    pub(super) id: &'a str,
    pub(super) name: &'a str,
    pub(super) scopes: Vec<&'a str>,
    pub(super) created: Option<SystemTime>,
    pub(super) expires: Option<SystemTime>,
    pub(super) sha256: &'a str,
}

/// The lines of one token, each with what stands behind the `=`.
#[derive(Default)]
struct TokenLines<'a> {
    id: Option<&'a str>,
    name: Option<&'a str>,
    scopes: Option<&'a str>,
    created: Option<&'a str>,
    expires: Option<&'a str>,
    sha256: Option<&'a str>,
}

/// Returns the tokens of a file that is written in this way; `None` if it is not.
pub(super) fn read(text: &str) -> Option<Vec<TokenFields<'_>>> {
    // TOML allows no other ones than tabs and ends of lines, which may be of two characters.
    if text.bytes().any(|byte| byte.is_ascii_control() && byte != b'\n') {
        return None;
    }
    let (mut rows, mut lines) = (Vec::new(), None::<TokenLines<'_>>);
    for line in text.split('\n').filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if line == HEADER {
            if let Some(lines) = lines.replace(TokenLines::default()) {
                rows.push(lines.fields()?);
            }
            continue;
        }
        let (key, value) = line.split_once(" = ")?;
        let lines = lines.as_mut()?;
        let place = match key {
            "id" => &mut lines.id,
            "name" => &mut lines.name,
            "scopes" => &mut lines.scopes,
            "created" => &mut lines.created,
            "expires" => &mut lines.expires,
            "sha256" => &mut lines.sha256,
            _ => return None,
        };
        if place.replace(value).is_some() {
            return None;
        }
    }
    if let Some(lines) = lines {
        rows.push(lines.fields()?);
    }
    Some(rows)
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

/// A string in which every character stands for itself.
fn string(value: &str) -> Option<&str> {
    let inside = value.strip_prefix('"')?.strip_suffix('"')?;
    (!inside.contains(['"', '\\'])).then_some(inside)
}

/// A list of such strings.
fn strings(value: &str) -> Option<Vec<&str>> {
    let inside = value.strip_prefix('[')?.strip_suffix(']')?;
    if inside.is_empty() {
        return Some(Vec::new());
    }
    inside.split(", ").map(string).collect()
}

/// A time like `2030-01-31T12:00:00Z`, of which TOML and the library know more ways to write it.
fn time(value: &str) -> Option<SystemTime> {
    let form = |(at, byte): (usize, u8)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        19 => byte == b'Z',
        _ => byte.is_ascii_digit(),
    };
    let is_written_so = value.len() == 20 && value.bytes().enumerate().all(form);
    let time = is_written_so.then(|| OffsetDateTime::parse(value, &Rfc3339).ok())??;
    Some(time.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = "[[token]]\nid = \"0123456789ab\"\nname = \"ann é\"\nscopes = [\"a\", \"b\"]\n\
                       created = 2030-01-31T12:00:00Z\nsha256 = \"00\"\n";

    #[test]
    fn what_is_written_so_is_read() {
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
    fn what_is_written_in_another_way_is_left_to_the_parser() {
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

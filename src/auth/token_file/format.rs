//! The format of a token file: parsing and writing its TOML. Uses no files and no clock.

use std::collections::HashSet;
use std::fmt::Display;
use std::str::FromStr;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{OffsetDateTime, UtcOffset};
use toml::value::Datetime;

use super::super::digest::Digest;
use super::super::token_info::{PREFIX, TokenInfo, is_id};
use super::canonical::{self, TokenFields};

/// Comment at the top of a file.
const HEADING: &str = "\
# Who may call private methods: the SHA-256 of each token, which is not the token itself.
# `callbox token new`, `list` and `revoke` write this file. Running servers read it again when it
# changes.
";

/// Hashes of texts that are no tokens, each with its text. They come from an example that was
/// copied, and from commands that were given no token.
const WRONG_HASHES: [(&str, &str); 4] = [
    ("2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", "hello"),
    ("f98103e9217f099208569d295c1b276f1821348636c268c854bb2a086e0037cd", "TOKEN"),
    ("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", ""),
    ("01ba4719c80b6fe911b091a7c05124b64eeece964e09c058ef8f9805daca546b", "\n"),
];

/// A token file in TOML.
#[derive(Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct TokenFileToml {
    #[serde(default, rename = "token", skip_serializing_if = "Vec::is_empty")]
    tokens: Vec<TokenToml>,
}

/// One token in TOML. An unknown key is a mistake: with `expire` for `expires` a token would never
/// expire.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct TokenToml {
    id: String,
    name: String,
    #[serde(default)]
    scopes: Vec<String>,
    created: Option<Datetime>,
    expires: Option<Datetime>,
    sha256: String,
}

/// Parses the tokens of a file.
///
/// # Errors
/// If anything in the file is wrong; then none of it counts. The error names the line or the id of
/// the token, and never quotes a token.
pub(super) fn parse(text: &str) -> Result<Vec<TokenInfo>, String> {
    read(text).map_err(|mistake| {
        // The error may quote a name, a scope, or text that is no TOML. If somebody put a token
        // there, the error must not show it.
        if mistake.contains(PREFIX) {
            "the file contains a whole token, which is not shown here: it may contain only hashes of tokens, as \
             `callbox token new` writes them; remove the token, and no longer use it"
                .to_owned()
        } else {
            mistake
        }
    })
}

fn read(text: &str) -> Result<Vec<TokenInfo>, String> {
    let tokens = match canonical::read(text) {
        Some(tokens) => tokens.into_iter().zip(1..).map(info).collect::<Result<_, _>>()?,
        None => read_toml(text)?,
    };
    let mut known = HashSet::with_capacity(tokens.len());
    match tokens.iter().find(|token: &&TokenInfo| !known.insert(&*token.id)) {
        Some(twice) => Err(format!("two tokens have the id {:?}", twice.id)),
        None => Ok(tokens),
    }
}

/// Parses all forms that TOML allows.
fn read_toml(text: &str) -> Result<Vec<TokenInfo>, String> {
    let file: TokenFileToml = toml::from_str(text).map_err(|error| {
        let before = &text[..error.span().map_or(0, |span| span.start)];
        format!("line {}: {}", before.matches('\n').count() + 1, error.message())
    })?;
    let time =
        |id: &str, time: Option<Datetime>| time.map(|time| to_time(&time)).transpose().map_err(|what| wrong(id, what));
    let read = |(row, number): (&TokenToml, usize)| {
        let TokenToml { id, name, scopes, sha256, .. } = row;
        let scopes = scopes.iter().map(String::as_str).collect();
        let fields = TokenFields { id, name, scopes, created: None, expires: None, sha256 };
        let token = info((fields, number))?;
        // Checked after the id, which errors about the times show.
        Ok(TokenInfo { created: time(id, row.created)?, expires: time(id, row.expires)?, ..token })
    };
    file.tokens.iter().zip(1..).map(read).collect()
}

/// Returns the text of a file, which [`parse`] reads back.
///
/// # Errors
/// If a time is beyond the year 9999, the last that TOML can write.
pub(super) fn to_text(tokens: &[TokenInfo]) -> Result<String, String> {
    let tokens = tokens.iter().map(to_toml).collect::<Result<_, _>>()?;
    let table = toml::to_string(&TokenFileToml { tokens }).map_err(|error| error.to_string())?;
    Ok(if table.is_empty() { HEADING.to_owned() } else { format!("{HEADING}\n{table}") })
}

/// Whether a text can be the name of a token: one line that a terminal and a log show unchanged,
/// and that does not look like an id.
pub(super) fn is_name(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.trim() == name && !name.contains(char::is_control) && !is_id(name)
}

/// Whether a text can be a scope. Lists of scopes are written with spaces or commas between.
pub(super) fn is_scope(scope: &str) -> bool {
    (1..=128).contains(&scope.len()) && !scope.contains(|c: char| c.is_control() || c.is_whitespace() || c == ',')
}

fn info((fields, number): (TokenFields<'_>, usize)) -> Result<TokenInfo, String> {
    let TokenFields { id, name, scopes, created, expires, sha256 } = fields;
    if !is_id(id) {
        // The id is not shown: it may be a whole token that somebody put there.
        return Err(format!("the id of token {number} is not the 12 hexadecimal digits between the `_` of a token"));
    }
    if !is_name(name) {
        return Err(wrong(id, format!("{name:?} cannot be its name: write 1 to 64 bytes of text in one line")));
    }
    if let Some(scope) = scopes.iter().find(|scope| !is_scope(scope)) {
        return Err(wrong(id, format!("{scope:?} cannot be a scope: write a word without spaces and commas")));
    }
    let digest = Digest::from_hex(sha256);
    let digest = digest.ok_or_else(|| wrong(id, "its sha256 is not 64 hexadecimal digits"))?;
    if let Some((_, text)) = WRONG_HASHES.iter().find(|(hash, _)| sha256.eq_ignore_ascii_case(hash)) {
        let fix = "hash the whole text of a token, which has its id in it";
        return Err(wrong(id, format_args!("its sha256 is that of {text:?}, which is no token: {fix}")));
    }
    let scopes = scopes.into_iter().map(str::to_owned).collect();
    Ok(TokenInfo { id: id.to_owned(), name: name.to_owned(), scopes, created, expires, digest })
}

/// Returns the error for a mistake in one token.
fn wrong(id: &str, what: impl Display) -> String {
    format!("the token {id}: {what}")
}

fn to_toml(token: &TokenInfo) -> Result<TokenToml, String> {
    let time = |time: Option<SystemTime>| time.map(from_time).transpose();
    Ok(TokenToml {
        id: token.id.clone(),
        name: token.name.clone(),
        scopes: token.scopes.clone(),
        created: time(token.created)?,
        expires: time(token.expires)?,
        sha256: token.digest.to_hex(),
    })
}

fn to_time(time: &Datetime) -> Result<SystemTime, String> {
    let read = OffsetDateTime::parse(&time.to_string(), &Rfc3339);
    read.map(SystemTime::from).map_err(|_| format!("{time} is no point in time: write it as 2030-01-31T12:00:00Z"))
}

fn from_time(time: SystemTime) -> Result<Datetime, String> {
    let text = OffsetDateTime::from(time).to_offset(UtcOffset::UTC).truncate_to_second().format(&Rfc3339);
    let time = text.ok().and_then(|text| Datetime::from_str(&text).ok());
    time.ok_or_else(|| "a time is beyond the year 9999".to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn token(id: &str, name: &str) -> TokenInfo {
        let created = SystemTime::UNIX_EPOCH + Duration::from_secs(1_900_000_000);
        TokenInfo {
            id: id.to_owned(),
            name: name.to_owned(),
            scopes: vec!["admin".to_owned(), "read:all".to_owned()],
            created: Some(created),
            expires: Some(created + Duration::from_secs(86_400)),
            digest: Digest::of(name),
        }
    }

    #[test]
    fn a_written_file_is_readable_and_read_back() {
        let tokens = [token("0123456789ab", "ci"), TokenInfo { expires: None, ..token("ba9876543210", "ann \"#\" é") }];
        let text = to_text(&tokens).unwrap();
        let expected = format!(
            "{HEADING}\n[[token]]\nid = \"0123456789ab\"\nname = \"ci\"\nscopes = [\"admin\", \"read:all\"]\n\
             created = 2030-03-17T17:46:40Z\nexpires = 2030-03-18T17:46:40Z\nsha256 = \"{}\"\n",
            Digest::of("ci").to_hex()
        );
        assert!(text.starts_with(&expected), "{text}");
        let read = parse(&text).unwrap();
        assert_eq!(format!("{read:?}"), format!("{tokens:?}"));
        assert!(read.iter().zip(&tokens).all(|(read, written)| read.digest == written.digest));
        assert!(parse(&to_text(&[]).unwrap()).unwrap().is_empty());
        assert!(parse("").unwrap().is_empty());
    }

    #[test]
    fn both_readers_agree_on_a_file_that_callbox_has_written() {
        let mut tokens: Vec<_> = (0..50).map(|n| token(&format!("{n:012x}"), &format!("client {n}"))).collect();
        tokens[1] = TokenInfo { expires: None, created: None, scopes: Vec::new(), ..tokens[1].clone() };
        tokens[2].scopes = vec!["orders:read/é".to_owned()];
        tokens[3].name = "a # b = [c]".to_owned();
        let text = to_text(&tokens).unwrap();
        let read = canonical::read(&text).expect("it is in canonical form");
        let read: Vec<_> = read.into_iter().zip(1..).map(|row| info(row).unwrap()).collect();
        let parsed = read_toml(&text).unwrap();
        assert_eq!(format!("{read:?}"), format!("{parsed:?}"));
        assert!(read.iter().zip(&parsed).all(|(read, parsed)| read.digest == parsed.digest));
        // A name that needs an escape is written and read, too.
        tokens[4].name = "a \"quoted\" \\".to_owned();
        let text = to_text(&tokens).unwrap();
        assert_eq!(format!("{:?}", parse(&text).unwrap()), format!("{:?}", tokens));
    }

    #[test]
    fn a_time_keeps_no_more_than_its_second() {
        let exact = token("0123456789ab", "ci");
        let inexact =
            TokenInfo { created: exact.created.map(|time| time + Duration::from_millis(999)), ..exact.clone() };
        assert_eq!(to_text(&[inexact]).unwrap(), to_text(&[exact]).unwrap());
    }

    #[test]
    fn a_file_with_a_mistake_is_rejected_as_a_whole_with_an_error_that_names_it() {
        let sha = "0".repeat(64);
        let row =
            |lines: &str| format!("[[token]]\nid = \"0123456789ab\"\nname = \"ci\"\nsha256 = \"{sha}\"\n{lines}\n");
        assert_eq!(parse(&row("")).unwrap().len(), 1);
        let cases = [
            (row("expire = 2030-01-01T00:00:00Z"), "line 5: unknown field `expire`"),
            (row("expires = \"soon\""), "line 5: "),
            (row("expires = 2030-01-01"), "the token 0123456789ab: 2030-01-01 is no point in time"),
            (row("expires = 2030-01-01T00:00:00"), "2030-01-01T00:00:00 is no point in time"),
            (row("scopes = \"admin\""), "line 5: invalid type"),
            (row("scopes = [\"a b\"]"), "\"a b\" cannot be a scope"),
            (row("scopes = [\"\"]"), "\"\" cannot be a scope"),
            (row("").replace("\"ci\"", "\"c\\ni\""), "\"c\\ni\" cannot be its name"),
            (row("").replace("\"ci\"", "\"\""), "\"\" cannot be its name"),
            (row("").replace("\"ci\"", "\"ba9876543210\""), "\"ba9876543210\" cannot be its name"),
            (row("").replace("9ab", "9AB"), "the id of token 1 is not the 12 hexadecimal digits"),
            (row("").replace(&sha, "00"), "its sha256 is not 64 hexadecimal digits"),
            (
                row("").replace(&sha, &Digest::of("hello").to_hex()),
                "its sha256 is that of \"hello\", which is no token",
            ),
            (
                row("").replace(&sha, &Digest::of("").to_hex().to_uppercase()),
                "its sha256 is that of \"\", which is no token",
            ),
            (row("").replace(&sha, &Digest::of("\n").to_hex()), "that of \"\\n\", which is no token: hash the whole"),
            (row("").replace(&sha, &Digest::of("TOKEN").to_hex()), "hash the whole text of a token, which has its id"),
            (row("") + &row(""), "two tokens have the id \"0123456789ab\""),
            (row("").replace("name = \"ci\"\n", ""), "missing field `name`"),
            (row("") + "[[", "line 6: "),
            ("[[tokens]]".to_owned(), "line 1: unknown field `tokens`"),
            ("token = 1".to_owned(), "line 1: invalid type"),
        ];
        for (text, said) in cases {
            let error = parse(&text).expect_err(&text);
            assert!(error.contains(said), "{error:?} does not say {said:?}");
        }
    }

    #[test]
    fn a_token_in_the_wrong_place_is_not_in_the_error() {
        let (id, sha) = ("id = \"0123456789ab\"\n", format!("sha256 = \"{}\"\n", "0".repeat(64)));
        let token = "cbx_0123456789ab_5ecret";
        for rest in [
            format!("name = \"ci\"\n{sha}{token} = 1"),
            format!("name = \"ci\"\n{sha}sha{token} = 1"),
            format!("name = \"ci\"\n{sha}scopes = \"{token}\""),
            format!("name = \"ci\"\n{sha}scopes = [\"{token} x\"]"),
            format!("name = \"ci\"\n{sha}expires = \"{token}\""),
            format!("name = \"ci\"\n{sha}created = \"\\u0063{}\"", &token[1..]),
            format!("name = \" {token}\"\n{sha}"),
            format!("name = \"ci\"\nsha256 = \"{token}\""),
        ] {
            let error = parse(&format!("[[token]]\n{id}{rest}")).expect_err(&rest);
            assert!(!error.contains("5ecret"), "{error}");
        }
    }
}

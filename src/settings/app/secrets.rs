//! What `--show-settings` and errors hide.

use std::cmp::Reverse;

use super::super::setting_source::SettingSource;
use super::text::toml_value;
use super::value::{AppValue, Kind};

/// The last words of the keys whose values are never shown.
const SECRET_WORDS: &[&str] = &["password", "passwd", "passphrase", "secret", "token", "key", "credentials"];

/// What is shown in place of a secret.
const HIDDEN: &str = "(hidden)";

/// A value as it may be shown, and what is hidden in it.
#[derive(Debug, Default)]
pub(super) struct Shown {
    pub(super) text: String,
    /// The texts that are hidden, which an error of the type may quote.
    hidden: Vec<String>,
}

impl Shown {
    /// Returns a value as it may be shown, at a path such as `app.smtp.password`.
    pub(super) fn new(path: &str, value: &AppValue) -> Self {
        let mut shown = Self::default();
        shown.text = match &value.kind {
            _ if has_secret_key(path) => shown.hide(value),
            // A list of a file looks as it does in a variable.
            Kind::Array(items) => shown.items(items),
            _ => shown.value(value),
        };
        shown
    }

    /// Whether a part of the value is hidden.
    pub(super) fn hides(&self) -> bool {
        !self.hidden.is_empty()
    }

    /// Returns the error of a type without what is hidden.
    pub(super) fn without_hidden(&self, words: &str) -> String {
        let mut hidden: Vec<_> = self.hidden.iter().filter(|text| !text.is_empty()).collect();
        hidden.sort_unstable_by_key(|text| Reverse(text.len()));
        let mut words = words.to_owned();
        for text in hidden {
            words = words.replace(text, HIDDEN).replace(&text.escape_debug().to_string(), HIDDEN);
        }
        // Which part of such a text is the secret is not known, so the words may have any of it.
        if self.hidden.iter().any(|text| assigns_secret(text)) && assigns_secret(&words) {
            return HIDDEN.to_owned();
        }
        words
    }

    /// Returns a value as in TOML, without the values of the keys that name secrets.
    fn value(&mut self, value: &AppValue) -> String {
        match &value.kind {
            Kind::Text(text) | Kind::String(text) => self.text(text, &value.source),
            Kind::Integer(number) => number.to_string(),
            Kind::Float(number) => number.to_string(),
            Kind::Bool(value) => value.to_string(),
            Kind::Array(items) => format!("[{}]", self.items(items)),
            Kind::Table(entries) => {
                let entries: Vec<_> = entries.iter().map(|(key, value)| self.entry(key, value)).collect();
                format!("{{ {} }}", entries.join(", "))
            }
        }
    }

    fn items(&mut self, items: &[AppValue]) -> String {
        items.iter().map(|item| self.value(item)).collect::<Vec<_>>().join(",")
    }

    fn entry(&mut self, key: &str, value: &AppValue) -> String {
        let text = if has_secret_key(key) { self.hide(value) } else { self.value(value) };
        format!("{key} = {text}")
    }

    /// Returns a text, which may be a table or a list that has secrets.
    fn text(&mut self, text: &str, source: &SettingSource) -> String {
        if let Some(value @ AppValue { kind: Kind::Table(_) | Kind::Array(_), .. }) = toml_value(text, source) {
            return self.value(&value);
        }
        if assigns_secret(text) {
            self.hidden.push(text.to_owned());
            return HIDDEN.to_owned();
        }
        without_passwords(text, &mut self.hidden)
    }

    /// Hides a value and all that is in it.
    pub(super) fn hide(&mut self, value: &AppValue) -> String {
        match &value.kind {
            Kind::Text(text) | Kind::String(text) => {
                self.hidden.push(text.clone());
                // The type reads the parts of a text that is a table or a list.
                if let Some(value) = toml_value(text, &value.source) {
                    self.hide(&value);
                }
            }
            Kind::Integer(number) => self.hidden.push(number.to_string()),
            Kind::Float(number) => self.hidden.push(number.to_string()),
            // Both values of a switch are known.
            Kind::Bool(_) => {}
            Kind::Array(items) => items.iter().for_each(|item| _ = self.hide(item)),
            Kind::Table(entries) => entries.values().for_each(|entry| _ = self.hide(entry)),
        }
        HIDDEN.to_owned()
    }
}

/// Returns a text of unknown form, such as a flag that is not a key and its value, as it may be
/// shown.
pub(super) fn shown_text(text: &str) -> String {
    Shown::default().text(text, &SettingSource::Default)
}

/// Whether one of the keys of a path names a secret.
fn has_secret_key(path: &str) -> bool {
    path.split('.').any(is_secret)
}

/// Whether a text gives a key that names a secret a value, in whatever form: `password=x` of a
/// connection string, JSON, or a table in TOML that lacks a bracket.
fn assigns_secret(text: &str) -> bool {
    let is_of_key = |c: char| c.is_alphanumeric() || "_-.\"'".contains(c);
    text.match_indices(['=', ':']).any(|(at, _)| {
        let key = text[..at].trim_end().rsplit(|c| !is_of_key(c)).next().unwrap_or_default();
        key.split(['.', '"', '\'']).any(is_secret)
    })
}

/// Whether a key names a secret, as `password`, `api_key` and `smtp-token` do.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.trim_end_matches('s').ends_with(word.trim_end_matches('s')))
}

/// Replaces the passwords of URLs, as in `postgres://shop:secret@db/shop`, and adds them to
/// `hidden`.
///
/// A password may have any character, even one that ends the host of a URL. So it ends at the last
/// `@` before the next URL, and in doubt more is hidden than the password.
fn without_passwords(text: &str, hidden: &mut Vec<String>) -> String {
    let Some((scheme, mut rest)) = text.split_once("://") else { return text.to_owned() };
    let mut out = format!("{scheme}://");
    loop {
        let next = rest.find("://");
        let part = &rest[..next.unwrap_or(rest.len())];
        match part.split_once(':').filter(|(user, _)| !user.contains(['/', '?', '#'])) {
            Some((user, after)) => match after.rsplit_once('@') {
                Some((password, host)) if next.is_none() || !is_scheme(host) => {
                    hidden.push(password.to_owned());
                    out += &format!("{user}:***@{host}");
                }
                None if has_ports_only(part) => out += part,
                // No URL has this form, so what follows may be the rest of the password.
                _ => {
                    hidden.push(rest[user.len() + 1..].to_owned());
                    return format!("{out}{user}:***");
                }
            },
            None => out += part,
        }
        let Some(next) = next else { return out };
        out += "://";
        rest = &rest[next + 3..];
    }
}

/// Whether a text is the scheme of a URL, and nothing separates it from what is before.
fn is_scheme(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
}

/// Whether what follows the hosts at the begin of a URL are their ports, as in
/// `one:27017,two:27017/shop`.
fn has_ports_only(part: &str) -> bool {
    let end = part.find(|c: char| "/?#\"'".contains(c) || c.is_whitespace()).unwrap_or(part.len());
    part[..end].split(',').all(|host| {
        let host = host.rsplit('@').next().unwrap_or_default();
        let port = match host.strip_prefix('[').and_then(|address| address.split_once(']')) {
            Some((_, port)) => port.strip_prefix(':').unwrap_or(port),
            None => host.split_once(':').map_or("", |(_, port)| port),
        };
        port.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_that_end_with_a_word_for_a_secret_name_one() {
        for key in ["password", "db_password", "API_KEY", "api-token", "tokens", "clientSecret", "keys"] {
            assert!(is_secret(key), "{key}");
        }
        for key in ["user", "database_url", "keyboard", "token_url", "secretary"] {
            assert!(!is_secret(key), "{key}");
        }
    }

    #[test]
    fn the_passwords_of_urls_are_left_out() {
        for (text, expected) in [
            ("postgres://shop:secret@db/shop", "postgres://shop:***@db/shop"),
            ("amqp://a:b@one,amqp://c:d@two/x", "amqp://a:***@one,amqp://c:***@two/x"),
            ("redis://:p@ss@cache", "redis://:***@cache"),
            ("postgres://shop@db/shop", "postgres://shop@db/shop"),
            ("https://example.org/a:b@c", "https://example.org/a:b@c"),
            ("plain: text@home", "plain: text@home"),
            ("postgres://u:se,cret@db", "postgres://u:***@db"),
            ("postgres://u:se/c?r#e t@db/shop", "postgres://u:***@db/shop"),
            ("postgres://u:se://cret@db", "postgres://u:***"),
            ("postgres://u:s@e://cret@db", "postgres://u:***"),
            ("postgres://u:se", "postgres://u:***"),
            ("postgres://u:p@[::1]:5432/shop", "postgres://u:***@[::1]:5432/shop"),
            ("mongodb://one:27017,two:27017/shop", "mongodb://one:27017,two:27017/shop"),
            ("http://[::1]:80/, http://shop@[::1]", "http://[::1]:80/, http://shop@[::1]"),
            ("http://a:1,http://b:2/x:y", "http://a:1,http://b:2/x:y"),
        ] {
            assert_eq!(without_passwords(text, &mut Vec::new()), expected);
        }
    }

    #[test]
    fn secrets_are_hidden_at_every_level() {
        let at = |path: &str, text: &str| Shown::new(path, &AppValue::text(text, SettingSource::Default)).text;
        for (text, expected) in [
            (r#"{ host = "m", password = "hunter2" }"#, "{ host = m, password = (hidden) }"),
            (
                r#"[{ name = "a", password = "hunter2" }, { name = "b" }]"#,
                "[{ name = a, password = (hidden) },{ name = b }]",
            ),
            ("{ a.b.c = [{ 'api-key' = { id = 'hunter2' } }] }", "{ a = { b = { c = [{ api-key = (hidden) }] } } }"),
            (r#"{ url = "amqp://u:hunter\u0032@mq" }"#, "{ url = amqp://u:***@mq }"),
            (r#"{ inner = '{ password = "hunter2" }' }"#, "{ inner = { password = (hidden) } }"),
            (r#"{ "host": "m", "password": "hunter2" }"#, HIDDEN),
            (r#"{ host = "m", password = hunter2 }"#, HIDDEN),
            ("host=db user=shop password=hunter2", HIDDEN),
            ("https://example.org/?token=hunter2", HIDDEN),
            ("[25, 587]", "[25,587]"),
            ("a, b", "a, b"),
        ] {
            assert_eq!(at("app.mail", text), expected);
            assert_eq!(at("app.keys.mail", text), HIDDEN);
        }
    }

    #[test]
    fn the_error_of_a_type_does_not_quote_what_is_hidden() {
        let shown = |path, text: &str| Shown::new(path, &AppValue::text(text, SettingSource::Default));
        for (shown, words, expected) in [
            (
                shown("app.password", "hun\"ter"),
                r#""hun\"ter" is short, hun"ter!"#,
                r#""(hidden)" is short, (hidden)!"#,
            ),
            (shown("app.keys", "[1234]"), "1234 is short", "(hidden) is short"),
            (shown("app.url", "db://u:hunter2@h"), "no host in db://u:hunter2@h", "no host in db://u:(hidden)@h"),
            (shown("app.dsn", "password=hunter2"), "bad option `password=hunter2`", "bad option `(hidden)`"),
            (shown("app.dsn", "password=hunter2 x"), "bad option `password=hunter2`", HIDDEN),
            (shown("app.mode", "fast"), "fast: no such mode", "fast: no such mode"),
        ] {
            assert_eq!(shown.without_hidden(words), expected);
        }
    }
}

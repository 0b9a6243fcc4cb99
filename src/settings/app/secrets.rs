//! What `--show-settings` and errors hide.

use super::value::{AppValue, Kind};

/// The last words of the keys whose values are never shown.
const SECRET_WORDS: &[&str] = &["password", "passwd", "passphrase", "secret", "token", "key", "credentials"];

/// What is shown in place of a secret.
const HIDDEN: &str = "(hidden)";

/// Returns a value as it may be shown, at a path such as `app.smtp.password`.
pub(super) fn shown(path: &str, value: &AppValue) -> String {
    let holds_secret = match &value.kind {
        Kind::Table(entries) => entries.keys().any(|key| is_secret(key)),
        _ => path.split('.').any(is_secret),
    };
    if holds_secret { HIDDEN.to_owned() } else { without_passwords(&value.to_text()) }
}

/// Whether a key names a secret, as `password`, `api_key` and `smtp-token` do.
fn is_secret(key: &str) -> bool {
    let key = key.to_ascii_lowercase();
    SECRET_WORDS.iter().any(|word| key.trim_end_matches('s').ends_with(word.trim_end_matches('s')))
}

/// Replaces the passwords of URLs, as in `postgres://shop:secret@db/shop`.
fn without_passwords(text: &str) -> String {
    let mut parts = text.split("://");
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out += "://";
        let authority = &part[..part.find(['/', '?', '#', ',', ' ']).unwrap_or(part.len())];
        match authority.rsplit_once('@').and_then(|(user, _)| Some((user, user.split_once(':')?.0))) {
            Some((with_password, user)) => {
                out += user;
                out += ":***";
                out += &part[with_password.len()..];
            }
            None => out += part,
        }
    }
    out
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
        ] {
            assert_eq!(without_passwords(text), expected);
        }
    }
}

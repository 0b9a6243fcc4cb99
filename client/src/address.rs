//! The URL of a server, without its secrets in logs and errors.

use std::fmt;

/// A URL, or a text that should have been one. `Display` and `Debug` leave out what may be secret:
/// the user, the password and the query.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Address(pub(crate) String);

impl fmt::Display for Address {
    /// Finds the parts by their delimiters, because a text that is not a valid URL may contain a
    /// password as well. Everything up to the last `@` counts as the password: one that is not
    /// escaped may contain any character.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, rest) = match self.0.split_once("://") {
            Some((scheme, rest)) if scheme.chars().all(char::is_alphanumeric) => (scheme, rest),
            _ => ("", &*self.0),
        };
        if !scheme.is_empty() {
            write!(f, "{scheme}://")?;
        }
        let rest = match rest.rsplit_once('@') {
            Some((_, host)) => {
                f.write_str("…@")?;
                host
            }
            None => rest,
        };
        match rest.find(['?', '#']) {
            Some(end) => write!(f, "{}…", &rest[..=end]),
            None => f.write_str(rest),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_is_shown_without_its_secrets() {
        for (url, shown) in [
            ("http://127.0.0.1:5000/api", "http://127.0.0.1:5000/api"),
            ("http://[::1]:5000/api", "http://[::1]:5000/api"),
            ("http://user:s3cret@host/api", "http://…@host/api"),
            ("http://s3cret@host/api", "http://…@host/api"),
            ("http://user:s3@cret@host:99999/api", "http://…@host:99999/api"),
            ("http://user:s3/cret?s3cret#s3cret@host/api", "http://…@host/api"),
            ("user:s3cret@host/api", "…@host/api"),
            ("http://host/api?key=s3cret", "http://host/api?…"),
            ("http://host/api#s3cret", "http://host/api#…"),
            ("s3cret:s3cret://user@host", "…@host"),
            ("nowhere", "nowhere"),
            ("", ""),
        ] {
            let address = Address(url.to_owned());
            assert_eq!(
                (address.to_string(), format!("{address:?}")),
                (shown.to_owned(), format!("\"{shown}\"")),
                "{url}"
            );
        }
    }
}

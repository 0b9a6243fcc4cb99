//! The addresses of NATS servers.

use std::fmt;

/// The addresses of the servers of one NATS system, as they were written. They may contain a
/// password, so what is shown has none.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct NatsUrl(String);

impl NatsUrl {
    /// Takes the text as it is: who connects says what is wrong with it, and leaves out what must
    /// not be seen.
    pub(crate) fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// Returns the addresses with everything in them. Keep them out of logs.
    #[cfg_attr(not(feature = "nats"), expect(dead_code, reason = "nobody connects"))]
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let without_user = |one: &str| {
            let (scheme, rest) = one.split_once("://").map_or(("", one), |(scheme, rest)| (scheme, rest));
            let host = rest.rsplit_once('@').map_or(rest, |(_, host)| host);
            if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
        };
        let shown: Vec<_> = self.0.split(',').map(|one| without_user(one.trim())).collect();
        f.write_str(&shown.join(","))
    }
}

impl fmt::Debug for NatsUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_shown_without_their_user() {
        for (text, shown) in [
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
            ("nats://me:secret@10.0.0.7,tls://secret@b.example.org", "nats://10.0.0.7,tls://b.example.org"),
            ("me:secret@10.0.0.7", "10.0.0.7"),
        ] {
            let url = NatsUrl::new(text);
            assert_eq!(format!("{url}|{url:?}"), format!("{shown}|{shown}"));
            assert_eq!(NatsUrl::new(shown).to_string(), shown, "it can be read again");
        }
    }
}

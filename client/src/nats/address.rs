//! The addresses of NATS servers, and the credentials in them.

use std::fmt;

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

use crate::build_error::BuildError;

/// The addresses of the servers of one NATS system. A program connects to one of them, and to
/// another if that is gone. Its text form omits what may be secret, so a program can show it:
///
/// ```
/// use callbox::client::NatsAddress;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let address = NatsAddress::parse("nats://shop:secret@10.0.0.7:4222,nats://10.0.0.8")?;
/// assert_eq!(address.to_string(), "nats://10.0.0.7:4222,nats://10.0.0.8");
/// # Ok(()) }
/// ```
#[derive(Clone, Default)]
pub struct NatsAddress {
    text: String,
    servers: Vec<ServerAddr>,
    user: Option<User>,
}

/// Who connects.
#[derive(Clone, PartialEq, Eq)]
enum User {
    Password(String, String),
    Token(String),
}

impl NatsAddress {
    /// Reads addresses with commas between, such as `nats://user:password@10.0.0.7:4222`. All of
    /// them are of the same user.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn parse(text: &str) -> Result<Self, BuildError> {
        // A password with a comma or a slash in it ends elsewhere than its user means.
        let shown = |one: String| if text.contains('@') { "…".to_owned() } else { one };
        let mut address = Self { text: text.to_owned(), ..Self::default() };
        for one in text.split(',').map(str::trim).filter(|one| !one.is_empty()) {
            let (scheme, rest) = one.split_once("://").unwrap_or(("nats", one));
            if !matches!(scheme, "nats" | "tls") {
                return Err(BuildError::new(format!(
                    "the address `{}` must begin with nats:// or tls://",
                    shown(without_user(one))
                )));
            }
            let host = rest.rsplit_once('@').map_or(rest, |(user, host)| {
                address.user.get_or_insert_with(|| User::parse(user));
                host
            });
            if host.is_empty() {
                return Err(BuildError::new(format!("the address `{scheme}://` has no host")));
            }
            let server = format!("{scheme}://{host}");
            let parsed = server.parse().map_err(|error| {
                let hint = if text.contains('@') {
                    ": write `%2C` for a comma in a password, and `%2F` for a slash"
                } else {
                    ""
                };
                BuildError::new(format!("the address `{}` is not valid: {error}{hint}", shown(server.clone())))
            })?;
            address.servers.push(parsed);
        }
        if address.servers.is_empty() {
            return Err(BuildError::new("there is no address of a NATS server: write nats://127.0.0.1:4222"));
        }
        Ok(address)
    }

    /// Returns the addresses as they were written. They may contain a password.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Returns the host and the port of each server.
    pub fn hosts(&self) -> impl Iterator<Item = (&str, u16)> {
        self.servers.iter().map(|server| (server.host(), server.port()))
    }

    pub(super) fn servers(&self) -> Vec<ServerAddr> {
        self.servers.clone()
    }

    /// Adds the credentials in the address to the options.
    pub(super) fn authenticate(&self, options: ConnectOptions) -> ConnectOptions {
        match self.user.clone() {
            Some(User::Password(name, password)) => options.user_and_password(name, password),
            Some(User::Token(token)) => options.token(token),
            None => options,
        }
    }
}

impl User {
    /// Reads what comes before the `@`: a name and a password, or else a token.
    fn parse(text: &str) -> Self {
        let decoded = |part: &str| percent_decode_str(part).decode_utf8_lossy().into_owned();
        match text.split_once(':') {
            Some((name, password)) => Self::Password(decoded(name), decoded(password)),
            None => Self::Token(decoded(text)),
        }
    }
}

/// Returns an address without what comes before the `@`.
fn without_user(address: &str) -> String {
    let (scheme, rest) = address.split_once("://").unwrap_or(("nats", address));
    format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host))
}

/// The addresses without the credentials in them.
impl fmt::Display for NatsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses = self.text.split(',').map(str::trim).filter(|one| !one.is_empty());
        f.write_str(&addresses.map(without_user).collect::<Vec<_>>().join(","))
    }
}

impl fmt::Debug for NatsAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_servers_and_maybe_a_user_whom_nobody_sees() {
        let password = |name: &str, password: &str| Some(User::Password(name.to_owned(), password.to_owned()));
        for (text, shown, user) in [
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222", None),
            ("10.0.0.7", "nats://10.0.0.7", None),
            ("tls://a.example.org:4443,b.example.org", "tls://a.example.org:4443,nats://b.example.org", None),
            ("nats://me:secret@10.0.0.7, nats://10.0.0.8", "nats://10.0.0.7,nats://10.0.0.8", password("me", "secret")),
            ("nats://me:p%40ss:word@[::1]:4222", "nats://[::1]:4222", password("me", "p@ss:word")),
            ("nats://s3cret@10.0.0.7", "nats://10.0.0.7", Some(User::Token("s3cret".to_owned()))),
        ] {
            let address = NatsAddress::parse(text).unwrap();
            assert_eq!(format!("{address}|{address:?}"), format!("{shown}|{shown}"), "{text}");
            assert!(address.user == user, "{text}");
            assert_eq!(address.servers.len(), shown.split(',').count());
        }
        for text in [
            "",
            " , ",
            "http://10.0.0.7",
            "ws://me:secret@10.0.0.7",
            "nats://me:secret@",
            "nats://me:secret,x@10.0.0.7",
        ] {
            let error = NatsAddress::parse(text).unwrap_err().to_string();
            assert!(!error.contains("secret"), "{error}");
        }
    }
}

//! `host[:port]` and `scheme://host[:port]`, as in headers and settings. They are compared as
//! names, not as text.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A host with an optional port, as in the header `Host`.
#[derive(Clone, Debug)]
pub(crate) struct Authority<'a> {
    name: HostName<'a>,
    port: Option<u16>,
}

/// The last label of a name that means this machine.
const LOCALHOST: &[u8] = b"localhost";

/// Which bytes a name may have. A table, since each request is asked for each byte of its host.
const IN_NAMES: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric() || matches!(byte as u8, b'-' | b'.' | b'_');
        byte += 1;
    }
    table
};

#[derive(Clone, Debug)]
enum HostName<'a> {
    Ip(IpAddr),
    Dns(Cow<'a, str>),
}

impl<'a> Authority<'a> {
    /// Parses `name`, `name:80`, `127.0.0.1:80`, `[::1]` and `[::1]:80`. Returns `None` for any
    /// other form.
    #[inline]
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        if let Some(rest) = text.strip_prefix('[') {
            let (ip, after) = rest.split_once(']')?;
            let ip: Ipv6Addr = ip.parse().ok()?;
            let port = match after {
                "" => None,
                _ => Some(port(after.strip_prefix(':')?)?),
            };
            return Some(Self { name: HostName::Ip(IpAddr::V6(ip).to_canonical()), port });
        }
        let (name, port) = match text.split_once(':') {
            Some((name, digits)) => (name, Some(port(digits)?)),
            None => (text, None),
        };
        Some(Self { name: HostName::parse(name)?, port })
    }

    /// Whether this entry of a list covers `host`. An entry without a port covers every port.
    pub(crate) fn covers(&self, host: &Authority<'_>) -> bool {
        self.name.matches(&host.name) && (self.port.is_none() || self.port == host.port)
    }

    pub(crate) fn has_port(&self) -> bool {
        self.port.is_some()
    }

    /// Whether the name always means this machine, so that no DNS server decides where it leads.
    #[inline]
    pub(crate) fn is_loopback(&self) -> bool {
        match &self.name {
            HostName::Ip(ip) => ip.is_loopback(),
            HostName::Dns(name) => {
                let name = name.as_bytes();
                name.len().checked_sub(LOCALHOST.len()).is_some_and(|above| {
                    // Nearly everybody writes it in lower case, which is compared at once.
                    let label = &name[above..];
                    // It has to be a whole label: `notlocalhost` is another name.
                    (label == LOCALHOST || label.eq_ignore_ascii_case(LOCALHOST))
                        && name[..above].last().is_none_or(|byte| *byte == b'.')
                })
            }
        }
    }

    pub(crate) fn into_owned(self) -> Authority<'static> {
        let name = match self.name {
            HostName::Ip(ip) => HostName::Ip(ip),
            HostName::Dns(name) => HostName::Dns(Cow::Owned(name.into_owned())),
        };
        Authority { name, port: self.port }
    }
}

impl<'a> HostName<'a> {
    #[inline]
    fn parse(text: &'a str) -> Option<Self> {
        if text.starts_with(|first: char| first.is_ascii_digit())
            && let Ok(ip) = text.parse::<Ipv4Addr>()
        {
            return Some(Self::Ip(ip.into()));
        }
        // `example.com.` is the same name in the notation of DNS.
        let name = text.strip_suffix('.').unwrap_or(text);
        let valid = !name.is_empty() && name.bytes().all(|byte| IN_NAMES[usize::from(byte)]);
        valid.then_some(Self::Dns(Cow::Borrowed(name)))
    }

    fn matches(&self, other: &HostName<'_>) -> bool {
        match (self, other) {
            (Self::Ip(a), HostName::Ip(b)) => a == b,
            (Self::Dns(a), HostName::Dns(b)) => a.eq_ignore_ascii_case(b),
            _ => false,
        }
    }
}

fn port(digits: &str) -> Option<u16> {
    // `u16::from_str` would accept a sign.
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

/// A scheme and an authority, as in the header `Origin`. `Origin: null` is not one.
#[derive(Clone, Debug)]
pub(crate) struct WebOrigin<'a> {
    scheme: Cow<'a, str>,
    authority: Authority<'a>,
}

impl<'a> WebOrigin<'a> {
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let mut bytes = scheme.bytes();
        let valid = bytes.next().is_some_and(|b| b.is_ascii_alphabetic())
            && bytes.all(|b| b.is_ascii_alphanumeric() || b"+-.".contains(&b));
        let authority = Authority::parse(authority)?;
        valid.then_some(Self { scheme: Cow::Borrowed(scheme), authority })
    }

    pub(crate) fn matches(&self, other: &WebOrigin<'_>) -> bool {
        self.scheme.eq_ignore_ascii_case(&other.scheme)
            && self.authority.name.matches(&other.authority.name)
            && self.port_or_default(&self.authority) == other.port_or_default(&other.authority)
    }

    /// Whether a page of this origin was served by `host`.
    ///
    /// The scheme is not compared: behind a proxy that terminates TLS, only the browser knows it. A
    /// `host` without a port has the default port of the origin's scheme.
    pub(crate) fn is_served_by(&self, host: &Authority<'_>) -> bool {
        self.authority.name.matches(&host.name) && self.port_or_default(&self.authority) == self.port_or_default(host)
    }

    pub(crate) fn is_http(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("http")
    }

    pub(crate) fn is_https(&self) -> bool {
        self.scheme.eq_ignore_ascii_case("https")
    }

    fn port_or_default(&self, authority: &Authority<'_>) -> Option<u16> {
        authority.port.or_else(|| match &self.scheme {
            _ if self.is_https() => Some(443),
            _ if self.is_http() => Some(80),
            _ => None,
        })
    }

    pub(crate) fn into_owned(self) -> WebOrigin<'static> {
        WebOrigin { scheme: Cow::Owned(self.scheme.into_owned()), authority: self.authority.into_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_host_and_a_port_are_an_authority() {
        for good in ["a", "a:1", "a.b.", "A_b-c:65535", "127.0.0.1", "127.0.0.1:0", "[::1]", "[::1]:80"] {
            assert!(Authority::parse(good).is_some(), "{good}");
        }
        let bad = [
            "", ":80", ".", "a:", "a:+1", "a:65536", "a:b", "a:1:2", "::1", "[::1", "[::1]80", "[a]:1", "u@a", "a/b",
            "a b", "ä",
        ];
        for bad in bad {
            assert!(Authority::parse(bad).is_none(), "{bad:?}");
        }
    }

    #[test]
    fn an_entry_covers_other_spellings_of_its_name_and_its_port_if_it_has_one() {
        let cases = [
            ("example.com", "EXAMPLE.com.:8080", true),
            ("example.com:80", "example.com:80", true),
            ("example.com:80", "example.com", false),
            ("example.com", "example.com.evil.net", false),
            ("example.com", "evilexample.com", false),
            ("[::1]", "[0:0:0:0:0:0:0:1]:5000", true),
            ("127.0.0.1", "[::ffff:127.0.0.1]", true),
            ("127.0.0.1", "localhost", false),
        ];
        for (entry, host, covered) in cases {
            let (a, b) = (Authority::parse(entry).unwrap(), Authority::parse(host).unwrap());
            assert_eq!(a.covers(&b), covered, "{entry} {host}");
        }
    }

    #[test]
    fn loopback_names_are_those_that_no_dns_server_answers_for() {
        for name in
            ["localhost", "LocalHost.", "app.localhost:1", "127.0.0.1", "127.9.9.9", "[::1]:5", "[::ffff:127.0.0.1]"]
        {
            assert!(Authority::parse(name).unwrap().is_loopback(), "{name}");
        }
        for name in ["localhost.evil.net", "notlocalhost", "127.0.0.1.nip.io", "10.0.0.1", "127.1", "[::2]", "0.0.0.0"]
        {
            assert!(!Authority::parse(name).unwrap().is_loopback(), "{name}");
        }
    }

    #[test]
    fn an_origin_is_served_by_the_host_with_its_name_and_port() {
        let cases = [
            ("http://a", "a", true),
            ("http://a", "a:80", true),
            ("https://a", "a:443", true),
            ("https://a:8443", "a:8443", true),
            ("http://A.:5000", "a:5000", true),
            ("http://a:5000", "a:5001", false),
            ("http://a", "a:8080", false),
            ("http://b", "a", false),
            ("http://[::1]:1", "[::1]:1", true),
        ];
        for (origin, host, same) in cases {
            let (origin, host) = (WebOrigin::parse(origin).unwrap(), Authority::parse(host).unwrap());
            assert_eq!(origin.is_served_by(&host), same, "{origin:?} {host:?}");
        }
        for none in ["null", "", "*", "a", "http://", "http://a/path", "http://u@a", "://a", "1x://a"] {
            assert!(WebOrigin::parse(none).is_none(), "{none:?}");
        }
    }
}

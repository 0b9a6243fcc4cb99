//! The addresses in `X-Forwarded-For` and `Forwarded` (RFC 7239), from the right: the last one was
//! written by the proxy that is next to the server.
//!
//! Whatever a client sends is on the left of what a proxy adds. So nothing is read from the left:
//! an opening quote that a client sends must not hide the entry that follows it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An entry of either header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Address(IpAddr),
    /// No address: `unknown`, an identifier such as `_hidden`, or what is malformed.
    Unreadable,
}

/// Returns the entries of a line of `X-Forwarded-For`, the last one first. Empty ones are left out.
pub(super) fn x_forwarded_for(line: &str) -> impl Iterator<Item = Entry> {
    line.rsplit(',').map(str::trim).filter(|entry| !entry.is_empty()).map(|entry| {
        let bare = entry.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
        read(address(bare.unwrap_or(entry)))
    })
}

/// Returns the entries of a line of `Forwarded`, the last one first. Empty ones are left out.
pub(super) fn forwarded(line: &str) -> impl Iterator<Item = Entry> {
    let elements = ElementsFromRight { rest: Some(line) };
    elements.map(str::trim).filter(|element| !element.is_empty()).map(|element| {
        let node = for_parameter(element);
        read(node.and_then(|node| address(&node)))
    })
}

fn read(address: Option<IpAddr>) -> Entry {
    address.map_or(Entry::Unreadable, Entry::Address)
}

/// Returns the address in an entry, which a port may follow. An IPv6 address may be in brackets,
/// and is if it has a port.
fn address(node: &str) -> Option<IpAddr> {
    if let Ok(address) = node.parse::<IpAddr>() {
        return Some(address.to_canonical());
    }
    let (address, port) = match node.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            (IpAddr::V6(address.parse::<Ipv6Addr>().ok()?), port)
        }
        None => {
            let (address, port) = node.split_at(node.find(':')?);
            (IpAddr::V4(address.parse::<Ipv4Addr>().ok()?), port)
        }
    };
    let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
    is_port.then(|| address.to_canonical())
}

/// Whether this is a port, or an identifier in its place (RFC 7239, section 6).
fn is_port(text: &str) -> bool {
    let is_identifier = |name: &str| {
        !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte))
    };
    match text.strip_prefix('_') {
        Some(name) => is_identifier(name),
        None => (1..=5).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

/// Returns the value of the parameter `for` in an element of `Forwarded`; `None` if there is none,
/// or more than one, or if the element is malformed.
fn for_parameter(element: &str) -> Option<String> {
    let (mut found, mut rest) = (None, element);
    while !rest.is_empty() {
        if let Some(next) = rest.strip_prefix(';') {
            rest = next.trim_start();
            continue;
        }
        let (name, value) = rest.split_once('=')?;
        let (value, after) = match value.trim_start().strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let (value, after) = value.split_at(value.find(';').unwrap_or(value.len()));
                (value.trim().to_owned(), after)
            }
        };
        rest = after.trim_start();
        if !rest.is_empty() && !rest.starts_with(';') {
            return None;
        }
        if name.trim().eq_ignore_ascii_case("for") && found.replace(value).is_some() {
            return None;
        }
    }
    found
}

/// Returns a quoted string, whose opening quote has been read, and what follows it.
fn unquote(text: &str) -> Option<(String, &str)> {
    let (mut value, mut chars) = (String::new(), text.chars());
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(chars.next()?),
            other => value.push(other),
        }
    }
}

/// Splits a line at its commas outside of quotes, from the right.
struct ElementsFromRight<'a> {
    rest: Option<&'a str>,
}

impl<'a> Iterator for ElementsFromRight<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        let rest = self.rest.take()?;
        let is_escaped =
            |at: usize| rest.as_bytes()[..at].iter().rev().take_while(|byte| **byte == b'\\').count() % 2 == 1;
        let mut quoted = false;
        for (at, byte) in rest.bytes().enumerate().rev() {
            match byte {
                b'"' if !is_escaped(at) => quoted = !quoted,
                b',' if !quoted => {
                    self.rest = Some(&rest[..at]);
                    return Some(&rest[at + 1..]);
                }
                _ => {}
            }
        }
        Some(rest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Writes the entries with spaces between, and `-` for one that is not readable.
    fn written(entries: impl Iterator<Item = Entry>) -> String {
        let entries = entries.map(|entry| match entry {
            Entry::Address(address) => address.to_string(),
            Entry::Unreadable => "-".to_owned(),
        });
        entries.collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn the_entries_of_x_forwarded_for_are_read_from_the_right() {
        for (line, expected) in [
            ("", ""),
            (" , ,", ""),
            ("203.0.113.7", "203.0.113.7"),
            ("203.0.113.7, 10.0.0.1,10.0.0.2", "10.0.0.2 10.0.0.1 203.0.113.7"),
            ("203.0.113.7,,10.0.0.1", "10.0.0.1 203.0.113.7"),
            ("203.0.113.7:4711", "203.0.113.7"),
            ("2001:db8::1", "2001:db8::1"),
            ("[2001:db8::1]", "2001:db8::1"),
            ("[2001:db8::1]:443", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("::ffff:10.0.0.1", "10.0.0.1"),
            ("[::ffff:10.0.0.1]:80", "10.0.0.1"),
            ("unknown, _hidden, 1.2.3, 1.2.3.4.5, 256.1.1.1, 010.1.1.1", "- - - - - -"),
            ("1.2.3.4:, 1.2.3.4:x, 1.2.3.4:123456, 1.2.3.4:80:80", "- - - -"),
            ("[1.2.3.4], [::1, ::1], [::1]x, [::1]:, [], [:", "- - - - - - -"),
            ("\"1.2.3.4, 1.2.3.4\", 1.2.3.4 5.6.7.8, \u{fffd}, for=1.2.3.4", "- - - - -"),
            ("fe80::1%eth0, example.org, 127.1, 0x7f000001, 2130706433", "- - - - -"),
        ] {
            assert_eq!(written(x_forwarded_for(line)), expected, "{line}");
        }
    }

    #[test]
    fn the_entries_of_forwarded_are_read_from_the_right() {
        for (line, expected) in [
            ("", ""),
            (", ,", ""),
            // The examples of RFC 7239, section 4.
            ("for=\"_gazonk\"", "-"),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("for=192.0.2.60;proto=http;by=203.0.113.43", "192.0.2.60"),
            ("for=192.0.2.43, for=198.51.100.17", "198.51.100.17 192.0.2.43"),
            // Section 7.1 and the identifiers of section 6.
            ("for=192.0.2.43,for=\"[2001:db8:cafe::17]\",for=unknown", "- 2001:db8:cafe::17 192.0.2.43"),
            ("for=_hidden, for=_SEVKISEK", "- -"),
            ("for=\"192.0.2.43:47011\"", "192.0.2.43"),
            ("for=\"192.0.2.43:_port\"", "192.0.2.43"),
            ("for=\"unknown:47\"", "-"),
            // What is not quoted although it must be is not ambiguous.
            ("for=192.0.2.43:47011", "192.0.2.43"),
            ("for=[2001:db8::1]", "2001:db8::1"),
            ("for=\"2001:db8::1\"", "2001:db8::1"),
            (" proto=https ; FOR = 192.0.2.60 ;; ", "192.0.2.60"),
            ("host=\"a,b;for=1.1.1.1\\\"\";for=192.0.2.60", "192.0.2.60"),
            ("for=\"192.0.2\\.60\"", "192.0.2.60"),
            ("by=203.0.113.43", "-"),
            ("for=1.1.1.1;for=2.2.2.2", "-"),
            ("for", "-"),
            ("for=", "-"),
            ("1.1.1.1", "-"),
            ("for=\"1.1.1.1", "-"),
            ("for=\"1.1.1.1\"x", "-"),
            ("for=\"1.1.1.1\\", "-"),
        ] {
            assert_eq!(written(forwarded(line)), expected, "{line}");
        }
    }

    #[test]
    fn what_a_client_sends_hides_no_entry_of_a_proxy() {
        for sent in ["for=\"", "for=\"x", "for=\\", "for=\"\\", "\"", "\\\"", "for=a;host=\"b", ";;;=\"", "for=\"a\"\""]
        {
            for added in
                ["for=203.0.113.7", "for=\"203.0.113.7:80\";proto=\"https\"", "by=\"_a\\\"\\\\\";for=203.0.113.7"]
            {
                let line = format!("{sent}, {added}");
                let first = forwarded(&line).next();
                assert_eq!(first, Some(Entry::Address("203.0.113.7".parse().unwrap())), "{line}");
            }
        }
    }
}

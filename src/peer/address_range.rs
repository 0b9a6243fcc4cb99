//! An IP address, or a network in CIDR notation.

use std::net::IpAddr;

/// A range of IP addresses: one address (`10.0.0.7`), or a network (`10.0.0.0/8`, `fd00::/8`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AddressRange {
    first: IpAddr,
    /// The number of leading bits that all its addresses have in common.
    prefix: u32,
}

impl AddressRange {
    /// Reads a range; `None` if the text is none.
    ///
    /// A network must be written with its first address: `10.1.2.3/8` is more likely a mistake than
    /// a network. A network of all addresses is none, as it would make a proxy of each client.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            None => (text, None),
            Some((address, prefix)) if prefix.bytes().all(|digit| digit.is_ascii_digit()) => {
                (address, Some(prefix.parse().ok()?))
            }
            Some(_) => return None,
        };
        let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let written: IpAddr = bare.unwrap_or(address).parse().ok()?;
        let first = written.to_canonical();
        // The 96 bits in front of an IPv4 address that is written as an IPv6 one.
        let mapped = width(written) - width(first);
        let prefix = prefix.unwrap_or(width(written)).checked_sub(mapped)?;
        let range = Self { first, prefix };
        let is_network = (1..=width(first)).contains(&prefix) && range.network_bits(first) == bits(first);
        is_network.then_some(range)
    }

    /// Whether the address is in the range. An IPv4 address that is written as an IPv6 one
    /// (`::ffff:10.0.0.7`) counts as the IPv4 address.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.first.is_ipv4() && self.network_bits(address) == bits(self.first)
    }

    /// Returns an address of the same family without the bits behind the prefix.
    fn network_bits(&self, address: IpAddr) -> u128 {
        let host_bits = width(self.first) - self.prefix;
        bits(address) >> host_bits << host_bits
    }
}

/// Number of bits of an address.
fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_has_the_addresses_with_its_prefix() {
        let table = [
            ("10.0.0.7", &["10.0.0.7", "::ffff:10.0.0.7"][..], &["10.0.0.6", "::10.0.0.7", "::1"][..]),
            ("10.0.0.0/8", &["10.0.0.0", "10.255.255.255", "::ffff:10.1.2.3"], &["9.255.255.255", "11.0.0.0"]),
            ("172.16.0.0/12", &["172.16.0.1", "172.31.255.255"], &["172.15.255.255", "172.32.0.0"]),
            ("128.0.0.0/1", &["128.0.0.0", "255.255.255.255"], &["127.255.255.255", "8000::"]),
            ("10.0.0.4/31", &["10.0.0.4", "10.0.0.5"], &["10.0.0.3", "10.0.0.6"]),
            ("10.0.0.4/32", &["10.0.0.4"], &["10.0.0.5"]),
            ("::1", &["::1"], &["::", "127.0.0.1"]),
            ("[::1]", &["::1"], &["::2"]),
            ("fd00::/8", &["fd00::", "fdff:ffff::1"], &["fc00::", "fe00::", "253.0.0.0"]),
            ("2001:db8:1:2::/64", &["2001:db8:1:2:3:4:5:6"], &["2001:db8:1:3::"]),
            ("::/64", &["::1"], &["10.0.0.1", "::ffff:10.0.0.1"]),
            ("::ffff:10.0.0.0/104", &["10.1.2.3", "::ffff:10.1.2.3"], &["11.0.0.0"]),
        ];
        for (range, inside, outside) in table {
            let parsed = AddressRange::parse(range).unwrap_or_else(|| panic!("{range}"));
            for address in inside {
                assert!(parsed.contains(address.parse().unwrap()), "{range} {address}");
            }
            for address in outside {
                assert!(!parsed.contains(address.parse().unwrap()), "{range} {address}");
            }
        }
    }

    #[test]
    fn what_is_no_range_is_refused() {
        for text in [
            "",
            "/",
            "/8",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/0",
            "10.0.0.0/-1",
            "10.0.0.0/+8",
            "10.0.0.0/8/8",
            "10.0.0.1/8",
            "10.0.0",
            "010.0.0.1",
            "::/0",
            "::/129",
            "fd00::1/8",
            "fe80::1%eth0",
            "proxy.example.org",
            "*",
            "10.0.0.0/255.0.0.0",
            "::ffff:10.0.0.0/96",
            "::ffff:0:0/95",
            "[::1",
            "10.0.0.7:80",
            "all",
        ] {
            assert_eq!(AddressRange::parse(text), None, "{text}");
        }
    }
}

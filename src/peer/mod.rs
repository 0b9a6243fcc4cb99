//! The addresses of peers: the one under which a peer is counted, and ranges of them.

mod address_range;

use std::net::{IpAddr, Ipv6Addr};

pub(crate) use address_range::AddressRange;

/// Returns the address under which a peer is counted: an IPv4 address itself, or the network of 64
/// bits of an IPv6 address. A host usually has a whole such network, so 2⁶⁴ addresses.
pub(crate) fn network(ip: IpAddr) -> IpAddr {
    match ip.to_canonical() {
        IpAddr::V4(ip) => IpAddr::V4(ip),
        IpAddr::V6(ip) => IpAddr::V6(Ipv6Addr::from_bits(ip.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_counts_as_one_peer() {
        for (ip, counted) in [
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
            ("::ffff:10.1.2.3", "10.1.2.3"),
            ("10.1.2.3", "10.1.2.3"),
            ("::1", "::"),
        ] {
            assert_eq!(network(ip.parse().unwrap()).to_string(), counted, "{ip}");
        }
    }
}

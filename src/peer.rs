//! What counts as one peer.

use std::net::{IpAddr, Ipv6Addr};

/// The address under which a peer is counted: whoever has an IPv6 address has 2⁶⁴ of them.
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

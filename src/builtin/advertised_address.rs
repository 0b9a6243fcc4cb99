//! The address of this machine at which others may reach it.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

/// Returns the address to advertise for a server that listens on this one.
///
/// `0.0.0.0` and `::` stand for every interface, and nobody can call them. The address advertised
/// instead is the one from which packets to the rest of the world would be sent: in a cluster that
/// is the container's own. Without a route to anywhere it is the loopback address.
pub(super) fn advertised(listens: SocketAddr) -> SocketAddr {
    if !listens.ip().to_canonical().is_unspecified() {
        return listens;
    }
    let v4 = || outbound_ip(Ipv4Addr::UNSPECIFIED.into(), DOCUMENTATION_V4.into());
    let v6 = || outbound_ip(Ipv6Addr::UNSPECIFIED.into(), DOCUMENTATION_V6.into());
    let (ip, loopback) = match listens.ip() {
        IpAddr::V4(_) => (v4(), Ipv4Addr::LOCALHOST.into()),
        // An IPv6 socket takes calls over IPv4, too.
        IpAddr::V6(_) => (v4().or_else(|_| v6()), Ipv6Addr::LOCALHOST.into()),
    };
    SocketAddr::new(ip.unwrap_or(loopback), listens.port())
}

/// Addresses reserved for documentation, which nobody has. Connecting a UDP socket only looks up a
/// route and sends nothing.
const DOCUMENTATION_V4: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
const DOCUMENTATION_V6: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);

fn outbound_ip(any: IpAddr, elsewhere: IpAddr) -> io::Result<IpAddr> {
    let socket = UdpSocket::bind((any, 0))?;
    socket.connect((elsewhere, 9))?;
    Ok(socket.local_addr()?.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unspecified_address_is_advertised_as_one_that_can_be_called() {
        for listens in ["0.0.0.0:5000", "[::]:5000", "[::ffff:0.0.0.0]:5000"] {
            let advertised = advertised(listens.parse().unwrap());
            assert!(
                !advertised.ip().to_canonical().is_unspecified() && advertised.port() == 5000,
                "{listens}: {advertised}"
            );
        }
        for listens in ["127.0.0.1:80", "[::1]:80", "192.0.2.7:80"] {
            assert_eq!(advertised(listens.parse().unwrap()).to_string(), listens);
        }
    }
}

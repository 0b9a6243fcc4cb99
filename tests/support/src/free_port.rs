//! Ports at which nobody listens.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use socket2::{Domain, Socket, Type};

/// Returns an address of loopback at which nobody listens at the moment.
///
/// # Panics
/// If there is none.
pub fn free_address() -> SocketAddr {
    let address = bind(0).and_then(|socket| socket.local_addr()).ok().and_then(|address| address.as_socket());
    address.expect("a free port")
}

/// Whether nobody listens at a port of loopback at the moment.
pub fn is_free(port: u16) -> bool {
    bind(port).is_ok()
}

/// Binds a port of loopback without listening there. A program that another thread starts at this
/// moment has a copy of the socket until it runs. A listening one would answer clients for that
/// time and then reset them, and would keep the port from the program that it is meant for.
fn bind(port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    Ok(socket)
}

//! The listening socket.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

/// Maximum number of connections that wait to be accepted; the system may allow fewer. The same as
/// the default of actix.
const BACKLOG: i32 = 1024;

/// Maximum size of unsent data that the system buffers for one connection, in bytes.
///
/// Without it, the system buffers megabytes for a client that does not read its responses, and a
/// few hundred such clients use up the memory for sockets and slow down everybody.
#[cfg(any(target_os = "android", target_os = "linux"))]
const MAX_UNSENT: u32 = 128 * 1024;

/// Listens on the first address of `host` that is available.
///
/// # Errors
/// If the host has no address, or none that is available: the error of the last one.
pub(super) fn listen(host: &str, port: u16) -> io::Result<TcpListener> {
    let mut failed = None;
    for address in (host, port).to_socket_addrs()? {
        match listen_on(address) {
            Ok(listener) => return Ok(listener),
            Err(error) => failed = Some(error),
        }
    }
    Err(failed.unwrap_or_else(|| io::Error::new(io::ErrorKind::NotFound, "the host has no address")))
}

fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    // Connections of the previous process may still be in TIME_WAIT, which would keep a restarted
    // server from binding the address.
    socket.set_reuse_address(true)?;
    // Accepted connections inherit this from the listening socket.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    socket.set_tcp_notsent_lowat(MAX_UNSENT)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, TcpStream};

    use socket2::SockRef;

    use super::*;

    #[test]
    fn a_host_may_be_an_address_or_a_name() {
        for host in ["127.0.0.1", "localhost"] {
            let listener = listen(host, 0).unwrap();
            TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        }
    }

    #[test]
    fn an_address_that_is_not_available_is_an_error() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(listen("127.0.0.1", port).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert!(listen("192.0.2.1", 0).is_err(), "no address of this machine");
    }

    #[test]
    #[cfg(any(target_os = "android", target_os = "linux"))]
    fn accepted_connections_buffer_little_for_clients_that_do_not_read() {
        let listener = listen("127.0.0.1", 0).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let (connection, _) = listener.accept().unwrap();
        assert_eq!(SockRef::from(&connection).tcp_notsent_lowat().unwrap(), MAX_UNSENT);
    }
}

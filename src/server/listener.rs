//! The socket that connections come in by.

use std::io;
use std::net::{SocketAddr, TcpListener, ToSocketAddrs};

use socket2::{Domain, Protocol, Socket, Type};

/// Connections that may wait to be taken, as far as the system allows it: as many as actix would ask for.
const BACKLOG: i32 = 1024;

/// How much of an answer the system may hold for one connection beyond what is on its way, in bytes. By its own measure it takes
/// megabytes for a client that does not read, and slows everybody down once a few hundred of them have used up its memory.
#[cfg(any(target_os = "android", target_os = "linux"))]
const UNSENT: u32 = 128 * 1024;

/// Listens on the first address of this host that can be had.
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
    // A server that starts again need not wait for the end of what the last one has left behind.
    socket.set_reuse_address(true)?;
    // Connections have it from the socket that they came in by.
    #[cfg(any(target_os = "android", target_os = "linux"))]
    socket.set_tcp_notsent_lowat(UNSENT)?;
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
    fn it_listens_on_an_address_by_its_number_or_by_its_name() {
        for host in ["127.0.0.1", "localhost"] {
            let listener = listen(host, 0).unwrap();
            TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        }
    }

    #[test]
    fn what_cannot_be_had_is_an_error() {
        let taken = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = taken.local_addr().unwrap().port();
        assert_eq!(listen("127.0.0.1", port).unwrap_err().kind(), io::ErrorKind::AddrInUse);
        assert!(listen("192.0.2.1", 0).is_err(), "no address of this machine");
    }

    #[test]
    #[cfg(any(target_os = "android", target_os = "linux"))]
    fn the_connections_that_come_in_hold_little_for_clients_that_do_not_read() {
        let listener = listen("127.0.0.1", 0).unwrap();
        let _client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        listener.set_nonblocking(false).unwrap();
        let (connection, _) = listener.accept().unwrap();
        assert_eq!(SockRef::from(&connection).tcp_notsent_lowat().unwrap(), UNSENT);
    }
}

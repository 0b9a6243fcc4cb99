//! What a connection gets for which there is no place.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use actix_web::rt::time::timeout;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// How long a rejected connection may stay, so that its client reads why.
const LINGER: Duration = Duration::from_secs(1);

/// How much of a request is read before it is answered, and of its rest afterwards, in bytes.
const MAX_READ: u64 = 64 * 1024;

const RESPONSE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-length: 21\r\n\
    connection: close\r\n\
    retry-after: 1\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    \r\n\
    Too many connections\n";

/// Answers 503 once the client has asked for something, and stays until the client has gone, but
/// for a moment only.
///
/// Many clients take an answer for an error if it comes before they have asked. And if a connection
/// is closed while something is unread, the system resets it, and the answer may be lost.
pub(super) async fn with_response<S: AsyncRead + AsyncWrite + Unpin>(stream: impl Future<Output = io::Result<S>>) {
    let exchange = async {
        let mut stream = stream.await?;
        let asked = timeout(LINGER / 2, stream.read(&mut [0; 4096])).await;
        if !matches!(asked, Ok(Ok(0) | Err(_))) {
            stream.write_all(RESPONSE).await?;
            stream.shutdown().await?;
            tokio::io::copy(&mut stream.take(MAX_READ), &mut tokio::io::sink()).await?;
        }
        io::Result::Ok(())
    };
    // A client that has gone, or is slow to go, gets no more than this.
    let _ = timeout(LINGER, exchange).await;
}

/// Answers 503, if the client can read it without a handshake, and closes the connection.
pub(super) fn immediately(stream: &TcpStream, is_tls: bool) {
    let socket = SockRef::from(stream);
    // Each fails when the client has already gone, which is as good.
    if !is_tls {
        let _ = socket.send(RESPONSE);
    }
    let _ = socket.shutdown(Shutdown::Both);
}

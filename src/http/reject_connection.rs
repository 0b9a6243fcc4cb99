//! The ways to reject a connection beyond the limits: with a 503 response, or at once.

use std::io;
use std::net::Shutdown;
use std::time::Duration;

use actix_web::rt::net::TcpStream;
use actix_web::rt::time::timeout;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

/// Maximum time for which a rejected connection stays open, so that its client can read the reason.
const LINGER: Duration = Duration::from_secs(1);

/// Maximum number of bytes of the request to read after the response.
const MAX_READ: u64 = 64 * 1024;

const RESPONSE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\n\
    content-length: 21\r\n\
    connection: close\r\n\
    retry-after: 1\r\n\
    content-type: text/plain; charset=utf-8\r\n\
    \r\n\
    Too many connections\n";

/// Answers 503 once the client has sent something, or after half a second, and waits until the
/// client has disconnected. All of this takes at most a second.
///
/// Many clients treat a response that arrives before their request as an error. And if a connection
/// is closed while something is unread, the system resets it, and the response may be lost.
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
    // Errors and the timeout mean that the client has disconnected or is slow to; either way the
    // connection ends here.
    let _ = timeout(LINGER, exchange).await;
}

/// Answers 503 if the client can read that without a TLS handshake, and closes the connection.
pub(super) fn immediately(stream: &TcpStream, is_tls: bool) {
    let socket = SockRef::from(stream);
    // Both fail if the client has already disconnected, which is fine.
    if !is_tls {
        let _ = socket.send(RESPONSE);
    }
    let _ = socket.shutdown(Shutdown::Both);
}

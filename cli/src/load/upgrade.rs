//! The handshake that makes a WebSocket of a connection.

use std::io;
use std::net::TcpStream;

use async_io::Async;
use futures::{AsyncReadExt, AsyncWriteExt};

use super::web_target::WebTarget;

/// Maximum size of the response to a handshake, in bytes.
const MAX_HEAD_SIZE: usize = 16 * 1024;

/// Maximum number of headers of the response.
const MAX_HEADERS: usize = 64;

/// Returns the request that opens a WebSocket. Each header is a name and a value. The key is that
/// of RFC 6455, since a load has nothing to protect from a cache.
pub(crate) fn build_upgrade(target: &WebTarget, headers: &[(String, String)]) -> Vec<u8> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!(
        "GET {} HTTP/1.1\r\nhost: {}\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
         sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n",
        target.path, target.host
    )
    .into_bytes()
}

/// Sends the request, and waits for the response. Returns what has arrived after it.
///
/// # Errors
///
/// If the connection breaks, or the server does not open a WebSocket.
pub(crate) async fn upgrade(mut stream: &Async<TcpStream>, request: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(request).await?;
    let (mut received, mut buffer) = (Vec::new(), [0; 1024]);
    let end = loop {
        if received.len() > MAX_HEAD_SIZE {
            return Err(io::Error::other("the server has sent no HTTP response"));
        }
        let count = stream.read(&mut buffer).await?;
        if count == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        received.extend_from_slice(&buffer[..count]);
        if let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
    };
    let rest = received.split_off(end);
    let head = received;
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    response.parse(&head).map_err(io::Error::other)?;
    match response.code {
        Some(101) => Ok(rest),
        status => {
            let status = status.unwrap_or_default();
            Err(io::Error::other(format!("the server opens no WebSocket there: it has answered with status {status}")))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use super::*;

    fn handshake(response: &'static str) -> io::Result<Vec<u8>> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("ws://{}/api", listener.local_addr().unwrap()).parse().unwrap();
        let target = WebTarget::resolve(&url, false).unwrap();
        let request = build_upgrade(&target, &[("x-api-token".to_owned(), "secret".to_owned())]);
        let length = request.len();
        let server = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = vec![0; length];
            stream.read_exact(&mut request).unwrap();
            stream.write_all(response.as_bytes()).unwrap();
            String::from_utf8(request).unwrap()
        });
        let opened = async_io::block_on(async {
            let stream = Async::<TcpStream>::connect(target.address()).await?;
            upgrade(&stream, &request).await
        });
        let request = server.join().unwrap();
        assert!(request.starts_with("GET /api HTTP/1.1\r\n") && request.contains("\r\nx-api-token: secret\r\n"));
        opened
    }

    #[test]
    fn a_handshake_succeeds_with_status_101_alone() {
        let response = "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n\r\nrest";
        assert_eq!(handshake(response).unwrap(), b"rest");
        for (response, reason) in [
            ("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "status 404"),
            ("SSH-2.0-x\r\n\r\n", "invalid"),
            ("HTTP/1.1 101 Switch", ""),
        ] {
            let error = handshake(response).unwrap_err().to_string();
            assert!(error.contains(reason), "{response}: {error}");
        }
    }
}

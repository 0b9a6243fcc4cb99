//! A server with a fixed response.

use std::io::{Read, Write};
use std::net::TcpListener;

/// Starts a server that sends this HTTP status line and body for every request, and returns its
/// URL. It runs until the process ends.
pub(crate) fn stub(status: &'static str, body: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}/api", listener.local_addr().expect("an address"));
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            let mut received = Vec::new();
            let mut buffer = [0; 1024];
            // All request bodies here end with a brace, and no head does.
            while !received.ends_with(b"}") {
                match stream.read(&mut buffer) {
                    Ok(0) | Err(_) => break,
                    Ok(count) => received.extend_from_slice(&buffer[..count]),
                }
            }
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}"
            );
            // The client may have disconnected.
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    url
}

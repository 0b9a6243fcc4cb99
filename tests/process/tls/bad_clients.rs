//! Clients that send invalid data, send nothing, or stay connected for too long.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use callbox_test_support::http::Connection;
use callbox_test_support::program::Program;
use callbox_test_support::wait::until;
use rustix::process::Signal;
use rustls::version::TLS13;

use crate::tls::tls_server::{call, handshake, start, trusting};
use crate::tls::{ANSWER, HELLO};

/// Reads until the server closes the connection; what it has sent.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => rest,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => rest,
        Err(error) => panic!("still open: {error}"),
    }
}

pub(crate) fn plain() {
    let (program, _directory, root) = start("greeter", &[]);
    let nonsense: [&[u8]; 3] = [b"\0\0\0\0\0\0\0\0", &[0x16, 3, 1, 0xff, 0xff, 1, 1, 1], &[0xff; 100_000]];
    let request = format!("POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{HELLO}", HELLO.len());
    for sent in nonsense.into_iter().chain([request.as_bytes()]) {
        let mut stream = Connection::open(program.address()).0;
        // It may have been sent away before it has said all.
        let _ = stream.write_all(sent);
        let answer = rest(&mut stream);
        // An alert of TLS at most.
        assert!(answer.len() < 10 && !answer.starts_with(b"HTTP"), "{answer:?}");
    }
    assert_eq!(call(&mut trusting(&program, &root), HELLO).body, ANSWER);
}

pub(crate) fn no_errors() {
    const CHUNKED: &[u8] =
        b"POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (mut with, _directory, _) = start("greeter", &[]);
    let mut without = Program::with_role("greeter", &["--port", "0"]).start();
    let request = format!("POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{HELLO}", HELLO.len());
    let nonsense: [&[u8]; 8] = [
        &[0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0, b'\n', b'\n'],
        b"SSH-2.0-OpenSSH_9.9\r\n\r\n",
        &[b'a'; 200_000],
        b"GET / HTTP/1.1\r\nHost: localhost\r\nno header\r\n\r\n",
        &[request.as_bytes(), b"\x80\r\n\r\n"].concat(),
        &[CHUNKED, b"none\r\n\r\n"].concat(),
        &[CHUNKED, b"1;a\x01\r\n1\r\n"].concat(),
        &[CHUNKED, b"1 2\r\n1\r\n"].concat(),
    ];
    for program in [&with, &without] {
        for sent in nonsense {
            let mut stream = Connection::open(program.address()).0;
            // It may have been sent away before it has said all.
            let _ = stream.write_all(sent);
            // Nor may there be a connection by now that could be closed.
            let _ = stream.shutdown(std::net::Shutdown::Write);
            rest(&mut stream);
        }
    }
    for program in [&mut with, &mut without] {
        program.signal(Signal::TERM);
    }
    for program in [with, without] {
        let log = program.wait().log;
        assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
    }
}

pub(crate) fn silent() {
    let limits = ["--max-connections", "100", "--max-connections-per-peer", "10"];
    let (with, _directory, root) = start("greeter", &limits);
    let without = Program::with_role("greeter", &[&["--port", "0"], &limits[..]].concat()).start();
    for program in [&with, &without] {
        let silent: Vec<_> = (0..100).map(|_| Connection::open(program.address()).0).collect();
        let mut from_another = Connection::open_from([127, 0, 0, 2], program.address());
        if std::ptr::eq(program, &with) {
            let mut over_tls = handshake(from_another, &root, &TLS13, &[]).expect("a connection");
            assert_eq!(call(&mut over_tls, HELLO).body, ANSWER);
        } else {
            from_another.send_request("POST", "/api", &[], HELLO);
            assert_eq!(from_another.read_response().body, ANSWER);
        }
        // Those for which there is no place are gone long before the others have kept us waiting.
        let began = Instant::now();
        let gone = silent.into_iter().filter(|stream| {
            let left = Duration::from_secs(3).saturating_sub(began.elapsed()).max(Duration::from_millis(1));
            stream.set_read_timeout(Some(left)).expect("a timeout");
            let mut buffer = Vec::new();
            let end = (&mut &*stream).read_to_end(&mut buffer);
            end.is_ok() || end.is_err_and(|error| error.kind() == std::io::ErrorKind::ConnectionReset)
        });
        assert_eq!(gone.count(), 90);
    }
}

pub(crate) fn stalled() {
    // More than actix would have at once by itself, 256 for each thread.
    let (program, _directory, root) = start("greeter", &["--workers", "1"]);
    let began = Instant::now();
    let mut stalled: Vec<_> = (0..300).map(|_| Connection::open(program.address()).0).collect();
    for (n, stream) in stalled.iter_mut().enumerate() {
        // The half of them begins a handshake: a record of 512 bytes, of which ten come.
        if n % 2 == 0 {
            stream.write_all(&[0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3, 0, 0, 0, 0]).expect("the server listens");
        }
    }
    let mut connection = trusting(&program, &root);
    assert_eq!(call(&mut connection, HELLO).body, ANSWER);
    // On a machine that is too busy to get here in time, the ends of the others tell nothing.
    if began.elapsed() < Duration::from_secs(4) {
        stalled[0].set_nonblocking(true).expect("a socket");
        let open = stalled[0].read(&mut [0]).expect_err("the call did not wait for the end of the others");
        assert_eq!(open.kind(), std::io::ErrorKind::WouldBlock);
        stalled[0].set_nonblocking(false).expect("a socket");
    }
    for stream in &mut stalled {
        assert!(rest(stream).is_empty());
    }
    assert_eq!(call(&mut trusting(&program, &root), HELLO).body, ANSWER);
}

pub(crate) fn second_head() {
    let (mut program, _directory, root) = start("greeter", &["--log", "callbox=debug,info"]);
    let mut connection = trusting(&program, &root);
    assert_eq!(call(&mut connection, HELLO).body, ANSWER);
    connection.send("POST /api HT");
    program.wait_for_line("a connection was closed because its client stalled");
    assert!(rest(&mut connection.0.sock).len() < 100, "an end of TLS at most");
}

pub(crate) fn idle() {
    let (program, _directory, root) = start("greeter", &["--keep-alive", "7s"]);
    let mut connection = trusting(&program, &root);
    assert_eq!(call(&mut connection, HELLO).body, ANSWER);
    let began = Instant::now();
    let end = connection.0.read(&mut [0]).expect("the end of TLS comes before that of TCP");
    assert_eq!(end, 0);
    assert!(began.elapsed() >= Duration::from_secs(6), "{:?}", began.elapsed());
}

pub(crate) fn per_peer() {
    let (program, _directory, root) = start("greeter", &["--max-connections-per-peer", "1"]);
    let mut first = trusting(&program, &root);
    assert_eq!(call(&mut first, HELLO).status, 200);
    let answer = call(&mut trusting(&program, &root), HELLO);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    assert_eq!(call(&mut first, HELLO).status, 200);
    drop(first);
    until("there is room again", || call(&mut trusting(&program, &root), HELLO).status == 200);
}

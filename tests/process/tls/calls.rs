//! Calls over TLS, from the handshake to the stop of the server.

use std::net::TcpStream;

use callbox_test_support::http::{Connection, request};
use callbox_test_support::program::{Program, ProgramOutput};
use callbox_test_support::wait::until;
use rustix::process::Signal;
use rustls::version::{TLS12, TLS13};

use crate::tls::tls_server::{call, connect, start, trusting};
use crate::tls::{ANSWER, HELLO};

pub(crate) fn answers() {
    let (program, _directory, root) = start("greeter", &[]);
    let both: &[&[u8]] = &[b"h2", b"http/1.1"];
    for version in [&TLS12, &TLS13] {
        let mut connection = connect(&program, &root, version, both).expect("a connection");
        assert_eq!(connection.0.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
        for _ in 0..2 {
            assert_eq!(call(&mut connection, HELLO).body, ANSWER);
        }
        let refused = connect(&program, &root, version, &[b"h2"]).expect_err("no HTTP/2").to_string();
        assert!(refused.contains("NoApplicationProtocol"), "{refused}");
    }
    let specs = call(&mut trusting(&program, &root), r#"{"jsonrpc":"2.0","method":"get_service_specs","id":1}"#).json();
    assert_eq!(specs["result"]["accessible_at"], format!("https://{}/api", program.address()));
    program.signal(Signal::TERM);
    let log = program.wait().log;
    assert!(
        log.contains("listening url=\"https://127.0.0.1:") || log.contains("listening url=https://127.0.0.1:"),
        "{log}"
    );
}

pub(crate) fn origins() {
    let (program, _directory, root) = start("greeter", &[]);
    let host = format!("localhost:{}", program.address().port());
    for (host, origin, status) in [
        (host.as_str(), format!("https://{host}"), 200),
        (&host, format!("http://{host}"), 403),
        ("localhost", "https://localhost".to_owned(), 200),
        ("localhost", "http://localhost".to_owned(), 403),
        ("localhost", "https://example.org".to_owned(), 403),
    ] {
        let mut connection = trusting(&program, &root);
        connection.send_request("POST", "/api", &[("Host", host), ("Origin", &origin)], HELLO);
        assert_eq!(connection.read_response().status, status, "{host} {origin}");
    }
    let without = Program::with_role("greeter", &["--port", "0"]).start();
    let headers = [("Host", "localhost"), ("Origin", "http://localhost")];
    assert_eq!(
        request(without.address(), "POST", "/api", &headers, HELLO).status,
        200,
        "without TLS it is the same site"
    );
}

pub(crate) fn drains() {
    let (mut program, _directory, root) = start("holder", &[]);
    let mut held = trusting(&program, &root);
    held.send_request("POST", "/api", &[], r#"{"jsonrpc":"2.0","method":"hold","params":[7],"id":1}"#);
    until("the call is admitted", || {
        let mut asks = trusting(&program, &root);
        asks.send_request("GET", "/calls", &[], "");
        asks.read_response().body == "1 admitted, 0 waiting"
    });
    let mut stalled = Connection::open(program.address());
    stalled.send([0x16, 3, 1]);
    program.signal(Signal::INT);
    until("new connections are refused", || TcpStream::connect(program.address()).is_err());
    program.close_input();
    assert_eq!(held.read_response().body, r#"{"jsonrpc":"2.0","result":7,"id":1}"#);
    let ProgramOutput { status, log, .. } = program.wait();
    assert_eq!(status.code(), Some(0), "{log}");
}

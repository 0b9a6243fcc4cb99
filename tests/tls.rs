//! A server with TLS, as its clients and its operator see it.

#[path = "support/program.rs"]
mod program;
#[path = "support/roles.rs"]
mod roles;
mod support;

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustix::process::Signal;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use tempfile::TempDir;

use program::{Ended, Program, RunningProgram};
use support::http::{Answer, Connection, ask};
use support::wait::until;

fn main() -> ExitCode {
    if let Some(end) = roles::run() {
        return end;
    }
    let tests: [(&str, fn()); 12] = [
        ("calls_are_answered_over_tls_1_2_and_1_3_and_http_1_1_only", answers),
        ("a_changed_pair_is_shown_to_new_connections_and_a_broken_one_is_not", reloads),
        ("what_is_wrong_with_the_files_is_told_in_one_line_at_the_start", one_line),
        ("who_speaks_plain_http_or_nonsense_is_sent_away_and_harms_nobody", plain),
        ("nonsense_is_no_error_in_the_log_with_tls_or_without", no_errors),
        ("connections_that_say_nothing_take_no_place_of_other_peers", silent),
        ("a_handshake_that_stalls_is_ended_and_holds_up_nobody", stalled),
        ("a_client_that_stalls_in_its_second_head_is_ended_with_tls_too", second_head),
        ("an_idle_connection_ends_in_good_order_after_as_long_as_is_set", idle),
        ("one_peer_has_only_so_many_connections_with_tls_too", per_peer),
        ("a_page_without_tls_is_another_site", origins),
        ("a_stop_answers_the_calls_that_were_let_in_and_waits_for_no_handshake", drains),
    ];
    let tests = tests.map(|(name, test)| {
        Trial::test(name, move || -> Result<(), Failed> {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), tests.into()).exit_code()
}

const HELLO: &str = r#"{"jsonrpc":"2.0","method":"say_hello","params":{"name":"world"},"id":1}"#;
const ANSWER: &str = r#"{"jsonrpc":"2.0","result":"hello world","id":1}"#;

/// A certificate for `localhost` that vouches for itself.
fn pair() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

/// Puts a file in the place of another at once.
fn put(directory: &Path, name: &str, text: &str) {
    let beside = directory.join("beside");
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, directory.join(name))).expect("a file");
}

fn put_pair(directory: &Path, pair: &CertifiedKey<KeyPair>) {
    put(directory, "cert.pem", &pair.cert.pem());
    put(directory, "key.pem", &pair.signing_key.serialize_pem());
}

/// A server with TLS, the directory of its files, and its certificate.
fn start(role: &str, more: &[&str]) -> (RunningProgram, TempDir, CertificateDer<'static>) {
    let directory = tempfile::tempdir().expect("a directory");
    let pair = pair();
    put_pair(directory.path(), &pair);
    let args = [&["--port", "0", "--tls-cert", "cert.pem"], more].concat();
    let program = Program::new(role, &args).env("CALLBOX_TLS_KEY", "key.pem").in_directory(directory.path()).start();
    (program, directory, pair.cert.der().clone())
}

type Stream = StreamOwned<ClientConnection, TcpStream>;

/// A connection whose handshake is over, if the client trusts `root` and both sides have a version and a protocol in common.
fn connect(
    program: &RunningProgram,
    root: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
    protocols: &[&[u8]],
) -> Result<Connection<Stream>, std::io::Error> {
    handshake(Connection::open(program.address()), root, version, protocols)
}

fn handshake(
    Connection(mut tcp): Connection,
    root: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
    protocols: &[&[u8]],
) -> Result<Connection<Stream>, std::io::Error> {
    let mut roots = RootCertStore::empty();
    roots.add(root.clone()).expect("a certificate");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_protocol_versions(&[version]);
    let mut config = builder.expect("a version").with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    let name = "localhost".try_into().expect("a name");
    let mut tls = ClientConnection::new(Arc::new(config), name).expect("a client");
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp)?;
    }
    Ok(Connection(StreamOwned::new(tls, tcp)))
}

fn trusting(program: &RunningProgram, root: &CertificateDer<'static>) -> Connection<Stream> {
    connect(program, root, &TLS13, &[]).expect("a connection")
}

fn call(connection: &mut Connection<Stream>, body: &str) -> Answer {
    connection.ask("POST", "/api", &[], body);
    connection.answer()
}

fn answers() {
    let (program, _directory, root) = start("greeter", &[]);
    let both: &[&[u8]] = &[b"h2", b"http/1.1"];
    for version in [&TLS12, &TLS13] {
        let mut connection = connect(&program, &root, version, both).expect("a connection");
        assert_eq!(connection.0.conn.alpn_protocol(), Some(b"http/1.1".as_slice()));
        for _ in 0..2 {
            assert_eq!(call(&mut connection, HELLO).body, ANSWER);
        }
        let refused = connect(&program, &root, version, &[b"h2"]).err().expect("no HTTP/2").to_string();
        assert!(refused.contains("NoApplicationProtocol"), "{refused}");
    }
    let specs = call(&mut trusting(&program, &root), r#"{"jsonrpc":"2.0","method":"get_service_specs","id":1}"#).json();
    assert_eq!(specs["result"]["accessible_at"], format!("https://{}/api", program.address()));
    program.signal(Signal::TERM);
    let log = program.ended().log;
    assert!(
        log.contains("listening url=\"https://127.0.0.1:") || log.contains("listening url=https://127.0.0.1:"),
        "{log}"
    );
}

fn reloads() {
    let (mut program, directory, old) = start("greeter", &[]);
    let shows = |program: &RunningProgram, root| connect(program, root, &TLS13, &[]).is_ok();
    let mut before = trusting(&program, &old);

    let next = pair();
    put_pair(directory.path(), &next);
    let new = next.cert.der();
    until("the new certificate is shown", || shows(&program, new));
    assert!(!shows(&program, &old));
    assert_eq!(call(&mut trusting(&program, new), HELLO).body, ANSWER);
    assert_eq!(call(&mut before, HELLO).body, ANSWER, "who was there stays");

    // Of a key that is half there, of one that is another's, and of a file that is gone.
    let last = pair();
    let half = &last.signing_key.serialize_pem()[..80];
    put(directory.path(), "key.pem", half);
    let line = program.line("ERROR");
    assert!(
        line.contains("stays the one before") && line.contains("holds no key that can be used: give PEM"),
        "{line}"
    );
    put(directory.path(), "key.pem", &last.signing_key.serialize_pem());
    let line = program.line("ERROR");
    assert!(line.contains("is not that of the certificate cert.pem: give the key"), "{line}");
    fs::remove_file(directory.path().join("cert.pem")).expect("the file");
    let line = program.line("ERROR");
    assert!(line.contains("cert.pem cannot be read") && line.contains("--tls-cert"), "{line}");
    assert!(shows(&program, new));

    put_pair(directory.path(), &last);
    until("the mended pair is shown", || shows(&program, last.cert.der()));
    program.signal(Signal::TERM);
    let log = program.ended().log;
    assert_eq!(log.lines().filter(|line| line.contains("ERROR")).count(), 3, "each trouble once: {log}");
    assert!(!log.contains(&half[40..]), "{log}");
}

fn one_line() {
    let directory = tempfile::tempdir().expect("a directory");
    let (one, other) = (pair(), pair());
    put_pair(directory.path(), &one);
    let key = one.signing_key.serialize_pem();
    for (name, text) in [
        ("other.pem", other.signing_key.serialize_pem().as_str()),
        ("empty.pem", ""),
        ("half.pem", &key[..80]),
        ("bad-cert.pem", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"),
        ("bad-key.pem", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"),
    ] {
        put(directory.path(), name, text);
    }
    let (cert_alone, key_alone): (&[&str], &[&str]) = (&["--tls-cert", "cert.pem"], &["--tls-key", "key.pem"]);
    let cases: &[(&[&str], &[&str], &[&str])] = &[
        (cert_alone, &[], &["TLS has a certificate (flag --tls-cert)", "name the file of its key with --tls-key"]),
        (&[], key_alone, &["TLS has a key (flag --tls-key)", "name the file of its certificate with --tls-cert"]),
        (
            &["--tls-cert", "none.pem"],
            key_alone,
            &["the certificate none.pem cannot be read", "another with --tls-cert"],
        ),
        (cert_alone, &["--tls-key", "none.pem"], &["the key none.pem cannot be read", "another with --tls-key"]),
        (
            cert_alone,
            &["--tls-key", "other.pem"],
            &["other.pem is not that of the certificate cert.pem", "give the key"],
        ),
        (&["--tls-cert", "empty.pem"], key_alone, &["empty.pem holds no certificate", "BEGIN CERTIFICATE"]),
        (&["--tls-cert", "key.pem"], key_alone, &["key.pem holds no certificate", "BEGIN CERTIFICATE"]),
        (&["--tls-cert", "bad-cert.pem"], key_alone, &["bad-cert.pem holds no certificate", "BEGIN CERTIFICATE"]),
        (cert_alone, &["--tls-key", "empty.pem"], &["empty.pem holds no key", "BEGIN PRIVATE KEY"]),
        (cert_alone, &["--tls-key", "half.pem"], &["half.pem holds no key", "BEGIN PRIVATE KEY"]),
        (cert_alone, &["--tls-key", "bad-key.pem"], &["bad-key.pem holds no key", "BEGIN PRIVATE KEY"]),
    ];
    for (certificate, key, said) in cases {
        let args = [&["--port", "0"], *certificate, *key].concat();
        let Ended { status, out, log } = Program::new("greeter", &args).in_directory(directory.path()).run();
        assert_eq!((status.code(), out.as_str()), (Some(1), ""), "{args:?}: {log}");
        assert!(log.starts_with("Error: ") && log.lines().count() == 1 && log.len() < 300, "{args:?}: {log}");
        for part in *said {
            assert!(log.contains(part), "{args:?} does not say {part:?}: {log}");
        }
    }
    let args = ["--show-settings", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    let shown = Program::new("greeter", &args).in_directory(directory.path()).run().out;
    assert!(shown.contains("key.pem"), "{shown}");
    assert!(!shown.contains(key.lines().nth(1).expect("a line")), "{shown}");
}

/// Reads until the server closes the connection; what it has sent.
fn rest(stream: &mut TcpStream) -> Vec<u8> {
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => rest,
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => rest,
        Err(error) => panic!("still open: {error}"),
    }
}

fn plain() {
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

fn no_errors() {
    const CHUNKED: &[u8] =
        b"POST /api HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n";
    let (mut with, _directory, _) = start("greeter", &[]);
    let mut without = Program::new("greeter", &["--port", "0"]).start();
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
        let log = program.ended().log;
        assert!(!log.contains("ERROR") && !log.contains("WARN"), "{log}");
    }
}

fn silent() {
    let limits = ["--max-connections", "100", "--max-connections-per-peer", "10"];
    let (with, _directory, root) = start("greeter", &limits);
    let without = Program::new("greeter", &[&["--port", "0"], &limits[..]].concat()).start();
    for program in [&with, &without] {
        let silent: Vec<_> = (0..100).map(|_| Connection::open(program.address()).0).collect();
        let mut from_another = Connection(connect_from([127, 0, 0, 2], program.address()));
        if std::ptr::eq(program, &with) {
            let mut over_tls = handshake(from_another, &root, &TLS13, &[]).expect("a connection");
            assert_eq!(call(&mut over_tls, HELLO).body, ANSWER);
        } else {
            from_another.ask("POST", "/api", &[], HELLO);
            assert_eq!(from_another.answer().body, ANSWER);
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

/// A connection from another address of this machine.
fn connect_from(own: [u8; 4], address: std::net::SocketAddr) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).expect("a socket");
    socket.bind(&std::net::SocketAddr::from((own, 0)).into()).expect("an address of this machine");
    socket.connect(&address.into()).expect("the server listens");
    socket.into()
}

fn stalled() {
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

fn second_head() {
    let (mut program, _directory, root) = start("greeter", &["--log", "callbox=debug,info"]);
    let mut connection = trusting(&program, &root);
    assert_eq!(call(&mut connection, HELLO).body, ANSWER);
    connection.send("POST /api HT");
    program.line("a connection that kept us waiting was ended");
    assert!(rest(&mut connection.0.sock).len() < 100, "an end of TLS at most");
}

fn idle() {
    let (program, _directory, root) = start("greeter", &["--keep-alive", "7s"]);
    let mut connection = trusting(&program, &root);
    assert_eq!(call(&mut connection, HELLO).body, ANSWER);
    let began = Instant::now();
    let end = connection.0.read(&mut [0]).expect("the end of TLS comes before that of TCP");
    assert_eq!(end, 0);
    assert!(began.elapsed() >= Duration::from_secs(6), "{:?}", began.elapsed());
}

fn per_peer() {
    let (program, _directory, root) = start("greeter", &["--max-connections-per-peer", "1"]);
    let mut first = trusting(&program, &root);
    assert_eq!(call(&mut first, HELLO).status, 200);
    let answer = call(&mut trusting(&program, &root), HELLO);
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("1")), "{answer:?}");
    assert_eq!(call(&mut first, HELLO).status, 200);
    drop(first);
    until("there is room again", || call(&mut trusting(&program, &root), HELLO).status == 200);
}

fn origins() {
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
        connection.ask("POST", "/api", &[("Host", host), ("Origin", &origin)], HELLO);
        assert_eq!(connection.answer().status, status, "{host} {origin}");
    }
    let without = Program::new("greeter", &["--port", "0"]).start();
    let headers = [("Host", "localhost"), ("Origin", "http://localhost")];
    assert_eq!(ask(without.address(), "POST", "/api", &headers, HELLO).status, 200, "without TLS it is the same site");
}

fn drains() {
    let (mut program, _directory, root) = start("holder", &[]);
    let mut held = trusting(&program, &root);
    held.ask("POST", "/api", &[], r#"{"jsonrpc":"2.0","method":"hold","params":[7],"id":1}"#);
    until("the call is let in", || {
        let mut asks = trusting(&program, &root);
        asks.ask("GET", "/calls", &[], "");
        asks.answer().body == "1 let in, 0 waiting"
    });
    let mut stalled = Connection::open(program.address());
    stalled.send([0x16, 3, 1]);
    program.signal(Signal::INT);
    until("new connections are refused", || TcpStream::connect(program.address()).is_err());
    program.close_input();
    assert_eq!(held.answer().body, r#"{"jsonrpc":"2.0","result":7,"id":1}"#);
    let Ended { status, log, .. } = program.ended();
    assert_eq!(status.code(), Some(0), "{log}");
}

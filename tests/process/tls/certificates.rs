//! The files of the certificate and its key: broken, and changed while the server runs.

use std::fs;

use callbox_test_support::program::{Program, ProgramOutput, RunningProgram};
use callbox_test_support::wait::until;
use rustix::process::Signal;
use rustls::version::TLS13;

use crate::tls::tls_server::{call, connect, pair, put, put_pair, start, trusting};
use crate::tls::{ANSWER, HELLO};

pub(crate) fn reloads() {
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
    let line = program.wait_for_line("ERROR");
    assert!(
        line.contains("the previous one stays in use") && line.contains("holds no key that can be used: give PEM"),
        "{line}"
    );
    put(directory.path(), "key.pem", &last.signing_key.serialize_pem());
    let line = program.wait_for_line("ERROR");
    assert!(line.contains("does not belong to the certificate cert.pem: give the key"), "{line}");
    fs::remove_file(directory.path().join("cert.pem")).expect("the file");
    let line = program.wait_for_line("ERROR");
    assert!(line.contains("cert.pem cannot be read") && line.contains("--tls-cert"), "{line}");
    assert!(shows(&program, new));

    put_pair(directory.path(), &last);
    until("the mended pair is shown", || shows(&program, last.cert.der()));
    program.signal(Signal::TERM);
    let log = program.wait().log;
    assert_eq!(log.lines().filter(|line| line.contains("ERROR")).count(), 3, "each trouble once: {log}");
    assert!(!log.contains(&half[40..]), "{log}");
}

pub(crate) fn one_line() {
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
            &["other.pem does not belong to the certificate cert.pem", "give the key"],
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
        let ProgramOutput { status, out, log } =
            Program::with_role("greeter", &args).in_directory(directory.path()).run();
        assert_eq!((status.code(), out.as_str()), (Some(1), ""), "{args:?}: {log}");
        assert!(log.starts_with("Error: ") && log.lines().count() == 1 && log.len() < 300, "{args:?}: {log}");
        for part in *said {
            assert!(log.contains(part), "{args:?} does not say {part:?}: {log}");
        }
    }
    let args = ["--show-settings", "--tls-cert", "cert.pem", "--tls-key", "key.pem"];
    let shown = Program::with_role("greeter", &args).in_directory(directory.path()).run().out;
    assert!(shown.contains("key.pem"), "{shown}");
    assert!(!shown.contains(key.lines().nth(1).expect("a line")), "{shown}");
}

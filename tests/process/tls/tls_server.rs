//! A server with a certificate of its own, and clients that trust it.

use std::fs;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;

use callbox_test_support::http::{Connection, Response};
use callbox_test_support::program::{Program, RunningProgram};
use rcgen::{CertifiedKey, KeyPair, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;
use rustls::version::TLS13;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion};
use tempfile::TempDir;

/// A certificate for `localhost` that vouches for itself.
pub(crate) fn pair() -> CertifiedKey<KeyPair> {
    generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate")
}

/// Puts a file in the place of another at once.
pub(crate) fn put(directory: &Path, name: &str, text: &str) {
    let beside = directory.join("beside");
    fs::write(&beside, text).and_then(|()| fs::rename(&beside, directory.join(name))).expect("a file");
}

pub(crate) fn put_pair(directory: &Path, pair: &CertifiedKey<KeyPair>) {
    put(directory, "cert.pem", &pair.cert.pem());
    put(directory, "key.pem", &pair.signing_key.serialize_pem());
}

/// A server with TLS, the directory of its files, and its certificate.
pub(crate) fn start(role: &str, more: &[&str]) -> (RunningProgram, TempDir, CertificateDer<'static>) {
    let directory = tempfile::tempdir().expect("a directory");
    let pair = pair();
    put_pair(directory.path(), &pair);
    let args = [&["--port", "0", "--tls-cert", "cert.pem"], more].concat();
    let program =
        Program::with_role(role, &args).env("CALLBOX_TLS_KEY", "key.pem").in_directory(directory.path()).start();
    (program, directory, pair.cert.der().clone())
}

pub(crate) type Stream = StreamOwned<ClientConnection, TcpStream>;

/// Returns a connection after its handshake, if the client trusts `root` and both sides have a
/// version and a protocol in common.
pub(crate) fn connect(
    program: &RunningProgram,
    root: &CertificateDer<'static>,
    version: &'static SupportedProtocolVersion,
    protocols: &[&[u8]],
) -> Result<Connection<Stream>, std::io::Error> {
    handshake(Connection::open(program.address()), root, version, protocols)
}

pub(crate) fn handshake(
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

pub(crate) fn trusting(program: &RunningProgram, root: &CertificateDer<'static>) -> Connection<Stream> {
    connect(program, root, &TLS13, &[]).expect("a connection")
}

pub(crate) fn call(connection: &mut Connection<Stream>, body: &str) -> Response {
    connection.send_request("POST", "/api", &[], body);
    connection.read_response()
}

//! TLS: a server with a certificate, and clients that present one.

use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use callbox::client::{Client, Nats, NatsBuilder};
use callbox_test_support::nats_server::NatsServer;
use callbox_test_support::program::Program;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, SanType};
use tempfile::TempDir;

use super::run;

/// An authority, with the certificates that it has signed.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    files: TempDir,
}

impl Authority {
    fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::default());
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key).unwrap();
        std::fs::write(files.path().join("ca.pem"), certificate.pem()).unwrap();
        Self { issuer: Issuer::new(params, key), files }
    }

    /// Signs a certificate for this machine, and returns its file and that of its key.
    fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let (key, mut params) = (KeyPair::generate().unwrap(), CertificateParams::default());
        params.subject_alt_names = vec![SanType::IpAddress(IpAddr::V4(Ipv4Addr::LOCALHOST))];
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let (certificate_file, key_file) = (self.path(&format!("{name}.pem")), self.path(&format!("{name}.key")));
        std::fs::write(&certificate_file, certificate.pem()).unwrap();
        std::fs::write(&key_file, key.serialize_pem()).unwrap();
        (certificate_file, key_file)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    fn root(&self) -> PathBuf {
        self.path("ca.pem")
    }

    /// Starts a server with a certificate of this authority.
    fn server(&self, more: &[&str]) -> NatsServer {
        let (certificate, key) = self.sign("server");
        let arguments = ["--tls", "--tlscert", text(&certificate), "--tlskey", text(&key)];
        NatsServer::start(&[&arguments, more].concat())
    }
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

fn address(nats: &NatsServer) -> String {
    nats.url().replace("nats://", "tls://")
}

async fn sum(builder: NatsBuilder) -> u64 {
    let client: Client = builder.connect().await.unwrap().service("shop.market");
    client.call("add", [1, 2]).await.unwrap()
}

async fn failure(builder: NatsBuilder) -> String {
    builder.connect().await.unwrap_err().to_string()
}

/// Whoever trusts the authority of the server is served over TLS, and nobody else.
pub(crate) fn server_certificate() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let nats = authority.server(&[]);
    let (url, root) = (address(&nats), authority.root());
    let arguments = ["--nats", &url, "--nats-ca", text(&root), "--port", "off"];
    let mut program = Program::with_role("market", &arguments).spawn();
    program.wait_for_line("taking calls over NATS");
    run(async {
        assert_eq!(sum(Nats::builder(&url).trust_file(&root)).await, 3);
        // The server asks for TLS, whatever the address says.
        assert_eq!(sum(Nats::builder(&nats.url()).trust_file(&root)).await, 3);
        let untrusted = failure(Nats::builder(&url).trust_file(stranger.root())).await;
        assert!(untrusted.contains("invalid peer certificate"), "{untrusted}");
        let system = failure(Nats::builder(&url)).await;
        assert!(system.starts_with("cannot connect to NATS at tls://"), "{system}");
        let missing = failure(Nats::builder(&url).trust_file("no-such-file.pem")).await;
        assert!(missing.contains("no-such-file.pem"), "{missing}");
        // A server without TLS is none for an address that asks for it.
        let plain = NatsServer::start(&[]);
        let refused = failure(Nats::builder(&address(&plain)).trust_file(&root)).await;
        assert!(refused.starts_with("cannot connect to NATS at tls://"), "{refused}");
    });
    let other_root = stranger.root();
    let arguments = ["--nats", &url, "--nats-ca", text(&other_root), "--port", "off"];
    let ended = Program::with_role("market", &arguments).run();
    assert!(!ended.status.success() && ended.log.contains("invalid peer certificate"), "{ended:?}");
}

/// A server that asks for a certificate gets that of the settings.
pub(crate) fn client_certificate() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let root = authority.root();
    let nats = authority.server(&["--tlsverify", "--tlscacert", text(&root)]);
    let url = address(&nats);
    let (certificate, key) = authority.sign("client");
    let trusting = ["--nats", &url, "--nats-ca", text(&root), "--port", "off"];
    let presenting = [&trusting[..], &["--nats-cert", text(&certificate), "--nats-key", text(&key)]].concat();
    let mut program = Program::with_role("market", &presenting).spawn();
    program.wait_for_line("taking calls over NATS");
    run(async {
        let trusting = || Nats::builder(&url).trust_file(&root);
        assert_eq!(sum(trusting().client_certificate(&certificate, &key)).await, 3);
        let none = failure(trusting()).await;
        assert!(none.starts_with("cannot connect to NATS at tls://"), "{none}");
        let (of_stranger, its_key) = stranger.sign("client");
        let unknown = failure(trusting().client_certificate(of_stranger, its_key)).await;
        assert!(unknown.starts_with("cannot connect to NATS at tls://"), "{unknown}");
        let missing = failure(trusting().client_certificate("no-such-file.pem", &key)).await;
        assert!(missing.starts_with("cannot connect to NATS at tls://"), "{missing}");
    });
    let ended = Program::with_role("market", &trusting).run();
    assert!(!ended.status.success() && ended.log.contains("cannot connect to NATS at tls://"), "{ended:?}");
}

//! A NATS server as a process.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use callbox_test_support::wait::until;

/// A NATS server on loopback, until it is dropped.
pub(crate) struct NatsServer {
    process: Child,
    address: SocketAddr,
}

impl NatsServer {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = free.local_addr().expect("an address");
        drop(free);
        let mut command = Command::new(program());
        command.args(["-a", "127.0.0.1", "-p", &address.port().to_string()]).args(arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Self { process: command.spawn().expect("a NATS server"), address };
        until("the NATS server listens", || TcpStream::connect(address).is_ok());
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Returns the URL of a user.
    pub(crate) fn url_of(&self, user: &str) -> String {
        format!("nats://{user}@{}", self.address)
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

/// Returns the program of the server: that of the variable `NATS_SERVER`, or the one that
/// `tests/python/setup` has installed. Panics if there is none.
fn program() -> PathBuf {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let installed = || {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        checkout.join(target).join("python/bin/nats-server")
    };
    let program = std::env::var_os("NATS_SERVER").map_or_else(installed, PathBuf::from);
    assert!(program.exists(), "{} is missing: run `bash tests/python/setup`", program.display());
    program
}

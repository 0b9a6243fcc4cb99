//! The NATS server of a measurement, as a process.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A NATS server on loopback, until it is dropped.
#[derive(Debug)]
pub(crate) struct NatsServer {
    process: Child,
    address: SocketAddr,
}

/// Returns the program of the server.
fn program() -> io::Result<PathBuf> {
    let target = || std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let installed = || root.join(target()).join("python/bin/nats-server");
    let program = std::env::var_os("NATS_SERVER").map_or_else(installed, PathBuf::from);
    if program.exists() {
        return Ok(program);
    }
    let what = format!("there is no NATS server at {}: run `bash tests/python/setup`", program.display());
    Err(io::Error::other(what))
}

impl NatsServer {
    pub(crate) fn start() -> io::Result<Self> {
        // The listener must be gone before the server takes its address.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        Self::start_at(address)
    }

    fn start_at(address: SocketAddr) -> io::Result<Self> {
        let mut command = Command::new(program()?);
        command.args(["-a", "127.0.0.1", "-p", &address.port().to_string()]);
        let process = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()?;
        let (server, begin) = (Self { process, address }, Instant::now());
        while TcpStream::connect(address).is_err() {
            if begin.elapsed() > Duration::from_secs(10) {
                return Err(io::Error::other("the NATS server does not listen"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(server)
    }

    /// Stops the server for a while.
    pub(crate) fn stop_for(&mut self, time: Duration) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        std::thread::sleep(time);
        // The other one is gone already, and is dropped with this.
        *self = Self::start_at(self.address)?;
        Ok(())
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

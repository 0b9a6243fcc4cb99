//! A NATS server as a process.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use callbox_test_support::wait::until;
use rustix::process::{Pid, Signal, kill_process};

/// A NATS server on loopback, until it is dropped.
#[derive(Debug)]
pub(crate) struct NatsServer {
    process: Option<Child>,
    address: SocketAddr,
    arguments: Vec<String>,
}

/// Returns the program of the server: that of the variable `NATS_SERVER`, or the one that
/// `tests/python/setup` has installed.
///
/// # Panics
/// If there is none.
pub(crate) fn program() -> PathBuf {
    let installed = || {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(
            || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../target"),
            |target| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(target),
        );
        target.join("python/bin/nats-server")
    };
    let program = std::env::var_os("NATS_SERVER").map_or_else(installed, PathBuf::from);
    assert!(program.exists(), "{} is missing: run `bash tests/python/setup`", program.display());
    program
}

/// Returns what the program says of its version.
pub(crate) fn version() -> String {
    let said = Command::new(program()).arg("--version").output().expect("a NATS server");
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

impl NatsServer {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let arguments = arguments.iter().map(ToString::to_string).collect();
        let mut server = Self { process: None, address: free, arguments };
        server.start_again();
        server
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Starts the server at its address, after it was stopped.
    pub(crate) fn start_again(&mut self) {
        let mut command = Command::new(program());
        command.args(["-a", "127.0.0.1", "-p", &self.address.port().to_string()]).args(&self.arguments);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        self.process = Some(command.spawn().expect("a NATS server"));
        until("the NATS server listens", || TcpStream::connect(self.address).is_ok());
    }

    pub(crate) fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().and_then(|()| process.wait()).unwrap();
        }
    }

    /// Sends a signal to the server.
    pub(crate) fn signal(&self, signal: Signal) {
        let id = self.process.as_ref().and_then(|process| Pid::from_raw(process.id().try_into().unwrap()));
        let id = id.expect("it runs");
        kill_process(id, signal).unwrap();
        if signal == Signal::STOP {
            // All of its threads, which do not stop at the same moment.
            let is_stopped = |stat: String| stat.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" T"));
            let tasks = || std::fs::read_dir(format!("/proc/{}/task", id.as_raw_nonzero())).unwrap().flatten();
            let stat = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            until("the NATS server stands still", || tasks().map(stat).all(is_stopped));
        }
    }
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        self.stop();
    }
}

//! A NATS server as a process.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::wait::until;

/// A NATS server on loopback, until it is dropped.
#[derive(Debug)]
pub struct NatsServer {
    process: Option<Child>,
    address: SocketAddr,
    arguments: Vec<String>,
}

/// Returns the program of the server: that of the variable `NATS_SERVER`, or the one that
/// `tests/python/setup` has installed.
///
/// # Panics
/// If there is none.
pub fn nats_program() -> PathBuf {
    let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let installed = || {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        checkout.join(target).join("python/bin/nats-server")
    };
    let program = std::env::var_os("NATS_SERVER").map_or_else(installed, PathBuf::from);
    assert!(program.exists(), "{} is missing: run `bash tests/python/setup`", program.display());
    program
}

/// Returns what the program says of its version.
///
/// # Panics
/// If it cannot be run.
pub fn nats_version() -> String {
    let said = Command::new(nats_program()).arg("--version").output().expect("a NATS server");
    String::from_utf8_lossy(&said.stdout).trim().to_owned()
}

impl NatsServer {
    /// Starts a server with these arguments besides its address. Returns once it listens.
    ///
    /// # Panics
    /// If it does not.
    pub fn start(arguments: &[&str]) -> Self {
        static STARTED: AtomicU64 = AtomicU64::new(0);
        let number = STARTED.fetch_add(1, Ordering::Relaxed);
        let directory = std::env::temp_dir().join(format!("callbox-nats-{}-{number}", std::process::id()));
        fs::create_dir_all(&directory).expect("a directory");
        // It takes a free port itself: one that was free before may be somebody else's by then.
        let mut command = Command::new(nats_program());
        command.args(["-a", "127.0.0.1", "-p", "-1", "--ports_file_dir"]).arg(&directory).args(arguments);
        let mut process = quiet(&mut command).spawn().expect("a NATS server");
        let mut port = None;
        until("the NATS server says where it listens", || {
            assert_eq!(process.try_wait().expect("its state"), None, "the NATS server has ended at once");
            port = fs::read_dir(&directory).expect("the directory").flatten().find_map(|file| port_in(&file.path()));
            port.is_some()
        });
        let _ = fs::remove_dir_all(&directory);
        let address = ([127, 0, 0, 1], port.expect("a port")).into();
        Self { process: Some(process), address, arguments: arguments.iter().map(ToString::to_string).collect() }
    }

    /// Returns the URL of the server.
    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// Returns the URL with a user, or with a user and a password.
    pub fn url_of(&self, user: &str) -> String {
        format!("nats://{user}@{}", self.address)
    }

    /// Starts the server at its address, after it was stopped.
    ///
    /// # Panics
    /// If it does not listen in time.
    pub fn start_again(&mut self) {
        let mut command = Command::new(nats_program());
        command.args(["-a", "127.0.0.1", "-p", &self.address.port().to_string()]).args(&self.arguments);
        self.process = Some(quiet(&mut command).spawn().expect("a NATS server"));
        until("the NATS server listens", || TcpStream::connect(self.address).is_ok());
    }

    /// Kills the server.
    ///
    /// # Panics
    /// If that fails.
    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill().and_then(|()| process.wait()).expect("the NATS server ends");
        }
    }

    /// Sends a signal to the server.
    ///
    /// # Panics
    /// If the server does not run.
    pub fn signal(&self, signal: Signal) {
        let process = self.process.as_ref().expect("it runs");
        let id = Pid::from_child(process);
        kill_process(id, signal).expect("a signal");
        if signal == Signal::STOP {
            // All of its threads, which do not stop at the same moment.
            let is_stopped = |stat: String| stat.rsplit_once(')').is_some_and(|(_, rest)| rest.starts_with(" T"));
            let tasks = || std::fs::read_dir(format!("/proc/{}/task", process.id())).expect("its threads").flatten();
            let stat = |task: std::fs::DirEntry| std::fs::read_to_string(task.path().join("stat")).unwrap_or_default();
            until("the NATS server stands still", || tasks().map(stat).all(is_stopped));
        }
    }
}

/// Leaves what the program says to nobody.
fn quiet(command: &mut Command) -> &mut Command {
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null())
}

/// Returns the port in the file in which a server says where it listens, once it is written.
fn port_in(file: &Path) -> Option<u16> {
    let ports: Value = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
    ports["nats"][0].as_str()?.rsplit_once(':')?.1.parse().ok()
}

impl Drop for NatsServer {
    fn drop(&mut self) {
        if let Some(process) = &mut self.process {
            // It may have ended by itself.
            let _ = process.kill().and_then(|()| process.wait());
        }
    }
}

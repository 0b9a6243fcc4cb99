//! A server in a process of its own, as the operating system sees it.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{self, Command, Stdio};
use std::time::Duration;

use crate::process::Memory;

/// The first argument of a process that is to be a server; what kind of one, the next say.
pub const ROLE: &str = "serve";

/// Ended when it is dropped.
pub struct ServerProcess {
    process: process::Child,
    pub address: SocketAddr,
}

impl ServerProcess {
    /// Starts this program as a server, which tells where it listens in its first line; returns once it does.
    pub fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).args(arguments).env_remove("RUST_LOG");
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let read = process.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        match line.trim().parse() {
            Ok(address) => Ok(Self { process, address }),
            Err(_) => {
                process.kill()?;
                process.wait()?;
                Err(io::Error::other(format!("the server {arguments:?} does not start: {read:?}")))
            }
        }
    }

    pub fn memory(&self) -> io::Result<Memory> {
        Memory::of(self.process.id())
    }

    /// The time that all its threads have had a processor, by the scheduler's own count.
    pub fn cpu(&self) -> io::Result<Duration> {
        let mut nanos = 0;
        for thread in std::fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            let text = std::fs::read_to_string(thread?.path().join("schedstat"))?;
            nanos += text.split_whitespace().next().and_then(|nanos| nanos.parse::<u64>().ok()).unwrap_or_default();
        }
        Ok(Duration::from_nanos(nanos))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It fails when the server has ended already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

//! A server in its own process, and what the operating system measures of it.

use std::io::{self, BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{self, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::process::Memory;

/// First argument of a process that is to be a server; the next ones say which.
pub const ROLE: &str = "serve";

/// A server process, which is killed when this is dropped.
#[derive(Debug)]
pub struct ServerProcess {
    process: process::Child,
    /// The address that the server listens on.
    pub address: SocketAddr,
}

impl ServerProcess {
    /// Starts this program as a server, and returns once the server has printed its address in its
    /// first line.
    ///
    /// # Errors
    ///
    /// If the process cannot be started, or prints no address.
    pub fn start(arguments: &[&str]) -> io::Result<Self> {
        Self::start_with(arguments, &[], Stdio::inherit())
    }

    /// The same with these variables in its environment, and this standard error.
    ///
    /// # Errors
    ///
    /// As [`start`](Self::start).
    pub fn start_with(arguments: &[&str], variables: &[(&str, &str)], stderr: Stdio) -> io::Result<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).args(arguments).env_remove("RUST_LOG").envs(variables.iter().copied());
        let mut process = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(stderr).spawn()?;
        let mut line = String::new();
        let read = process.stdout.take().map(|out| BufReader::new(out).read_line(&mut line));
        match line.trim().parse() {
            Ok(address) => Ok(Self { process, address }),
            Err(_) => {
                process.kill()?;
                process.wait()?;
                let said = read.map(|read| read.map(|_| line.trim_end()));
                Err(io::Error::other(format!("the server {arguments:?} did not start: {said:?}")))
            }
        }
    }

    /// Asks the server to stop, and waits for its end.
    ///
    /// # Errors
    ///
    /// If the operating system refuses, or the server ends with an error.
    pub fn terminate(mut self) -> io::Result<()> {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw);
        kill_process(id.ok_or(io::ErrorKind::NotFound)?, Signal::TERM)?;
        let status = self.process.wait()?;
        if status.success() { Ok(()) } else { Err(io::Error::other(format!("the server ended with {status}"))) }
    }

    /// Returns its memory.
    ///
    /// # Errors
    ///
    /// If the operating system does not report it.
    pub fn memory(&self) -> io::Result<Memory> {
        Memory::of(self.process.id())
    }

    /// Returns the CPU time of all its threads, as the scheduler counts it.
    ///
    /// # Errors
    ///
    /// If the operating system does not report it.
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
        // This fails if the server has exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

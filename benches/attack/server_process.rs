//! The server in its own process, and what the operating system measures of it.

use std::io::{self, BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::server::ROLE;
use callbox_benches::process::{Memory, allow_many_files};

/// Maximum time for anything that is waited for.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(30);

/// A server process, which is killed when this is dropped.
pub(crate) struct ServerProcess {
    process: process::Child,
    pub(crate) address: SocketAddr,
    /// Number of bytes in its log so far.
    logged_bytes: Arc<AtomicU64>,
}

impl ServerProcess {
    /// Starts the server with the arguments of [`serve`](crate::server::serve), and returns once it
    /// listens.
    pub(crate) fn start(arguments: &[&str]) -> io::Result<Self> {
        Self::start_reading_log(Self::command(arguments)?)
    }

    /// Starts the server with a backtrace for each panic that it reports.
    pub(crate) fn start_with_backtraces(arguments: &[&str]) -> io::Result<Self> {
        let mut command = Self::command(arguments)?;
        command.env("RUST_BACKTRACE", "1");
        Self::start_reading_log(command)
    }

    /// Starts the server at an address, with a log that is not read, and returns once it listens.
    pub(crate) fn start_with_log(address: SocketAddr, log: Stdio) -> io::Result<Self> {
        let mut command = Self::command(&["hook", "usual", "port", &address.port().to_string()])?;
        let process = command.stderr(log).spawn()?;
        let (mut child, begin) = (Self { process, address, logged_bytes: Arc::default() }, Instant::now());
        while TcpStream::connect(address).is_err() {
            if begin.elapsed() > TIMEOUT || !child.is_running()? {
                return Err(io::Error::other("the server did not start"));
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(child)
    }

    fn command(arguments: &[&str]) -> io::Result<Command> {
        // Both processes need many files.
        allow_many_files()?;
        let mut command = Command::new(std::env::current_exe()?);
        command.arg(ROLE).args(arguments).env_remove("RUST_LOG").env_remove("RUST_BACKTRACE");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Ok(command)
    }

    fn start_reading_log(mut command: Command) -> io::Result<Self> {
        let mut process = command.spawn()?;
        let logged_bytes = Arc::new(AtomicU64::new(0));
        let bytes = Arc::clone(&logged_bytes);
        let log = process.stderr.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let (sender, receiver) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                bytes.fetch_add(line.len() as u64 + 1, Ordering::Relaxed);
                let url = line.split_once("listening url=").and_then(|(_, url)| url.split_once("http://"));
                let address = url.and_then(|(_, url)| url.split('/').next()?.parse::<SocketAddr>().ok());
                // This fails after the first address.
                let _ = address.map(|address| sender.send(address));
            }
        });
        let Ok(address) = receiver.recv_timeout(TIMEOUT) else {
            process.kill()?;
            process.wait()?;
            return Err(io::Error::other("the server did not start"));
        };
        Ok(Self { process, address, logged_bytes })
    }

    /// Returns the number of bytes that it has logged so far.
    pub(crate) fn logged_bytes(&self) -> u64 {
        self.logged_bytes.load(Ordering::Relaxed)
    }

    pub(crate) fn memory(&self) -> io::Result<Memory> {
        Memory::of(self.process.id())
    }

    /// Returns the CPU time so far.
    pub(crate) fn cpu(&self) -> io::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.process.id()))?;
        // The name of the program, in brackets, may contain spaces. Ticks are hundredths of a
        // second on every Linux.
        let (_, fields) = stat.rsplit_once(')').ok_or(io::ErrorKind::InvalidData)?;
        let ticks = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok());
        Ok(Duration::from_millis(10 * ticks.sum::<u64>()))
    }

    /// Returns the number of its open file descriptors.
    pub(crate) fn descriptors(&self) -> io::Result<usize> {
        Ok(std::fs::read_dir(format!("/proc/{}/fd", self.process.id()))?.count())
    }

    pub(crate) fn is_running(&mut self) -> io::Result<bool> {
        Ok(self.process.try_wait()?.is_none())
    }

    pub(crate) fn signal(&self, signal: Signal) -> io::Result<()> {
        let id = i32::try_from(self.process.id()).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::NotFound)?;
        Ok(kill_process(id, signal)?)
    }

    /// Waits until the server exits by itself. Returns its exit status, and what it has printed.
    pub(crate) fn ended(mut self) -> io::Result<(ExitStatus, String)> {
        let begin = Instant::now();
        let status = loop {
            match self.process.try_wait()? {
                Some(status) => break status,
                None if begin.elapsed() > TIMEOUT => return Err(io::Error::other("the server did not exit")),
                None => std::thread::sleep(Duration::from_millis(5)),
            }
        };
        let mut printed = String::new();
        self.process.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?.read_to_string(&mut printed)?;
        Ok((status, printed))
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // This fails if the server has exited already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

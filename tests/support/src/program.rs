//! A program under test: started as its user would start it, and watched from outside.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::free_port::free_address;
use crate::http::request;
use crate::wait::until;

/// Maximum time to wait for the program.
const PATIENCE: Duration = Duration::from_secs(30);

/// The environment variable by which a program learns its [role](crate::roles).
pub const ROLE: &str = "CALLBOX_TEST_ROLE";

/// A program to start, with no variables in its environment that configure callbox.
#[derive(Debug)]
pub struct Program(Command);

impl Program {
    /// The program of this test, which is to be a server in one of the [roles](crate::roles).
    ///
    /// # Panics
    /// If the path of this program is unknown.
    pub fn with_role(role: &str, args: &[&str]) -> Self {
        let own = std::env::current_exe().expect("the path of a test's own program");
        Self::at(&own, args).env(ROLE, role)
    }

    /// The program at a path.
    pub fn at(path: &Path, args: &[&str]) -> Self {
        let mut command = Command::new(path);
        let is_read = |name: &str| ["CALLBOX_", "OTEL_", "RUST_"].iter().any(|prefix| name.starts_with(prefix));
        for (name, _) in std::env::vars().filter(|(name, _)| is_read(name)) {
            command.env_remove(name);
        }
        command.args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command)
    }

    /// Has a shell run this command first, and then the program in its place.
    #[must_use]
    pub fn after(self, shell: &str) -> Self {
        let (program, args) = (self.0.get_program().to_owned(), self.0.get_args().map(ToOwned::to_owned));
        let mut command = Command::new("sh");
        command.arg("-c").arg(format!("{shell}; exec \"$@\"")).arg("sh").arg(program).args(args);
        for (name, value) in self.0.get_envs() {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command)
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    /// Sets the working directory.
    #[must_use]
    pub fn in_directory(mut self, directory: &Path) -> Self {
        self.0.current_dir(directory);
        self
    }

    /// Runs a program that ends by itself, and waits for its end.
    ///
    /// # Panics
    /// If the program cannot be started or does not end in time.
    pub fn run(self) -> ProgramOutput {
        self.spawn().wait()
    }

    /// Starts a server, and returns once it has logged that it listens.
    ///
    /// # Panics
    /// If the server does not start.
    pub fn start(self) -> RunningProgram {
        let mut program = self.spawn();
        let line = program.wait_for_line("listening");
        let address = line.split_once("://").and_then(|(_, url)| url.split('/').next()?.parse().ok());
        program.address = Some(address.unwrap_or_else(|| panic!("no address: {line}")));
        program
    }

    /// Starts a server whose log cannot be read here, and returns once it is ready.
    ///
    /// The log cannot name the port of the server then, so the server gets a free one as its flag
    /// `--port`.
    ///
    /// # Panics
    /// If the server does not start.
    pub fn start_with_log(mut self, log: Stdio) -> RunningProgram {
        let address = free_address();
        self.0.args(["--port", &address.port().to_string()]).stderr(log);
        let program = self.start_at(address);
        until("it is ready", || request(address, "GET", "/health/ready", &[], "").status == 200);
        program
    }

    /// Starts a server that is to listen at this address, and returns once it does.
    ///
    /// # Panics
    /// If the server does not start.
    fn start_at(self, address: SocketAddr) -> RunningProgram {
        let mut program = self.spawn();
        until("it listens", || TcpStream::connect(address).is_ok());
        program.address = Some(address);
        program
    }

    /// Starts the program without waiting for anything.
    ///
    /// # Panics
    /// If the program cannot be started.
    pub fn spawn(mut self) -> RunningProgram {
        let mut child = self.0.spawn().expect("the program starts");
        let (sender, lines) = channel();
        if let Some(log) = child.stderr.take() {
            std::thread::spawn(move || {
                for line in BufReader::new(log).lines().map_while(Result::ok) {
                    // Nobody listens once the test has ended.
                    let _ = sender.send(line);
                }
            });
        }
        RunningProgram { child, lines, log: String::new(), address: None }
    }
}

/// What a program has printed, and how it has ended.
#[derive(Debug)]
pub struct ProgramOutput {
    /// The exit status.
    pub status: ExitStatus,
    /// The standard output.
    pub out: String,
    /// The standard error, which is where servers log.
    pub log: String,
}

/// A program that runs until it ends by itself, by a signal, or because this value is dropped.
#[derive(Debug)]
pub struct RunningProgram {
    child: Child,
    lines: Receiver<String>,
    log: String,
    address: Option<SocketAddr>,
}

impl RunningProgram {
    /// Returns the address at which the server listens.
    ///
    /// # Panics
    /// If the program was started without waiting for that.
    pub fn address(&self) -> SocketAddr {
        self.address.expect("it listens")
    }

    /// Waits for the next line of the log that contains `text`, and returns the line.
    ///
    /// # Panics
    /// If there is no such line in time.
    pub fn wait_for_line(&mut self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("the log has no line with {text:?}:\n{}", self.log));
            self.log += &line;
            self.log.push('\n');
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends a signal to the program.
    ///
    /// # Panics
    /// If the program is gone.
    pub fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, signal).expect("the process is there");
    }

    /// Closes the standard input of the program.
    pub fn close_input(&mut self) {
        self.child.stdin = None;
    }

    /// Waits until the program ends.
    ///
    /// # Panics
    /// If the program does not end in time.
    pub fn wait(mut self) -> ProgramOutput {
        let start = Instant::now();
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                break status;
            }
            assert!(start.elapsed() < PATIENCE, "it does not end:\n{}", self.log);
            std::thread::sleep(Duration::from_millis(2));
        };
        let mut out = String::new();
        self.child.stdout.take().expect("its output is piped").read_to_string(&mut out).expect("text");
        // The thread that reads the log ends after the program: until then there may be more lines.
        let log = std::mem::take(&mut self.log);
        let log = self.lines.iter().fold(log, |log, line| log + &line + "\n");
        ProgramOutput { status, out, log }
    }
}

impl Drop for RunningProgram {
    fn drop(&mut self) {
        // Fails if the program has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

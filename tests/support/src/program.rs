//! The test's own program as a server: started as its user would, and watched from outside.

use std::io::{BufRead, BufReader, Read};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::http::ask;
use crate::support::wait::until;

/// Nothing that a test waits for takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// Says to this program which server it is to be.
pub(crate) const ROLE: &str = "CALLBOX_TEST_ROLE";

/// A program that is about to be started, with nothing set in its environment that concerns callbox.
pub(crate) struct Program(Command);

impl Program {
    pub(crate) fn new(role: &str, args: &[&str]) -> Self {
        let mut command = Command::new(std::env::current_exe().expect("a test has a program"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("CALLBOX_") || name.starts_with("RUST_"))
        {
            command.env_remove(name);
        }
        command.env(ROLE, role).args(args);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Self(command)
    }

    /// The same, started by a shell after this command.
    #[allow(dead_code, reason = "each test uses a part of these")]
    pub(crate) fn after(self, shell: &str) -> Self {
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

    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.0.env(name, value);
        self
    }

    pub(crate) fn in_directory(mut self, directory: &Path) -> Self {
        self.0.current_dir(directory);
        self
    }

    /// Runs it to its end, which is to come by itself.
    pub(crate) fn run(self) -> Ended {
        self.spawn().ended()
    }

    /// Starts a server; returns once it listens.
    pub(crate) fn start(self) -> RunningProgram {
        let mut program = self.spawn();
        let line = program.line("listening url=");
        let address = line.split_once("://").and_then(|(_, url)| url.split('/').next()?.parse().ok());
        program.address = Some(address.unwrap_or_else(|| panic!("no address: {line}")));
        program
    }

    /// Starts a server that logs to `log`, where nobody sees it, at a port that it is told; returns once it is ready.
    #[allow(dead_code, reason = "each test uses a part of these")]
    pub(crate) fn start_unseen(mut self, log: Stdio) -> RunningProgram {
        let port = TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port");
        self.0.args(["--port", &port.port().to_string()]);
        let child = self.0.stderr(log).spawn().expect("the program starts");
        let (_, lines) = channel();
        let program = RunningProgram { child, lines, log: String::new(), address: Some(port) };
        until("it listens", || TcpStream::connect(port).is_ok());
        until("it is ready", || ask(port, "GET", "/health/ready", &[], "").status == 200);
        program
    }

    /// Starts it, whatever comes of that.
    pub(crate) fn spawn(mut self) -> RunningProgram {
        let mut child = self.0.spawn().expect("the program starts");
        let (tell, lines) = channel();
        let log = child.stderr.take().expect("its log is piped");
        std::thread::spawn(move || {
            for line in BufReader::new(log).lines().map_while(Result::ok) {
                // Nobody listens once the test has ended.
                let _ = tell.send(line);
            }
        });
        RunningProgram { child, lines, log: String::new(), address: None }
    }
}

/// What a program has said and how it has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    pub(crate) out: String,
    pub(crate) log: String,
}

/// A server that runs until it is told to stop, or until this is dropped.
pub(crate) struct RunningProgram {
    child: Child,
    lines: Receiver<String>,
    log: String,
    address: Option<SocketAddr>,
}

impl RunningProgram {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address.expect("it listens")
    }

    /// Waits for the next line of the log that contains `text`.
    pub(crate) fn line(&mut self, text: &str) -> String {
        loop {
            let line = self.lines.recv_timeout(PATIENCE);
            let line = line.unwrap_or_else(|_| panic!("the log does not say {text:?}:\n{}", self.log));
            self.log += &line;
            self.log.push('\n');
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(id, signal).expect("the process is there");
    }

    /// Closes its standard input.
    pub(crate) fn close_input(&mut self) {
        self.child.stdin = None;
    }

    /// Waits for its end.
    pub(crate) fn ended(mut self) -> Ended {
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
        // The log's thread ends when the program has: until then there may be more of it.
        let log = std::mem::take(&mut self.log);
        let log = self.lines.iter().fold(log, |log, line| log + &line + "\n");
        Ended { status, out, log }
    }
}

impl Drop for RunningProgram {
    fn drop(&mut self) {
        // It fails when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

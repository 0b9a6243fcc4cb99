//! The compiled command.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use callbox::testing::TestServer;
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

/// Maximum time to wait for a line of a command.
const PATIENCE: Duration = Duration::from_secs(20);

/// Returns the command with these arguments, without the environment variables that it reads.
pub(crate) fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_callbox"));
    command.args(arguments).env_remove("CALLBOX_TOKEN").env_remove("RUST_LOG").stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// The output and the exit code of a command.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl From<Output> for CommandOutput {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("text");
        Self { code: output.status.code(), out: text(output.stdout), err: text(output.stderr) }
    }
}

impl CommandOutput {
    /// Returns standard output. Panics if the command failed.
    #[track_caller]
    pub(crate) fn stdout(&self) -> &str {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{self:?}");
        &self.out
    }

    /// Returns the one line of a command that failed with this exit code. Panics if it did not.
    #[track_caller]
    pub(crate) fn error(&self, code: i32) -> &str {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{self:?}");
        assert!(self.err.starts_with("Error: ") && self.err.lines().count() == 1, "{self:?}");
        self.err.trim_end()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(self.stdout()).expect("JSON")
    }
}

pub(crate) fn run(arguments: &[&str]) -> CommandOutput {
    command(arguments).output().expect("the command runs").into()
}

pub(crate) fn run_with_input(arguments: &[&str], input: &str) -> CommandOutput {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().expect("the command runs");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("it reads");
    child.wait_with_output().expect("an end").into()
}

/// `callbox <command> <the server's endpoint> <more>`.
pub(crate) fn run_on(server: &TestServer, name: &str, more: &[&str]) -> CommandOutput {
    let url = server.url("/api");
    run(&[&[name, url.as_str()], more].concat())
}

/// A command that goes on until a signal ends it, or the server.
pub(crate) struct RunningCommand {
    child: Child,
    lines: Receiver<String>,
    errors: JoinHandle<String>,
}

impl RunningCommand {
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).spawn().expect("the command runs");
        let (sender, lines) = channel();
        let (out, mut err) = (child.stdout.take().expect("a pipe"), child.stderr.take().expect("a pipe"));
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                // Nobody listens once the test has ended.
                let _ = sender.send(line);
            }
        });
        let errors = std::thread::spawn(move || {
            let mut text = String::new();
            err.read_to_string(&mut text).expect("text");
            text
        });
        Self { child, lines, errors }
    }

    /// Returns the next line of standard output, as soon as it is written.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line")
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let id = Pid::from_raw(i32::try_from(self.child.id()).expect("an id")).expect("an id");
        kill_process(id, signal).expect("it is there");
    }

    /// Waits for the end. The output is what was not returned as a line.
    pub(crate) fn end(self) -> CommandOutput {
        let Self { mut child, lines, errors } = self;
        let code = child.wait().expect("an end").code();
        let out = lines.iter().map(|line| line + "\n").collect();
        CommandOutput { code, out, err: errors.join().expect("text") }
    }
}

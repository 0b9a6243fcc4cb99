//! `callbox top` on a terminal, which `script` emulates.

use std::fs;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use callbox::testing::TestServer;
use callbox_test_support::wait::until;
use rustix::process::{Pid, Signal, kill_process};

use crate::greeter::{TOKEN, greeter};

/// The control sequences with which a program enters and leaves the alternate screen.
const ENTER_SCREEN: &str = "\u{1b}[?1049h";
const LEAVE_SCREEN: &str = "\u{1b}[?1049l";

/// A running `callbox top` on a terminal.
struct Top {
    script: Child,
    keys: ChildStdin,
    shows: Arc<AtomicBool>,
    printed: JoinHandle<String>,
}

impl Top {
    /// Starts it, and returns once the table is on the screen.
    fn start(server: &TestServer) -> Self {
        Self::start_by(server, "")
    }

    /// The same by another program, which gets the command.
    fn start_by(server: &TestServer, by: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_callbox");
        // The shell prints the exit code, and whether the terminal still echoes what is typed.
        let line = format!(
            "stty cols 100 rows 30; {by} '{program}' top {} --token {TOKEN} --interval 100ms; echo \"code $?\"; stty -a",
            server.url("/api")
        );
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env("SHELL", "/bin/sh");
        let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("`script` of util-linux");
        let keys = script.stdin.take().expect("a pipe");
        let mut out = script.stdout.take().expect("a pipe");
        let shows = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&shows);
        let printed = std::thread::spawn(move || {
            let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(count @ 1..) = out.read(&mut buffer) {
                all.extend_from_slice(&buffer[..count]);
                if String::from_utf8_lossy(&all).contains("say_hello") {
                    seen.store(true, Ordering::Release);
                }
            }
            String::from_utf8_lossy(&all).into_owned()
        });
        until("the table is there", || shows.load(Ordering::Acquire));
        Self { script, keys, shows, printed }
    }

    /// Returns the process id of `callbox top` itself.
    fn id(&self) -> Pid {
        let children = |id: u32| {
            let path = format!("/proc/{id}/task/{id}/children");
            let text = fs::read_to_string(path).expect("its children");
            text.split_whitespace().map(|id| id.parse().expect("an id")).collect::<Vec<u32>>()
        };
        let mut open = vec![self.script.id()];
        while let Some(id) = open.pop() {
            if fs::read_to_string(format!("/proc/{id}/comm")).is_ok_and(|name| name.trim() == "callbox") {
                return Pid::from_raw(i32::try_from(id).expect("an id")).expect("an id");
            }
            open.extend(children(id));
        }
        panic!("there is no top");
    }

    /// Checks that the exit code is `code`, and that the terminal is as it was before.
    fn ended_with(self, code: i32) {
        let Self { mut script, keys, shows, printed } = self;
        assert!(shows.load(Ordering::Acquire));
        let status = script.wait().expect("an end");
        drop(keys);
        let text = printed.join().expect("what was printed");
        assert!(status.success(), "{text}");
        let (_, after) = text.split_once(ENTER_SCREEN).expect("the screen is taken");
        let (_, after) = after.rsplit_once(LEAVE_SCREEN).expect("the screen is given back");
        assert!(after.contains(&format!("code {code}")), "{after}");
        assert!(after.contains(" echo ") && after.contains(" icanon "), "{after}");
    }
}

#[test]
fn top_exits_on_a_key_and_restores_the_terminal() {
    let server = greeter();
    for key in ["q", "\u{3}"] {
        let mut top = Top::start(&server);
        top.keys.write_all(key.as_bytes()).expect("it reads keys");
        top.ended_with(0);
    }
}

#[test]
fn top_exits_on_a_signal_and_restores_the_terminal() {
    let server = greeter();
    for (signal, code) in [(Signal::TERM, 143), (Signal::INT, 130)] {
        let top = Top::start(&server);
        kill_process(top.id(), signal).expect("it is there");
        top.ended_with(code);
    }
}

#[test]
fn top_ends_with_its_terminal() {
    let server = greeter();
    // In a session of its own it gets no signal when the terminal goes.
    let mut top = Top::start_by(&server, "setsid --wait");
    let id = top.id();
    // With it goes the terminal.
    top.script.kill().expect("it is there");
    top.script.wait().expect("an end");
    let comm = format!("/proc/{}/comm", id.as_raw_nonzero());
    until("it has ended", || !fs::read_to_string(&comm).is_ok_and(|name| name.trim() == "callbox"));
}

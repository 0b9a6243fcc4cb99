//! The progress bar of `callbox call`, on a terminal that `script` emulates.

use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use callbox::testing::TestServer;
use callbox_test_support::wait::until;
use tokio::sync::Semaphore;

use crate::market::{market, socket};

/// `callbox call` on a terminal.
struct OnTerminal {
    script: Child,
    keys: ChildStdin,
    shown: Arc<Mutex<String>>,
    reader: JoinHandle<()>,
}

impl OnTerminal {
    /// Starts `callbox call` with these words, and then prints its exit code.
    fn start(server: &TestServer, words: &str) -> Self {
        let program = env!("CARGO_BIN_EXE_callbox");
        // The shell goes on after Ctrl-c, which the whole foreground gets.
        let size = "trap : INT; stty cols 100 rows 30";
        let line = format!("{size}; '{program}' call {} {words}; echo \"code $?\"", socket(server));
        let mut script = Command::new("script");
        script.args(["-qec", &line, "/dev/null"]).env("TERM", "xterm").env("SHELL", "/bin/sh").env("NO_COLOR", "1");
        let mut script = script.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("`script` of util-linux");
        let keys = script.stdin.take().expect("a pipe");
        let mut out = script.stdout.take().expect("a pipe");
        let shown = Arc::<Mutex<String>>::default();
        let seen = Arc::clone(&shown);
        let reader = std::thread::spawn(move || {
            let (mut all, mut buffer) = (Vec::new(), [0; 4096]);
            while let Ok(count @ 1..) = out.read(&mut buffer) {
                all.extend_from_slice(&buffer[..count]);
                *seen.lock().expect("a text") = String::from_utf8_lossy(&all).into_owned();
            }
        });
        Self { script, keys, shown, reader }
    }

    fn shows(&self, text: &str) -> bool {
        self.shown.lock().expect("a text").contains(text)
    }

    /// Returns everything that was printed.
    fn end(self) -> String {
        let Self { mut script, keys, shown, reader } = self;
        script.wait().expect("an end");
        drop(keys);
        reader.join().expect("everything is read");
        Arc::into_inner(shown).and_then(|shown| shown.into_inner().ok()).expect("a text")
    }
}

#[test]
fn a_bar_shows_how_far_a_call_is_and_goes_before_the_result() {
    let free = Arc::new(Semaphore::new(0));
    let server = market(1, &free);
    let import = OnTerminal::start(&server, "import files=4");
    for step in ["1/4", "2/4", "3/4", "4/4"] {
        until(step, || import.shows(step));
        free.add_permits(1);
    }
    let text = import.end();
    assert!(text.contains("orders.csv") && text.contains('━'), "{text:?}");
    let (_, after) = text.rsplit_once("orders.csv").expect("the bar");
    assert!(after.contains("\u{1b}[2K"), "the line of the bar is cleared: {after:?}");
    assert!(after.ends_with("4\r\ncode 0\r\n"), "{after:?}");
}

#[test]
fn ctrl_c_cancels_a_call_with_a_bar() {
    let server = market(1, &Arc::new(Semaphore::new(0)));
    let mut import = OnTerminal::start(&server, "import files=4");
    until("the bar is there", || import.shows("1/4"));
    import.keys.write_all(b"\x03").expect("a terminal");
    let text = import.end();
    assert!(text.ends_with("Error: the call was cancelled\r\ncode 130\r\n"), "{text:?}");
}

#[test]
fn a_call_without_reports_has_no_bar() {
    let free = Arc::new(Semaphore::new(2));
    let server = market(1, &free);
    let text = OnTerminal::start(&server, "import files=2 --no-progress").end();
    assert_eq!(text, "2\r\ncode 0\r\n");
}

#[test]
fn an_item_is_one_line_on_a_terminal() {
    let server = market(1, &Arc::new(Semaphore::new(0)));
    let text = OnTerminal::start(&server, "count to=2 --cursors 2>/dev/null").end();
    let line = |item: u32| format!("{{\"item\":{item},\"cursor\":null}}\r\n");
    assert_eq!(text, format!("{}{}code 0\r\n", line(1), line(2)));
}

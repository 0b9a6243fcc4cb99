//! Wrong tokens that are sent concurrently: no more of them are checked than if they were sent one
//! after another.

use std::io;
use std::time::Instant;

use callbox::auth::TokenFile;

use crate::client::{Connection, call, request_with};
use crate::report::Report;
use crate::server_process::ServerProcess;

const CONNECTIONS: usize = 16;
const GUESSES_PER_CONNECTION: usize = 256;

/// The default of `--token-failures`, per minute.
const FAILURES_PER_MINUTE: u64 = 60;

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    let directory = tempfile::tempdir()?;
    let file = TokenFile::new(directory.path().join("tokens.toml"));
    file.issue("ann", &[], None).map_err(io::Error::other)?;
    let path = file.path().to_str().ok_or(io::ErrorKind::InvalidFilename)?;
    let pause = report.pick("200", "50");
    for (what, arguments) in
        [("an authenticator that awaits", ["awaits", pause]), ("a file of tokens", ["tokens", path])]
    {
        let server = ServerProcess::start(&arguments)?;
        let begin = Instant::now();
        let denied = guess(&server)?;
        // The limit recovers by one failure per second.
        let max_checked = FAILURES_PER_MINUTE + begin.elapsed().as_secs() + 1;
        let checked = Connection::open(server.address)?.result("token_lookups")?.as_u64().unwrap_or(u64::MAX);
        let target = format!(
            "{what}: of {} wrong tokens at once {FAILURES_PER_MINUTE} are checked",
            CONNECTIONS * GUESSES_PER_CONNECTION
        );
        report.exact(target, format!("{checked} in {:.1} s", begin.elapsed().as_secs_f64()), checked <= max_checked);
        report.exact("all of them are denied", denied, denied == CONNECTIONS * GUESSES_PER_CONNECTION);
    }
    Ok(())
}

/// Sends all guesses before it reads a response, and returns how many were denied.
fn guess(server: &ServerProcess) -> io::Result<usize> {
    let mut connections = Vec::new();
    for number in 0..CONNECTIONS {
        let mut connection = Connection::open(server.address)?;
        let guess = |n| request_with(&format!("cbx_{number:06}{n:06}_wrong"), &call("secret", "[]"));
        connection.send(&(0..GUESSES_PER_CONNECTION).flat_map(guess).collect::<Vec<_>>())?;
        connections.push(connection);
    }
    let mut denied = 0;
    for connection in &mut connections {
        for _ in 0..GUESSES_PER_CONNECTION {
            denied += usize::from(connection.answer()?.json()?["error"]["code"] == -32001);
        }
    }
    Ok(denied)
}

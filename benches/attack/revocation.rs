//! A token is revoked among thousands, while the server is busy.

use std::fmt::Write as _;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use callbox::auth::TokenFile;

use crate::client::{Connection, call, request_with};
use crate::report::{Report, ms};
use crate::server_process::{ServerProcess, TIMEOUT};

/// Sizes of the file, and the time within which a revoked token must be rejected.
const SIZES: [(usize, Duration); 2] = [(2_000, Duration::from_millis(100)), (20_000, Duration::from_secs(1))];

/// Number of callers that keep the server busy.
const CALLERS: usize = 8;

const ROW: &str = "\n[[token]]\n";

pub(crate) fn run(report: &mut Report) -> io::Result<()> {
    SIZES.into_iter().try_for_each(|(tokens, limit)| revoke_some(report, tokens, limit))
}

fn revoke_some(report: &mut Report, size: usize, limit: Duration) -> io::Result<()> {
    let revocations: usize = report.pick(30, 5);
    let directory = tempfile::tempdir()?;
    let file = TokenFile::new(directory.path().join("tokens.toml"));
    let mut tokens = Vec::new();
    for number in 0..revocations {
        tokens.push(file.issue(&format!("leaves {number}"), &["read"], None).map_err(io::Error::other)?);
    }
    let mut text = fs::read_to_string(file.path())?;
    for number in revocations..size {
        let created = "created = 2026-01-01T00:00:00Z\nexpires = 2099-01-01T00:00:00Z";
        // Writing to a string cannot fail.
        let _ = write!(
            text,
            "{ROW}id = \"{number:012x}\"\nname = \"client {number}\"\nscopes = [\"read\"]\n{created}\nsha256 = \"{number:064x}\"\n"
        );
    }
    fs::write(file.path(), &text)?;
    let server = ServerProcess::start(&["tokens", file.path().to_str().ok_or(io::ErrorKind::InvalidFilename)?])?;
    let is_over = AtomicBool::new(false);
    let times = std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| keep_busy(server.address, &is_over));
        }
        let times = tokens.iter().map(|token| {
            let id = token.info().id();
            let kept: Vec<_> = text.split(ROW).filter(|row| !row.contains(id)).collect();
            text = kept.join(ROW);
            revoke(&server, token.reveal(), &file, &text)
        });
        let times: io::Result<Vec<_>> = times.collect();
        is_over.store(true, Ordering::Relaxed);
        times
    })?;
    let longest = times.iter().max().copied().unwrap_or_default();
    let mean = times.iter().sum::<Duration>() / u32::try_from(times.len().max(1)).unwrap_or(1);
    report.timed(
        format!("{revocations} of {size} tokens, {CALLERS} busy callers: each is rejected within {}", ms(limit)),
        format!("{} on average, {} at most", ms(mean), ms(longest)),
        longest < limit,
    );
    Ok(())
}

fn keep_busy(server: SocketAddr, is_over: &AtomicBool) -> io::Result<()> {
    let mut connection = Connection::open(server)?;
    while !is_over.load(Ordering::Relaxed) {
        connection.post(&call("add", "[1,2]"))?;
    }
    Ok(())
}

/// Replaces the file by one without this token. Returns the time after which the token is rejected.
fn revoke(server: &ServerProcess, token: &str, file: &TokenFile, without: &str) -> io::Result<Duration> {
    let mut connection = Connection::open(server.address)?;
    let mut is_good = || -> io::Result<bool> {
        connection.send(&request_with(token, &call("secret", "[]")))?;
        Ok(connection.answer()?.json()?["result"] == 42)
    };
    if !is_good()? {
        return Err(io::Error::other("a token is rejected before it is revoked"));
    }
    let beside = file.path().with_extension("new");
    fs::write(&beside, without)?;
    fs::rename(&beside, file.path())?;
    let begin = Instant::now();
    while is_good()? {
        if begin.elapsed() > TIMEOUT {
            return Err(io::Error::other("a revoked token is still accepted"));
        }
    }
    let time = begin.elapsed();
    // Modification times are coarse: the next change must have a different one.
    std::thread::sleep(Duration::from_millis(300));
    Ok(time)
}

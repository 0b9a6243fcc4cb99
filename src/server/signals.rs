//! The signals that ask for a stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::start_error::{Result, StartError};

/// Name of the signal that a person at a terminal sends, for the log.
pub(super) const INTERRUPT: &str = "ctrl-c";

/// Listens for the signals that ask for a stop, from its creation on.
pub(super) struct StopSignals {
    term: Signal,
    int: Signal,
    /// `None` if the program was started with SIGHUP ignored.
    hup: Option<Signal>,
}

impl StopSignals {
    pub(super) fn new() -> Result<Self> {
        let listen =
            |kind, name| signal(kind).map_err(|error| StartError::new(format_args!("cannot listen for {name}"), error));
        // A program that was started by `nohup` is to outlive the terminal; listening would undo
        // that.
        let hup = if hangup_is_ignored() { None } else { Some(listen(SignalKind::hangup(), "SIGHUP")?) };
        let (term, int) = (listen(SignalKind::terminate(), "SIGTERM")?, listen(SignalKind::interrupt(), "SIGINT")?);
        Ok(Self { term, int, hup })
    }

    /// Waits for a signal that asks for a graceful stop, and returns its name.
    pub(super) async fn next(&mut self) -> &'static str {
        let hup = async {
            match &mut self.hup {
                Some(hup) => hup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => INTERRUPT,
            _ = hup => "SIGHUP",
        }
    }

    /// Waits for a signal that asks for an immediate stop, and returns its name.
    ///
    /// SIGHUP does not count: the shell and the system both send one when a terminal is closed, so
    /// a second one is no request of a person.
    pub(super) async fn next_immediate(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => INTERRUPT,
        }
    }
}

/// Whether this program was started with SIGHUP ignored. Only Linux exposes this; elsewhere the
/// answer is no.
fn hangup_is_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status))
}

/// Reads `SigIgn` of `/proc/self/status`: the ignored signals as a hexadecimal bit set, whose
/// lowest bit is signal 1, SIGHUP.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_sighup_is_read_from_the_status_of_the_process() {
        for (mask, ignores) in
            [("0000000000000001", true), ("0000000000001000", false), ("0000000000001001", true), ("x", false)]
        {
            let status = format!("Name:\tserver\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\tffff\n");
            assert_eq!(ignores_hangup(&status), ignores, "{mask}");
        }
        assert!(!ignores_hangup(""));
    }
}

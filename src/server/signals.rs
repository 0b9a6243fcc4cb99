//! The signals that ask for a stop.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::start_error::{Result, StartError};

/// How the signal is called that a person at a terminal sends.
pub(super) const INTERRUPT: &str = "ctrl-c";

/// The signals that ask for a stop. Caught from when this is made.
pub(super) struct StopSignals {
    term: Signal,
    int: Signal,
    /// `None` if the program was started to ignore it.
    hup: Option<Signal>,
}

impl StopSignals {
    pub(super) fn new() -> Result<Self> {
        let listen =
            |kind, name| signal(kind).map_err(|error| StartError::new(format_args!("cannot listen for {name}"), error));
        // Whoever starts a program by `nohup` wants it to outlive the terminal, and to listen would undo that.
        let hup = if hangup_is_ignored() { None } else { Some(listen(SignalKind::hangup(), "SIGHUP")?) };
        let (term, int) = (listen(SignalKind::terminate(), "SIGTERM")?, listen(SignalKind::interrupt(), "SIGINT")?);
        Ok(Self { term, int, hup })
    }

    /// Waits for a signal that asks for a stop in good order.
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

    /// Waits for a signal that asks for a stop at once. SIGHUP is none: shell and system both send it when a terminal is closed.
    pub(super) async fn next_in_earnest(&mut self) -> &'static str {
        tokio::select! {
            _ = self.term.recv() => "SIGTERM",
            _ = self.int.recv() => INTERRUPT,
        }
    }
}

/// Whether this program was started with SIGHUP ignored. Only Linux tells; elsewhere it is taken not to be.
fn hangup_is_ignored() -> bool {
    std::fs::read_to_string("/proc/self/status").is_ok_and(|status| ignores_hangup(&status))
}

/// Reads `SigIgn`, the set of ignored signals in hexadecimal, whose lowest bit is signal 1.
fn ignores_hangup(status: &str) -> bool {
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).is_some_and(|mask| mask & 1 != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_system_says_of_ignored_signals_is_understood() {
        for (mask, ignores) in
            [("0000000000000001", true), ("0000000000001000", false), ("0000000000001001", true), ("x", false)]
        {
            let status = format!("Name:\tserver\nSigBlk:\t0000000000000001\nSigIgn:\t{mask}\nSigCgt:\tffff\n");
            assert_eq!(ignores_hangup(&status), ignores, "{mask}");
        }
        assert!(!ignores_hangup(""));
    }
}

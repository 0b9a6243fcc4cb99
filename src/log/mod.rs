//! The log, as every part of callbox writes it: no line of it does harm, and none comes by the thousand.
//!
//! A line goes to whatever subscriber the program has set up, and formats values of the program's own types. Both may panic.
//! A log line is no reason to lose a call, let alone a service: so callbox logs by [`log_error!`] and its like and by nothing
//! else, which `tests/layers.rs` checks.

// Before the modules, which log as well.
/// Logs a line at a level, unless that level is off altogether. The rest is as for `tracing::event!`.
macro_rules! log_line {
    ($level:ident, $($line:tt)+) => {
        if tracing::level_enabled!(tracing::Level::$level) {
            $crate::log::write_line(|| tracing::event!(tracing::Level::$level, $($line)+));
        }
    };
}

/// Logs a line that may be due thousands of times a second: at once, and then once a second, with the number of those that were
/// left out. Each place in the code counts for itself.
macro_rules! log_throttled {
    ($level:ident, $($line:tt)+) => {{
        static THROTTLE: std::sync::LazyLock<$crate::log::LogThrottle> =
            std::sync::LazyLock::new(|| $crate::log::LogThrottle::new(std::time::Duration::from_secs(1)));
        if let Some(times) = THROTTLE.record_now() {
            log_line!($level, left_out = $crate::log::left_out(times), $($line)+);
        }
    }};
}

/// Logs an error: something failed, and somebody should look at it.
macro_rules! log_error {
    ($($line:tt)+) => { log_line!(ERROR, $($line)+) };
}

/// Logs a warning: something is odd, and goes on.
macro_rules! log_warn {
    ($($line:tt)+) => { log_line!(WARN, $($line)+) };
}

/// Logs what whoever runs the server wants to know anyway.
macro_rules! log_info {
    ($($line:tt)+) => { log_line!(INFO, $($line)+) };
}

/// Logs what is of use to whoever looks for a fault.
macro_rules! log_debug {
    ($($line:tt)+) => { log_line!(DEBUG, $($line)+) };
}

mod panic_hook;
mod panics;
mod throttle;

use crate::sync::{AtomicU64, Ordering};

pub(crate) use panic_hook::limit_hook;
pub(crate) use panics::{Caught, Harmless, caught, discard, panic_text};
pub(crate) use throttle::LogThrottle;

/// Number of lines that could not be written since the last one that could.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Counts lines that could not be written.
pub(crate) fn count_lost_lines(lines: u64) {
    LOST.fetch_add(lines, Ordering::Relaxed);
}

/// Takes the number of lines that could not be written, to tell of them.
pub(crate) fn take_lost_lines() -> u64 {
    LOST.swap(0, Ordering::Relaxed)
}

/// Returns how many lines were left out, if one stands for so many: none for the first.
pub(crate) fn left_out(times: u64) -> Option<u64> {
    (times > 1).then(|| times - 1)
}

/// Whether somebody reads warnings: not before the program or the server has set up a log.
pub(crate) fn reads_warnings() -> bool {
    caught(|| tracing::enabled!(tracing::Level::WARN)).unwrap_or(false)
}

/// Writes a line. If that panics, the line is lost and counted, and nothing else changes.
pub(crate) fn write_line(line: impl FnOnce()) {
    if let Err(panic) = caught(line) {
        count_lost_lines(1);
        // Whatever this says cannot be logged.
        let _ = panics::try_drop(panic);
    }
}

#[cfg(test)]
mod tests {
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// A program's own subscriber, with a fault.
    struct Faulty;

    impl Subscriber for Faulty {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {
            panic!("the disk is full");
        }

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}
    }

    #[test]
    fn a_line_that_panics_on_its_way_is_counted_as_lost_and_does_no_harm() {
        let before = LOST.load(Ordering::Relaxed);
        tracing::subscriber::with_default(Faulty, || {
            log_error!(answer = 42, "this cannot be told");
            log_debug!("nor this");
            (0..1000).for_each(|_| log_throttled!(WARN, "nor this, which is told once"));
        });
        // Other tests may lose lines of their own meanwhile.
        assert!(LOST.load(Ordering::Relaxed) >= before + 2);
    }
}

//! The log macros of callbox and of this crate, which never panic and throttle frequent lines.
//!
//! A line is passed to the subscriber of the program and formats values of the program's types.
//! Both may panic, which must not cost a call or even a service. So callbox logs with
//! [`log_error!`] and its siblings only; `tests/layers` checks that. callbox has its own macros,
//! which call the same functions.
//!
//! - [`throttle`] limits how often a line is logged.
//! - [`panics`] catches panics of the program's code, and of the drops of its values.

// Before the modules, which log as well.
/// Logs a line at a level, with the arguments of `tracing::event!`. If no part of the program has
/// the level on, this costs one comparison.
macro_rules! log_line {
    ($level:ident, $($line:tt)+) => {
        if tracing::level_enabled!(tracing::Level::$level) {
            $crate::log::write_line(&|| tracing::event!(tracing::Level::$level, $($line)+));
        }
    };
}

/// Logs a line that may occur thousands of times a second: at once, and then at most once a second,
/// with the number of lines that were left out. Each place in the code has its own throttle.
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

/// Logs what helps to find a fault.
macro_rules! log_debug {
    ($($line:tt)+) => { log_line!(DEBUG, $($line)+) };
}

mod panics;
mod throttle;

use std::sync::atomic::{AtomicU64, Ordering};

pub use panics::{Caught, Harmless, caught, discard, panic_text};
pub use throttle::LogThrottle;

/// Number of lines that could not be written since the last one that could.
static LOST: AtomicU64 = AtomicU64::new(0);

/// Number of lines that could not be written since the start.
static LOST_IN_ALL: AtomicU64 = AtomicU64::new(0);

/// Counts lines that could not be written.
pub fn count_lost_lines(lines: u64) {
    LOST.fetch_add(lines, Ordering::Relaxed);
    LOST_IN_ALL.fetch_add(lines, Ordering::Relaxed);
}

/// Returns the number of lines that could not be written since the start.
pub fn lost_lines() -> u64 {
    LOST_IN_ALL.load(Ordering::Relaxed)
}

/// Keeps the number of lines for the next report, as they could not be reported.
pub fn keep_lost_lines(lines: u64) {
    LOST.fetch_add(lines, Ordering::Relaxed);
}

/// Returns the number of lines that could not be written, and resets it.
pub fn take_lost_lines() -> u64 {
    LOST.swap(0, Ordering::Relaxed)
}

/// Returns the number of lines that were left out, if the line to log is one of `times`; `None` if
/// it is the only one.
pub fn left_out(times: u64) -> Option<u64> {
    (times > 1).then(|| times - 1)
}

/// Writes a line. If that panics, the line is counted as lost, and nothing else happens.
///
/// Not generic, since there are lines in generic functions, which are compiled for each method.
pub fn write_line(line: &dyn Fn()) {
    if let Err(panic) = caught(line) {
        count_lost_lines(1);
        // It cannot be logged either, as logging is what failed. Leaked, since its drop may panic.
        std::mem::forget(panic);
    }
}

#[cfg(test)]
mod tests {
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Subscriber};

    use super::*;

    /// A subscriber of the program that panics.
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
    fn a_line_that_panics_is_counted_as_lost_and_does_no_harm() {
        let before = LOST.load(Ordering::Relaxed);
        tracing::subscriber::with_default(Faulty, || {
            log_error!(answer = 42, "this cannot be logged");
            log_debug!("nor this");
            (0..1000).for_each(|_| log_throttled!(WARN, "nor this, which is logged once"));
        });
        // Other tests may lose lines of their own meanwhile.
        assert!(LOST.load(Ordering::Relaxed) >= before + 2);
    }
}

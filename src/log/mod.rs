//! The log macros of callbox, which never panic and throttle frequent lines.
//!
//! A line is passed to the subscriber of the program and formats values of the program's types.
//! Both may panic, which must not cost a call or even a service. So callbox logs with
//! [`log_error!`] and its siblings only; `tests/layers` checks that.
//!
//! [`format`](mod@format) has the formats of the lines, `stderr` writes them to standard error
//! without waiting for it, and `panic_hook` keeps Rust's panic hook from flooding it. What the
//! macros call is in the crate of the client, which logs in the same way.

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

/// Logs a warning: something is wrong, but the server goes on.
macro_rules! log_warn {
    ($($line:tt)+) => { log_line!(WARN, $($line)+) };
}

/// Logs what an operator wants to know in any case.
macro_rules! log_info {
    ($($line:tt)+) => { log_line!(INFO, $($line)+) };
}

/// Logs what helps to find a fault.
macro_rules! log_debug {
    ($($line:tt)+) => { log_line!(DEBUG, $($line)+) };
}

/// Logs a line of the access log, which has a target of its own.
macro_rules! log_access {
    ($($line:tt)+) => {
        if tracing::level_enabled!(tracing::Level::INFO) {
            $crate::log::write_line(&|| tracing::event!(target: $crate::log::ACCESS, tracing::Level::INFO, $($line)+));
        }
    };
}

mod format;
mod panic_hook;
mod sink;
mod stderr;

pub(crate) use callbox_client::__engine::log::{
    Caught, Harmless, LogThrottle, caught, count_lost_lines, discard, keep_lost_lines, left_out, lost_lines,
    panic_text, take_lost_lines, write_line,
};
pub(crate) use format::JsonLine;
pub use format::LogFormat;
pub(crate) use panic_hook::limit_hook;
#[cfg(feature = "testing")]
pub(crate) use sink::Sink;
pub(crate) use sink::TARGET;
pub(crate) use stderr::{NeverWaits, flush_stderr, write_stderr};

use crate::sync::Mutex;

/// The target of the lines of the access log.
pub(crate) const ACCESS: &str = "callbox::access";

/// Asks the subscriber of the program whether something is enabled, for one thread at a time.
///
/// The first thread that asks from some place in the code registers the place with `tracing`, which
/// tells all others that it may be enabled until that is done.
pub(crate) fn ask_subscriber(is_enabled: impl FnOnce() -> bool) -> bool {
    static ASKING: Mutex<()> = Mutex::new(());
    let _asking = ASKING.lock();
    caught(is_enabled).unwrap_or(false)
}

/// Whether the line of a call is logged, which is at debug.
pub(crate) fn reads_calls() -> bool {
    ask_subscriber(|| tracing::enabled!(target: "callbox::measure::call_record", tracing::Level::DEBUG))
}

/// Whether the lines of the access log are logged.
pub(crate) fn reads_access() -> bool {
    ask_subscriber(|| tracing::enabled!(target: ACCESS, tracing::Level::INFO))
}

/// Whether warnings are logged. They are not before the program or the server has set up a log.
pub(crate) fn reads_warnings() -> bool {
    ask_subscriber(|| tracing::enabled!(tracing::Level::WARN))
}

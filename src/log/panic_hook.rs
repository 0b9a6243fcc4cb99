//! Keeps Rust's panic hook from flooding standard error.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::Once;
use std::time::Duration;

use crate::sync::Mutex;

use super::stderr::{is_queued, write_stderr};
use super::{JsonLine, LogFormat, LogThrottle};
use callbox_client::__engine::LineContext;
use callbox_client::__engine::log::{Caught, panic_text};

/// Minimum time between two caught panics that are shown for the same place in the code.
const INTERVAL: Duration = Duration::from_secs(1);

/// A panic hook.
type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Throttles Rust's panic hook for panics that callbox catches: it shows them at most once a second
/// for each place in the code, with the number of those that it left out. All other panics are
/// shown as before.
///
/// A client may make a method panic thousands of times a second, and each panic prints a kilobyte
/// or more with its backtrace. A hook of the program stays as it is: it may count panics, or report
/// them elsewhere.
///
/// In a log of JSON, a panic is one line in this format.
pub(crate) fn limit_hook(format: LogFormat) {
    static ONCE: Once = Once::new();
    // A thread that panics must not change the hook: `take_hook` would panic again.
    if std::thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        let current = take_hook();
        // `take_hook` restores Rust's own hook, so the second call returns that one.
        let default = take_hook();
        if is_same(&current, &default) { set_hook(throttled(default, format)) } else { set_hook(current) }
    });
}

/// Whether two hooks are the same function without state.
///
/// The comparison may miss that two hooks are the same. Then the hook counts as the program's own
/// and stays as it is.
fn is_same(one: &Hook, other: &Hook) -> bool {
    size_of_val(&**one) == 0 && std::ptr::eq(&raw const **one, &raw const **other)
}

/// Returns a hook that throttles `default` for caught panics.
fn throttled(default: Hook, format: LogFormat) -> Hook {
    let (places, hasher) = (Mutex::new(HashMap::new()), RandomState::new());
    Box::new(move |panic| {
        if !Caught::is_active() {
            return show(&default, format, panic, 0);
        }
        let place = hasher.hash_one(panic.location());
        let due = places.lock().entry(place).or_insert_with(|| LogThrottle::new(INTERVAL)).record_now();
        let Some(times) = due else { return };
        show(&default, format, panic, times - 1);
    })
}

/// Shows a panic, and how many others at its place were left out. Rust's own hook ignores write
/// errors as well.
fn show(default: &Hook, format: LogFormat, panic: &PanicHookInfo<'_>, left_out: u64) {
    if format == LogFormat::Json {
        return write_stderr(json(panic, left_out).as_bytes(), format);
    }
    // Rust's own hook would wait for whoever reads standard error.
    if Caught::is_active() && is_queued() {
        write_stderr(text(panic).as_bytes(), format);
    } else {
        default(panic);
    }
    if left_out > 0 {
        write_stderr(format!("({left_out} more panics at this place were not shown)\n").as_bytes(), format);
    }
}

/// Returns the lines of a panic as Rust's own hook writes them.
fn text(panic: &PanicHookInfo<'_>) -> String {
    let (thread, backtrace) = (std::thread::current(), Backtrace::capture());
    let location = panic.location().map_or_else(String::new, |location| format!(" at {location}"));
    let name = thread.name().unwrap_or("<unnamed>");
    let mut lines = format!("\nthread '{name}' panicked{location}:\n{}\n", panic_text(panic.payload()));
    if backtrace.status() == BacktraceStatus::Captured {
        lines += &format!("stack backtrace:\n{backtrace}\n");
    }
    lines
}

/// Returns the line of a panic in a log of JSON.
fn json(panic: &PanicHookInfo<'_>, left_out: u64) -> String {
    let message = format!("panicked: {}", panic_text(panic.payload()));
    let mut line = JsonLine::new("ERROR", "callbox::panic", &message);
    line.field("thread", std::thread::current().name().unwrap_or("unnamed"));
    for (name, value) in LineContext::of_thread().facts() {
        line.field(name, value);
    }
    if let Some(location) = panic.location() {
        line.field("location", &location.to_string());
    }
    if left_out > 0 {
        line.number("left_out", left_out);
    }
    let backtrace = Backtrace::capture();
    if backtrace.status() == BacktraceStatus::Captured {
        line.field("backtrace", &backtrace.to_string());
    }
    line.end()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_function_counts_as_the_default_hook() {
        fn usual(_: &PanicHookInfo<'_>) {}
        let known = || -> Hook { Box::new(usual) };
        let count = std::sync::atomic::AtomicU64::new(0);
        let counts: Hook = Box::new(move |_| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        let another: Hook = Box::new(|panic| eprintln!("{panic}"));
        assert!(is_same(&known(), &known()));
        assert!(!is_same(&known(), &counts) && !is_same(&known(), &another) && !is_same(&counts, &known()));
    }
}

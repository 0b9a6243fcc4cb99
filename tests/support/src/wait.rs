//! Waiting for effects.

use std::time::{Duration, Instant};

/// Waits until a condition holds, which it has to within 20 s.
///
/// # Panics
/// If the condition does not hold in time. `what` names it in the message.
#[track_caller]
pub fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

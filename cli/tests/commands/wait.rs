//! Waiting for effects of other processes and threads.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Waits until `is_true` returns `true`, and panics if that takes longer than 20 seconds.
#[track_caller]
pub(crate) fn until(what: &str, mut is_true: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_true() {
        assert!(start.elapsed() < Duration::from_secs(20), "timed out waiting for: {what}");
        sleep(Duration::from_millis(2));
    }
}

//! Many callers at once.

use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use callbox_test_support::http::Connection;

use crate::service::{Patient_CountUp, call, result, start};

#[test]
fn ten_thousand_changes_by_256_callers_at_once_are_all_made_and_none_is_refused() {
    const CALLERS: usize = 256;
    const CHANGES: usize = 10_000;
    let running = start();
    let (left, begin) = (AtomicUsize::new(0), Barrier::new(CALLERS));
    let mut counts: Vec<usize> = std::thread::scope(|scope| {
        let caller = || {
            begin.wait();
            let mut counts = Vec::new();
            while left.fetch_add(1, Ordering::Relaxed) < CHANGES {
                counts.push(running.server.call(Patient_CountUp {}).expect("none is refused"));
            }
            counts
        };
        let callers: Vec<_> = (0..CALLERS).map(|_| scope.spawn(caller)).collect();
        callers.into_iter().flat_map(|caller| caller.join().expect("the caller ends well")).collect()
    });
    counts.sort_unstable();
    assert!(counts.into_iter().eq(1..=CHANGES), "each change was seen by one caller");
    let stats = running.stats("count_up");
    assert_eq!((stats.answered, stats.inline + stats.queued, stats.refused), (10_000, 10_000, 0), "{stats:?}");
}

#[test]
fn reading_calls_of_64_callers_overlap() {
    let running = start();
    let mut callers: Vec<_> = (0..64).map(|_| Connection::open(running.server.address())).collect();
    let mut round = || {
        let start = Instant::now();
        for caller in &mut callers {
            caller.send_request("POST", "/api", &[], call("wait", "[10]"));
        }
        for caller in &mut callers {
            assert_eq!(caller.read_response().body, result("10"));
        }
        start.elapsed()
    };
    // A busy machine may be slow for a while; calls that run one after another are slow each time.
    let quickest = (0..5).map(|_| round()).min().unwrap_or_default();
    assert!(quickest < Duration::from_millis(640 / 3), "one after another is 640 ms: {quickest:?}");
}

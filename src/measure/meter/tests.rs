//! The warnings about a method.

use std::io::Write;
use std::time::Duration;

use tokio::time::Instant;
use tracing_subscriber::fmt::MakeWriter;

use super::Meter;
use crate::sync::{Arc, Mutex};

/// A log that the test can read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Returns what was logged since the last call.
    fn take(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.0.lock())).unwrap()
    }
}

#[test]
fn a_method_that_holds_its_thread_for_10_ms_is_logged_once_a_minute() {
    let (log, meter, start) = (Log::default(), Meter::new(), Instant::now());
    let subscriber = tracing_subscriber::fmt().with_writer(log.clone()).with_ansi(false).finish();
    tracing::subscriber::with_default(subscriber, || {
        let held = |micros, after| {
            meter.record_hold("grind", Duration::from_micros(micros), start + Duration::from_secs(after));
            log.take()
        };
        assert_eq!(held(9_999, 0), "", "that is borne");
        let first = held(10_000, 1);
        for part in ["WARN", "method=\"grind\"", "held_ms=10", "times=1", "await", "`compute`"] {
            assert!(first.contains(part), "{part}: {first}");
        }
        assert!((2..61).all(|after| held(20_000, after).is_empty()));
        let second = held(30_000, 61);
        assert!(second.contains("held_ms=30") && second.contains("times=60"), "{second}");
        assert_eq!(held(30_000, 62), "");
    });
}

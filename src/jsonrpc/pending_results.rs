//! Results of batch members that the thread which answers the batch has not written yet.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use super::RpcError;

/// Maximum number of bytes that a thread can fill in a nanosecond, with what is in its cache.
const BYTES_PER_NANO: usize = 64;

/// Returns the shortest time in which a thread could make results of so many bytes.
pub(super) fn time_to_fill(bytes: usize) -> Duration {
    Duration::from_nanos((bytes / BYTES_PER_NANO) as u64)
}

/// The results of one batch that wait for the thread that answers it.
///
/// The serialized size of a value is known only once it is written, and a service can produce large
/// values faster than they are written. So a value counts as the bytes that a thread could fill
/// while its call ran. As long as the waiting values count less than the response limit, they wait
/// unserialized: the service's time is scarce, and the answering thread writes them. Beyond that,
/// the thread that ran the call writes the result, which then counts as its bytes. When a result
/// did not fit, members that have not begun do not run.
#[derive(Debug)]
pub(crate) struct PendingResults {
    limit: usize,
    /// Bytes of results already in the response.
    kept: AtomicUsize,
    /// Estimated bytes of the values that wait.
    values: AtomicUsize,
    /// Bytes of serialized results that wait.
    written: AtomicUsize,
    full: AtomicBool,
}

/// The share of a waiting result, which is returned when this is dropped.
#[derive(Debug)]
pub(crate) struct ResultLease {
    pending: Arc<PendingResults>,
    values: usize,
    written: usize,
}

impl PendingResults {
    /// Creates the account of a response of at most `limit` bytes, of which `kept` are in use.
    pub(super) fn new(limit: usize, kept: usize, full: bool) -> Arc<Self> {
        let (values, written) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Arc::new(Self { limit, kept: AtomicUsize::new(kept), values, written, full: AtomicBool::new(full) })
    }

    /// Lets a value wait unserialized, whose call ran for `ran`. Returns `None` if it must be
    /// written first.
    pub(crate) fn lease_value(self: &Arc<Self>, ran: Duration) -> Option<ResultLease> {
        let nanos = usize::try_from(ran.as_nanos()).unwrap_or(usize::MAX);
        let size = nanos.saturating_mul(BYTES_PER_NANO).min(self.limit);
        // One value may always wait, whatever its size.
        let fits = |values: usize| (values == 0 || values + size <= self.limit).then_some(values + size);
        self.values.fetch_update(Ordering::AcqRel, Ordering::Acquire, fits).ok()?;
        Some(ResultLease { pending: Arc::clone(self), values: size, written: 0 })
    }

    /// Lets a serialized result wait.
    pub(crate) fn lease_bytes(self: &Arc<Self>, written: usize) -> ResultLease {
        self.written.fetch_add(written, Ordering::AcqRel);
        ResultLease { pending: Arc::clone(self), values: 0, written }
    }

    /// Returns the bytes that results may still add to the response.
    pub(crate) fn left(&self) -> usize {
        let taken = self.kept.load(Ordering::Acquire) + self.written.load(Ordering::Acquire);
        self.limit.saturating_sub(taken)
    }

    pub(super) fn keep(&self, kept: usize) {
        self.kept.store(kept, Ordering::Release);
    }

    /// Records that a result did not fit.
    pub(crate) fn fill(&self) {
        self.full.store(true, Ordering::Release);
    }

    /// Whether a result did not fit. Then further members need not run.
    pub(crate) fn is_full(&self) -> bool {
        self.full.load(Ordering::Acquire)
    }

    /// Returns the error of a member that did not run: -32004, which says so.
    pub(crate) fn not_run() -> RpcError {
        #[derive(serde::Serialize)]
        struct SkippedData {
            reason: &'static str,
        }
        let reason = "not run: the results of the batch had reached the response limit; send fewer calls in one batch";
        RpcError::too_large().with_data(&SkippedData { reason })
    }
}

impl Drop for ResultLease {
    fn drop(&mut self) {
        if self.values > 0 {
            self.pending.values.fetch_sub(self.values, Ordering::AcqRel);
        }
        if self.written > 0 {
            self.pending.written.fetch_sub(self.written, Ordering::AcqRel);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: usize = 1 << 20;

    fn pending() -> Arc<PendingResults> {
        PendingResults::new(LIMIT, 0, false)
    }

    #[test]
    fn values_of_short_calls_wait_unserialized_and_of_long_ones_only_one() {
        let pending = pending();
        let short: Vec<_> = (0..100).map_while(|_| pending.lease_value(Duration::from_nanos(100))).collect();
        assert_eq!(short.len(), 100, "100 results that were made in 100 ns each are small");
        assert!(pending.lease_value(Duration::from_millis(1)).is_none());
        drop(short);
        let long = pending.lease_value(Duration::MAX);
        assert!(long.is_some() && pending.lease_value(Duration::from_micros(1)).is_none());
        drop(long);
        assert!(pending.lease_value(Duration::from_micros(1)).is_some());
    }

    #[test]
    fn waiting_results_and_written_ones_count_against_the_limit() {
        let pending = pending();
        let waits = pending.lease_bytes(LIMIT / 4);
        pending.keep(LIMIT / 2);
        assert_eq!(pending.left(), LIMIT / 4);
        let more = pending.lease_bytes(LIMIT);
        assert_eq!(pending.left(), 0);
        drop((waits, more));
        assert_eq!(pending.left(), LIMIT / 2);
    }
}

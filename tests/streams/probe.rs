//! What a test sees of the service, and how it lets its calls go on.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::stream::{Stream, StreamExt};
use tokio::sync::Semaphore;

/// What a test sees of the service.
#[derive(Debug)]
pub(crate) struct Probe {
    /// Calls wait here until the test lets them go.
    pub(crate) gate: Semaphore,
    /// Calls that are between their start and their end.
    pub(crate) inside: AtomicUsize,
    /// Streams that exist.
    pub(crate) streams: AtomicUsize,
    /// Number that changes when tokens are revoked, and while it is odd, nobody is known.
    pub(crate) revoked: AtomicUsize,
    /// Number of times that the token `ann` was checked.
    pub(crate) checks_of_ann: AtomicUsize,
}

impl Probe {
    pub(crate) fn new() -> Self {
        let zero = || AtomicUsize::new(0);
        Self { gate: Semaphore::new(0), inside: zero(), streams: zero(), revoked: zero(), checks_of_ann: zero() }
    }
}

/// Counts one more as long as it exists.
pub(crate) struct Counted(Arc<Probe>, fn(&Probe) -> &AtomicUsize);

impl Counted {
    pub(crate) fn new(probe: &Arc<Probe>, count: fn(&Probe) -> &AtomicUsize) -> Self {
        count(probe).fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(probe), count)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.1)(&self.0).fetch_sub(1, Ordering::SeqCst);
    }
}

/// A stream whose existence the test sees.
pub(crate) fn seen<S: Stream + Send + 'static>(
    probe: &Arc<Probe>,
    stream: S,
) -> impl Stream<Item = S::Item> + Send + 'static + use<S> {
    let counted = Counted::new(probe, |probe| &probe.streams);
    stream.inspect(move |_| _ = &counted)
}

//! The locks and atomics of the mailbox engine, in one place, so that `tests/model` can replace
//! them with loom's.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

pub(crate) use futures::task::AtomicWaker;
pub(crate) use parking_lot::{Condvar, Mutex};

/// Orders two `SeqCst` accesses whose order matters. All such accesses already have one total
/// order, so there is nothing to do here. loom knows that order between fences only, and has a
/// fence here.
#[inline]
pub(crate) fn in_order() {}

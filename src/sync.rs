//! The locks and atomics of the mailbox engine, from one place.

pub(crate) use std::sync::Arc;
pub(crate) use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

pub(crate) use futures::task::AtomicWaker;
pub(crate) use parking_lot::Mutex;

/// Stands between two `SeqCst` accesses whose order matters. They have one among all such accesses, so there is nothing to do;
/// but loom knows of that order between fences only, and has one here.
#[inline]
pub(crate) fn in_order() {}

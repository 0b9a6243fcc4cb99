//! The number of a request: what its id is made of, if its sender has given it none.

use std::cell::Cell;
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

/// How many numbers a thread takes at once, so that threads do not contend for them.
const BLOCK: u32 = 1024;

/// Identifies a request within this process. Every request has one, since it costs next to nothing;
/// the text of its id is made only if somebody asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestNumber(NonZeroU32);

impl RequestNumber {
    /// Returns a number that no other request of the process has: not until some four billion
    /// others have come.
    #[inline]
    pub fn fresh() -> Self {
        thread_local! {
            static NEXT: Cell<u32> = const { Cell::new(0) };
        }
        // While a thread ends, its thread-locals may be gone already.
        let number = NEXT.try_with(|next| {
            let number = if next.get() % BLOCK == 0 { block() } else { next.get() };
            next.set(number.wrapping_add(1));
            number
        });
        Self(NonZeroU32::new(number.unwrap_or_else(|_| block())).unwrap_or(NonZeroU32::MAX))
    }

    /// Returns the id, which is unique in this process, and unlikely to repeat in another.
    pub fn id(self) -> Arc<str> {
        static PROCESS: LazyLock<u64> = LazyLock::new(|| RandomState::new().build_hasher().finish());
        format!("{:016x}-{:x}", *PROCESS, self.0).into()
    }
}

/// Returns the first number of a block that no other thread has.
#[cold]
fn block() -> u32 {
    static NEXT: AtomicU32 = AtomicU32::new(BLOCK);
    NEXT.fetch_add(BLOCK, Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_number_is_given_twice_whatever_thread_asks() {
        let take = || (0..3 * BLOCK).map(|_| RequestNumber::fresh().0.get()).collect::<Vec<_>>();
        let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(take)).collect();
        let numbers: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        assert_eq!(numbers.iter().collect::<BTreeSet<_>>().len(), numbers.len());
    }

    #[test]
    fn an_id_is_that_of_its_number() {
        let (one, other) = (RequestNumber::fresh(), RequestNumber::fresh());
        assert_eq!(one.id(), one.id());
        assert_ne!(one.id(), other.id());
    }
}

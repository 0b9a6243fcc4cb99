//! Panics of the program's own code, caught where it is run.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

thread_local! {
    /// Number of places around the code that runs now at which a panic is caught.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// While this lives, panics of this thread are caught by whoever made it.
///
/// It catches nothing itself: it lets the [panic hook](super::limit_hook) know that the panic is told of elsewhere.
pub(crate) struct Caught(());

impl Caught {
    #[inline]
    pub(crate) fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self(())
    }

    /// Whether a panic on this thread is caught.
    pub(super) fn is_active() -> bool {
        DEPTH.get() > 0
    }
}

impl Drop for Caught {
    #[inline]
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Runs code of the program's own, and catches its panic.
#[inline]
pub(crate) fn caught<T>(run: impl FnOnce() -> T) -> thread::Result<T> {
    let _caught = Caught::enter();
    catch_unwind(AssertUnwindSafe(run))
}

/// Drops a value of the program's own. If its drop panics, that is logged, and nothing else changes.
///
/// Such a drop may come while another panic unwinds the thread, and two of them at once would end the process.
pub(crate) fn discard<T>(value: T) {
    if std::mem::needs_drop::<T>()
        && let Err(panic) = try_drop(value)
    {
        let ty = std::any::type_name::<T>();
        log_throttled!(ERROR, ty, panic, "the drop of a value panicked");
    }
}

/// Drops a value of the program's own. Returns what its panic said, if there was one.
pub(super) fn try_drop<T>(value: T) -> Result<(), String> {
    caught(|| drop(value)).map_err(|panic| {
        let text = panic_text(&*panic).to_owned();
        // What a panic carries may panic in its turn. That of a drop is so rare that it may as well be left in memory.
        std::mem::forget(panic);
        text
    })
}

/// A value of the program's own whose drop does no harm: see [`discard`].
pub(crate) struct Harmless<T>(Option<T>);

impl<T> Harmless<T> {
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// The value, until it is dropped.
    pub(crate) fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }

    pub(crate) fn into_inner(mut self) -> T {
        match self.0.take() {
            Some(value) => value,
            None => unreachable!("it is there until it is taken or dropped"),
        }
    }
}

impl<T> Drop for Harmless<T> {
    fn drop(&mut self) {
        if let Some(value) = self.0.take() {
            discard(value);
        }
    }
}

/// Returns what a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> &str {
    if let Some(text) = panic.downcast_ref::<&str>() {
        text
    } else if let Some(text) = panic.downcast_ref::<String>() {
        text
    } else {
        "(no text)"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("it goes off");
        }
    }

    #[test]
    fn the_panic_of_a_drop_goes_no_further_also_while_another_one_unwinds() {
        drop(Harmless::new(Bomb));
        let panic = caught(|| {
            let _bomb = Harmless::new(Bomb);
            panic!("the first one");
        });
        assert_eq!(panic_text(&*panic.unwrap_err()), "the first one");
    }

    #[test]
    fn what_is_taken_out_is_the_takers_to_drop() {
        assert_eq!(Harmless::new(7).into_inner(), 7);
        let taken = caught(|| drop(Harmless::new(Bomb).into_inner()));
        assert_eq!(panic_text(&*taken.unwrap_err()), "it goes off");
    }

    #[test]
    fn it_is_known_whether_a_panic_is_caught() {
        assert!(!Caught::is_active());
        let inside = caught(|| (Caught::is_active(), caught(|| panic!("within")).is_err(), Caught::is_active()));
        assert_eq!(inside.unwrap(), (true, true, true));
        assert!(!Caught::is_active());
    }
}

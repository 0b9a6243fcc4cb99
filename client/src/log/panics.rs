//! Catches panics of the program's own code: when it runs, and when its values are dropped.

#![expect(missing_docs, missing_debug_implementations, reason = "public for the engine of callbox alone")]

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

thread_local! {
    /// Number of nested guards on this thread.
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// Guard that marks panics of this thread as caught by its owner.
///
/// It catches nothing itself: it lets the panic hook of callbox know that the panic is
/// reported elsewhere.
pub struct Caught(());

impl Caught {
    #[inline]
    pub fn enter() -> Self {
        DEPTH.set(DEPTH.get() + 1);
        Self(())
    }

    /// Whether a panic on this thread would be caught.
    pub fn is_active() -> bool {
        DEPTH.get() > 0
    }
}

impl Drop for Caught {
    #[inline]
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
    }
}

/// Runs code of the program, and catches its panic.
#[inline]
pub fn caught<T>(run: impl FnOnce() -> T) -> thread::Result<T> {
    let _caught = Caught::enter();
    catch_unwind(AssertUnwindSafe(run))
}

/// Drops a value of a type of the program. If the drop panics, that is logged, and nothing else
/// happens.
///
/// Values may be dropped while another panic unwinds the thread; a second panic would abort the
/// process.
pub fn discard<T>(value: T) {
    if std::mem::needs_drop::<T>()
        && let Err(panic) = try_drop(value)
    {
        let ty = std::any::type_name::<T>();
        log_throttled!(ERROR, ty, panic, "the drop of a value panicked");
    }
}

/// Drops a value of a type of the program.
///
/// # Errors
/// If the drop panics: the text of the panic.
pub(super) fn try_drop<T>(value: T) -> Result<(), String> {
    caught(|| drop(value)).map_err(|panic| {
        let text = panic_text(&*panic).to_owned();
        // The payload of the panic may panic when it is dropped, too. This is so rare that leaking
        // it is harmless.
        std::mem::forget(panic);
        text
    })
}

/// Wrapper that drops its value with [`discard`], so that a panic of the drop does no harm.
pub struct Harmless<T>(Option<T>);

impl<T> Harmless<T> {
    pub fn new(value: T) -> Self {
        Self(Some(value))
    }

    /// Returns the value.
    pub fn get(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => unreachable!("the value is present until it is taken or dropped"),
        }
    }

    /// Returns the value.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.0.as_mut()
    }

    pub fn into_inner(mut self) -> T {
        match self.0.take() {
            Some(value) => value,
            None => unreachable!("the value is present until it is taken or dropped"),
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

/// Returns the text of a panic.
pub fn panic_text(panic: &(dyn Any + Send)) -> &str {
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
    fn a_panic_of_a_drop_is_caught_even_while_another_one_unwinds() {
        drop(Harmless::new(Bomb));
        let panic = caught(|| {
            let _bomb = Harmless::new(Bomb);
            panic!("the first one");
        });
        assert_eq!(panic_text(&*panic.unwrap_err()), "the first one");
    }

    #[test]
    fn a_value_that_is_taken_out_is_dropped_by_its_new_owner() {
        assert_eq!(Harmless::new(7).into_inner(), 7);
        let taken = caught(|| drop(Harmless::new(Bomb).into_inner()));
        assert_eq!(panic_text(&*taken.unwrap_err()), "it goes off");
    }

    #[test]
    fn a_guard_is_active_only_around_code_whose_panics_are_caught() {
        assert!(!Caught::is_active());
        let inside = caught(|| (Caught::is_active(), caught(|| panic!("within")).is_err(), Caught::is_active()));
        assert_eq!(inside.unwrap(), (true, true, true));
        assert!(!Caught::is_active());
    }
}

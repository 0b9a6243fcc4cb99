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
#[inline]
pub fn discard<T>(value: T) {
    if Droppable::<T>::NEEDS_DROP {
        let mut value = Some(value);
        drop_caught(std::any::type_name::<T>(), &mut || drop(value.take()));
    }
}

/// A constant, and not a call of the same function, so that nothing is compiled for values that
/// need no drop.
struct Droppable<T>(std::marker::PhantomData<T>);

impl<T> Droppable<T> {
    const NEEDS_DROP: bool = std::mem::needs_drop::<T>();
}

/// Runs a drop. Not generic, since it would be compiled for each type of a program.
fn drop_caught(ty: &'static str, drop: &mut dyn FnMut()) {
    if let Err(payload) = caught(drop) {
        let panic = into_text(payload);
        log_throttled!(ERROR, ty, panic, "the drop of a value panicked");
    }
}

/// Returns the text of a panic, and gives its payload up: that may panic when it is dropped, too,
/// and is so rare that leaking it is harmless.
fn into_text(payload: Box<dyn Any + Send>) -> String {
    let text = panic_text(&*payload).to_owned();
    std::mem::forget(payload);
    text
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

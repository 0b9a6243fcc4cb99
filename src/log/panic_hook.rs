//! Rust's own panic hook, kept from flooding standard error.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::panic::{PanicHookInfo, set_hook, take_hook};
use std::sync::Once;
use std::time::Duration;

use crate::sync::Mutex;

use super::LogThrottle;
use super::panics::Caught;

/// How often a panic at one place is shown.
const PAUSE: Duration = Duration::from_secs(1);

/// What a panic hook is.
type Hook = Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync>;

/// Makes Rust's own panic hook show panics that callbox catches once a second for each place in the code, with the number of
/// those that it left out. All other panics it shows as before.
///
/// A caller may make a method panic thousands of times a second, and each one is a kilobyte or more with its backtrace. A hook
/// that the program has set is left alone: it may count panics, or report them elsewhere.
pub(crate) fn limit_hook() {
    static ONCE: Once = Once::new();
    // The hook cannot be changed by a thread that panics.
    if std::thread::panicking() {
        return;
    }
    ONCE.call_once(|| {
        let now = take_hook();
        // Taking a hook leaves Rust's own in its place.
        let usual = take_hook();
        if is_same(&now, &usual) { set_hook(limited(usual)) } else { set_hook(now) }
    });
}

/// Whether two hooks are the same function without a state.
///
/// If they are not seen to be the same although they are, the hook is taken for the program's own and left as it is.
fn is_same(one: &Hook, other: &Hook) -> bool {
    size_of_val(&**one) == 0 && std::ptr::eq(&raw const **one, &raw const **other)
}

fn limited(usual: Hook) -> Hook {
    let (places, hasher) = (Mutex::new(HashMap::new()), RandomState::new());
    Box::new(move |panic| {
        if !Caught::is_active() {
            return usual(panic);
        }
        let place = hasher.hash_one(panic.location());
        let due = places.lock().entry(place).or_insert_with(|| LogThrottle::new(PAUSE)).record_now();
        let Some(times) = due else { return };
        usual(panic);
        if times > 1 {
            let more = times - 1;
            // Rust's own hook does not mind either if nobody can read it.
            let _ = writeln!(std::io::stderr(), "({more} more panics at this place were not shown)");
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_function_is_taken_for_the_usual_hook() {
        fn usual(_: &PanicHookInfo<'_>) {}
        let known = || -> Hook { Box::new(usual) };
        let count = std::sync::atomic::AtomicU64::new(0);
        let counts: Hook = Box::new(move |_| {
            count.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        });
        let another: Hook = Box::new(|panic| eprintln!("{panic}"));
        assert!(is_same(&known(), &known()));
        assert!(!is_same(&known(), &counts) && !is_same(&known(), &another) && !is_same(&counts, &known()));
    }
}

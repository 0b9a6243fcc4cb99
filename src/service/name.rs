//! The names of methods, as callers write them.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

/// A method's name with its namespace.
///
/// A name goes with every call, and threads that count the owners of one string together wait for each other. So it is made
/// once and never freed: its parts are constants of the program, and there are only so many.
pub(crate) fn full_name(namespace: Option<&'static str>, name: &'static str) -> &'static str {
    static NAMES: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let Some(namespace) = namespace else { return name };
    let full = format!("{namespace}.{name}");
    let mut names = NAMES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = names.get(&*full) {
        return known;
    }
    let full: &'static str = full.leak();
    names.insert(full);
    full
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_made_once() {
        assert_eq!(full_name(None, "add"), "add");
        let (first, second) = (full_name(Some("users"), "add"), full_name(Some("users"), "add"));
        assert_eq!(first, "users.add");
        assert!(std::ptr::eq(first, second));
        assert_eq!(full_name(Some("orders"), "add"), "orders.add");
    }
}

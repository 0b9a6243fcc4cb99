//! The full names of methods, as callers write them.

use std::collections::HashSet;
use std::sync::{LazyLock, Mutex, PoisonError};

/// Returns the name of a method with its namespace.
///
/// Every call carries its name. As an `Arc<str>`, all threads would write to one reference count,
/// and slow each other down. So each name is made once and never freed. That leaks a bounded amount
/// of memory, because the parts of the names are constants of the program.
pub fn full_name(namespace: Option<&'static str>, name: &'static str) -> &'static str {
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
    fn each_name_is_allocated_once() {
        assert_eq!(full_name(None, "add"), "add");
        let (first, second) = (full_name(Some("users"), "add"), full_name(Some("users"), "add"));
        assert_eq!(first, "users.add");
        assert!(std::ptr::eq(first, second));
        assert_eq!(full_name(Some("orders"), "add"), "orders.add");
    }
}

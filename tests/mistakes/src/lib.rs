//! Tests of the errors that the macros report. The cases are in `tests/ui`. They are a package of
//! their own, so that they need no other dependency than callbox.
//!
//! This library is a test as well: it forbids lints, so it compiles only if the code of the macros
//! causes none of them and has no `allow` of its own.

#![forbid(
    missing_docs,
    missing_debug_implementations,
    dead_code,
    deprecated,
    unused_variables,
    unused_mut,
    unreachable_pub,
    clippy::needless_pass_by_value,
    clippy::too_many_arguments,
    clippy::used_underscore_binding,
    clippy::missing_errors_doc
)]
// Denied and not forbidden, because serde's derives have an `allow` for some of these lints.
#![deny(nonstandard_style)]

pub mod names;
pub mod shop;

//! The messages of the macros about mistakes. The cases are in `tests/ui`. They have a package of
//! their own so that callbox is all that has to be compiled for them.
//!
//! The package itself is the other half: it forbids lints, so that it compiles only if the macros
//! write nothing that these lints find, and allow none of them.

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
// serde's derives allow some of it, so it cannot be forbidden.
#![deny(nonstandard_style)]

pub mod names;
pub mod shop;

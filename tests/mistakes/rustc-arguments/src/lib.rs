//! How the compiler was started, for a test that has more compiled with the same libraries.
//!
//! Cargo names the libraries that a test is linked with to the compiler alone. A macro runs within
//! the compiler, and can see them.

use proc_macro::TokenStream;

/// Expands to `&[…]`: the command line of the compiler of this crate, as strings.
#[proc_macro]
pub fn rustc_arguments(_: TokenStream) -> TokenStream {
    let arguments: Vec<_> = std::env::args().map(|argument| format!("{argument:?}")).collect();
    format!("&[{}]", arguments.join(", ")).parse().expect("these are literals")
}

//! What is behind a type with the name `Result` that does not show its error.

/// A `Result` under a name with fewer arguments, such as the `Result<T>` of a crate. Do not
/// implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has the name `Result`, and is another type",
    label = "not a `Result`",
    note = "give the type another name, since `#[service]` takes a type with this name for a `Result`"
)]
pub trait ResultAlias {
    /// The value of a call that succeeds.
    type Ok;
    /// The error of a call that fails.
    type Error;
}

impl<T, E> ResultAlias for Result<T, E> {
    type Ok = T;
    type Error = E;
}

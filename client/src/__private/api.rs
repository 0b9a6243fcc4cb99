//! An API apart from its service: what `#[api]` writes, and what `#[service(api = …)]` reads.
//!
//! A macro sees only its own item, so the macro of the service does not see the trait of the API.
//! It finds the message of a method by its name, and the API as a whole by `dyn Trait`.

use crate::message::{Message, Reply};
use crate::rpc_error::RpcError;
use crate::typed_client::ServiceClient;

use super::MethodError;

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Callers with a valid token.
    Private,
    /// Callers with a valid token that has this scope.
    Scope(&'static str),
}

/// What a trait marked `#[api]` says of the service as a whole. Implemented for `dyn Trait`.
#[diagnostic::on_unimplemented(
    message = "this is not an API",
    label = "not a trait marked `#[api]`",
    note = "write the path of a trait marked `#[callbox_client::api]` or `#[callbox::client::api]`"
)]
pub trait Api {
    /// The typed client.
    type Client: ServiceClient;

    /// The description of the service.
    const DOC: Option<&'static str>;

    /// The methods: the name of each function, and the error for a service that does not handle it.
    const METHODS: &'static [(&'static str, &'static str)];
}

/// What `#[api]` says of a method, for the service. Implemented for the message.
pub trait ApiMethod: Message {
    /// Who may call it.
    const ACCESS: Access;

    /// The description.
    const DOC: Option<&'static str>;

    /// Whether it is deprecated.
    const DEPRECATED: bool;

    /// The path of the client's function, for generated documents.
    const CLIENT: Option<&'static str>;
}

/// Checks at compile time that a service handles all methods of its API.
///
/// # Panics
/// With the error of the first method that is missing.
pub const fn assert_all_handled(methods: &[(&str, &str)], handled: &[&str]) {
    let mut at = 0;
    while at < methods.len() {
        if !contains(handled, methods[at].0) {
            panic!("{}", methods[at].1);
        }
        at += 1;
    }
}

const fn contains(names: &[&str], name: &str) -> bool {
    let mut at = 0;
    while at < names.len() {
        if is_same(names[at].as_bytes(), name.as_bytes()) {
            return true;
        }
        at += 1;
    }
    false
}

const fn is_same(one: &[u8], other: &[u8]) -> bool {
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Returns the reply of a method that returns a `Result`, as the API says.
pub fn api_result<M: Message<Error: MethodError>>(returned: Result<M::Output, M::Error>) -> Reply<M> {
    returned.map_err(Into::into)
}

/// Returns the reply of a method that cannot fail, as the API says.
pub fn api_value<M: Message<Error = RpcError>>(returned: M::Output) -> Reply<M> {
    Ok(returned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_handles_all_methods_in_any_order() {
        assert_all_handled(&[("get", "no get"), ("list", "no list")], &["list", "more", "get"]);
        assert_all_handled(&[], &[]);
    }

    #[test]
    #[should_panic(expected = "no list")]
    fn a_missing_method_is_named() {
        assert_all_handled(&[("get", "no get"), ("list", "no list")], &["lists", "get", "lis"]);
    }
}

//! What the code that the macros write calls. No part of the interface: it changes without notice.

use std::future::Future;
use std::marker::PhantomData;

use futures::future::LocalBoxFuture;
pub use schemars;
pub use serde;
use serde::de::DeserializeOwned;

use crate::jsonrpc::RpcError;
use crate::service::{Method, Reply, State};

/// Holds for types whose state was checked: naming `StateOf<T>` is the check.
#[derive(Debug)]
pub struct StateOf<T: State>(PhantomData<T>);

impl<T: State> StateOf<T> {
    /// The check, as a value.
    pub const CHECKED: Self = Self(PhantomData);
}

/// Boxes the future of an async method.
pub fn reply<'a, M: Method>(future: impl Future<Output = Reply<M>> + 'a) -> LocalBoxFuture<'a, Reply<M>> {
    Box::pin(future)
}

/// What the error of a method must be. Never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a method",
    label = "what would callers be told?",
    note = "`#[derive(callbox::RpcError)]` gives an enum codes and messages; or implement `From<{Self}>` for `callbox::RpcError`",
    note = "`callbox::Internal` takes any error by `?` and tells callers nothing of it"
)]
pub trait MethodError: Into<RpcError> {}

#[diagnostic::do_not_recommend]
impl<E: Into<RpcError>> MethodError for E {}

/// Converts the error that a transparent variant holds.
pub fn into_rpc_error<E: MethodError>(error: E) -> RpcError {
    error.into()
}

/// Converts the error of a method that returned one.
pub fn or_rpc_error<T, E: MethodError>(returned: Result<T, E>) -> Result<T, RpcError> {
    returned.map_err(Into::into)
}

/// What a result must be for the typed client. Never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "the typed client cannot read `{Self}` back",
    label = "not `DeserializeOwned`",
    note = "derive `serde::Deserialize` for it, or do without the client: `#[service(client = false)]`"
)]
pub trait ClientOutput {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> ClientOutput for T {}

/// Compiles for results that the typed client can read.
pub const fn client_can_read<T: ClientOutput>() {}

/// Tells, by which of two constants `Probe::<T>::IS_RESULT` finds, whether `T` is a `Result`, whatever it is called: one of
/// the type itself goes before one of a trait.
#[derive(Debug)]
pub struct Probe<T: ?Sized>(PhantomData<T>);

impl<T, E> Probe<Result<T, E>> {
    /// It is.
    pub const IS_RESULT: bool = true;
}

/// The answer for all other types.
pub trait NotAResult {
    /// It is not.
    const IS_RESULT: bool = false;
}

impl<T: ?Sized> NotAResult for Probe<T> {}

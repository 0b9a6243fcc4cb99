//! What the code that the macros write calls. No part of the interface: it changes without notice.

use std::future::Future;
use std::marker::PhantomData;

pub use actix;
pub use callbox_macros::Written;
use futures::future::LocalBoxFuture;
pub use schemars;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
pub use serde;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

use crate::jsonrpc::RpcError;
pub use crate::service::with_rest;
use crate::service::{DescribeErrors, ErrorList, FromRpcError, Message, Reply, State};

/// Holds for types whose state was checked: naming `StateOf<T>` is the check.
#[derive(Debug)]
pub struct StateOf<T: State>(PhantomData<T>);

impl<T: State> StateOf<T> {
    /// The check, as a value.
    pub const CHECKED: Self = Self(PhantomData);
}

/// Reads a parameter that is there, be it null: one that is left out does not come here.
///
/// # Errors
/// Those of the value.
pub fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Boxes the future of an async method.
pub fn reply<'a, M: Message>(future: impl Future<Output = Reply<M>> + 'a) -> LocalBoxFuture<'a, Reply<M>> {
    Box::pin(future)
}

/// What the error of a method must be. Never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a method",
    label = "what would callers be told?",
    note = "`#[derive(callbox::RpcError)]` gives an enum codes and messages",
    note = "for another type implement `From<{Self}>` for `callbox::RpcError`",
    note = "`callbox::InternalError` takes any error by `?` and tells callers nothing of it"
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

/// The error that was told as this: of the variants with codes, the first that fits, and rather one with the same message,
/// as several may share a code; else of the transparent ones the first that fits.
///
/// # Errors
/// What was told, if no variant fits.
pub fn recover<E: Into<RpcError>>(
    error: RpcError,
    coded: &[Reader<E>],
    transparent: &[Reader<E>],
) -> Result<E, RpcError> {
    let mut fitting = coded.iter().filter(|read| read(&error).is_some());
    let first = fitting.next();
    let same_words = |read: &&Reader<E>| read(&error).is_some_and(|own| own.into().message() == error.message());
    let chosen = match fitting.next() {
        None => first,
        Some(_) => coded.iter().find(same_words).or(first),
    };
    let coded = chosen.and_then(|read| read(&error));
    coded.or_else(|| transparent.iter().find_map(|read| read(&error))).ok_or(error)
}

/// Makes an error of what was told, if it is that.
pub type Reader<E> = fn(&RpcError) -> Option<E>;

/// Whether an error has this code and no data.
pub fn without_data(error: &RpcError, code: i32) -> bool {
    error.code() == code && error.data().is_none()
}

/// Reads the data of an error as a `T`, if that can be read: which of two functions `DataOf::<T>::read` is follows from
/// whether `T` is `DeserializeOwned`, as one of the type itself goes before one of a trait.
#[derive(Debug)]
pub struct DataOf<T>(PhantomData<T>);

impl<T: DeserializeOwned> DataOf<T> {
    /// The data of an error with this code.
    pub fn read(error: &RpcError, code: i32) -> Option<T> {
        let data = error.data().filter(|_| error.code() == code)?;
        serde_json::from_str(data.get()).ok()
    }
}

/// What cannot be read.
pub trait NotOwned<T> {
    /// Nothing.
    fn read(_: &RpcError, _: i32) -> Option<T> {
        None
    }
}

impl<T> NotOwned<T> for DataOf<T> {}

/// Recovers the error that a transparent variant holds, in the same way.
#[derive(Debug)]
pub struct Told<T>(PhantomData<T>);

impl<T: FromRpcError> Told<T> {
    /// The error, if it was told as this.
    pub fn recover(error: &RpcError) -> Option<T> {
        T::from_rpc_error(error.clone()).ok()
    }
}

/// What cannot be recovered.
pub trait NotRecovered<T> {
    /// Nothing.
    fn recover(_: &RpcError) -> Option<T> {
        None
    }
}

impl<T> NotRecovered<T> for Told<T> {}

/// Tells whether `T` is a `Result`, whatever it is called, by which of two constants `Probe::<T>::IS_RESULT` finds: one
/// of the type itself goes before one of a trait.
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

/// Tells, by the same means, whether `T` has a value beside `None` that is null in JSON.
impl<T> Probe<Option<Option<T>>> {
    /// It has: `Some(None)`.
    pub const HAS_TWO_NULLS: bool = true;
}

impl Probe<Option<()>> {
    /// It has: `Some(())`.
    pub const HAS_TWO_NULLS: bool = true;
}

/// The answer for all other types.
pub trait HasOneNull {
    /// It has not.
    const HAS_TWO_NULLS: bool = false;
}

impl<T: ?Sized> HasOneNull for Probe<T> {}

/// Lists the errors of `E`, if that can say which there are: a function of the type itself goes before one of a trait.
#[derive(Debug)]
pub struct ErrorsOf<E>(PhantomData<E>);

impl<E: DescribeErrors> ErrorsOf<E> {
    /// It can.
    pub fn describe(list: &mut ErrorList<'_>) {
        E::describe(list);
    }
}

/// The answer for all other types.
pub trait SaysNothing {
    /// It cannot.
    fn describe(_: &mut ErrorList<'_>) {}
}

impl<E> SaysNothing for ErrorsOf<E> {}

/// The schema of `T`, if it has one, by the same means.
#[derive(Debug)]
pub struct SchemaOf<T>(PhantomData<T>);

impl<T: JsonSchema> SchemaOf<T> {
    /// It has.
    pub fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// The answer for all other types.
pub trait AnySchema {
    /// It may be anything.
    fn schema(_: &mut SchemaGenerator) -> Schema {
        true.into()
    }
}

impl<T> AnySchema for SchemaOf<T> {}

/// The schema of an object with these members.
pub fn object_schema<const N: usize>(members: [(&str, Schema); N]) -> Schema {
    let names = members.each_ref().map(|(name, _)| *name);
    let properties: serde_json::Map<_, _> =
        members.into_iter().map(|(name, schema)| (name.to_owned(), schema.to_value())).collect();
    json_schema!({ "type": "object", "properties": properties, "required": names.as_slice() })
}

/// The schema of a list with these items.
pub fn tuple_schema<const N: usize>(items: &[Schema; N]) -> Schema {
    json_schema!({ "type": "array", "prefixItems": items.as_slice(), "minItems": N, "maxItems": N })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::FutureExt;
    use tokio::time::Instant;

    use crate::{CallContext, Caller, FromCall, Handler, Handles, InternalError, Message, Reply, RpcError, service};

    struct Tenant(String);

    impl FromCall for Tenant {
        fn from_call(call: &CallContext) -> Result<Self, RpcError> {
            call.caller().name().map(|name| Self(name.to_owned())).ok_or_else(|| RpcError::new(401, "Which tenant?"))
        }
    }

    #[derive(Default)]
    struct Ledger {
        entries: Vec<(String, i64)>,
    }

    #[service]
    impl Ledger {
        #[public_method]
        fn enter(&mut self, tenant: &Tenant, amount: i64) -> Result<usize, InternalError> {
            if amount == 0 {
                return Err(InternalError::new("nothing to enter"));
            }
            self.entries.push((tenant.0.clone(), amount));
            Ok(self.entries.len())
        }

        #[public_method]
        fn method_called(&self, call: &CallContext, state: u8, message: u8) -> String {
            format!("{}({state}, {message})", call.method())
        }

        #[public_method]
        async fn sum(&self, caller: &Caller, of: &Tenant) -> i64 {
            assert_eq!(caller.name(), Some(of.0.as_str()));
            std::future::ready(()).await;
            self.entries.iter().filter(|(name, _)| *name == of.0).map(|(_, amount)| amount).sum()
        }

        #[public_method]
        async fn clear(&mut self, #[param(default = Self::ALL)] keep: usize) -> Result<(), RpcError> {
            std::future::ready(()).await;
            self.entries.truncate(keep);
            if keep == 13 { Err(RpcError::new(13, "Unlucky")) } else { Ok(()) }
        }

        #[public_method(compute)]
        fn add(a: i64, b: i64) -> i64 {
            a + b
        }

        const ALL: usize = 0;
    }

    fn call_by(caller: Caller) -> CallContext {
        let arrived = Instant::now();
        let deadline = arrived + Duration::from_secs(1);
        CallContext { method: "ledger.it", caller, arrived, deadline, notification: false, chain: None }
    }

    fn run<M: Message>(ledger: &mut Ledger, message: M, caller: Caller) -> Reply<M>
    where
        Ledger: Handles<M>,
    {
        let call = call_by(caller);
        match <Ledger as Handles<M>>::HANDLER {
            Handler::Read(method) => method(ledger, message, &call),
            Handler::Write(method) => method(ledger, message, &call),
            Handler::ReadAsync(method) => method(ledger, message, &call).now_or_never().unwrap(),
            Handler::WriteAsync(method) => method(ledger, message, &call).now_or_never().unwrap(),
            Handler::Compute(method) => method(message, &call),
        }
    }

    #[test]
    fn handlers_pass_the_state_the_parameters_and_what_follows_from_the_call() {
        let (mut ledger, anna) = (Ledger::default(), || Caller::named("anna"));
        assert_eq!(run(&mut ledger, Ledger_Enter { amount: 5 }, anna()), Ok(1));
        assert_eq!(run(&mut ledger, Ledger_Enter { amount: 6 }, Caller::named("bert")), Ok(2));
        assert_eq!(run(&mut ledger, Ledger_Enter { amount: -2 }, anna()), Ok(3));
        assert_eq!(run(&mut ledger, Ledger_Sum {}, anna()), Ok(3));
        assert_eq!(run(&mut ledger, Ledger_Add { a: 40, b: 2 }, Caller::anonymous()), Ok(42));
        let called = Ledger_MethodCalled { state: 1, message: 2 };
        assert_eq!(run(&mut ledger, called, Caller::anonymous()), Ok("ledger.it(1, 2)".to_owned()));
        assert_eq!(run(&mut ledger, serde_json::from_str::<Ledger_Clear>("{}").unwrap(), anna()), Ok(()));
        assert_eq!(ledger.entries, []);
    }

    #[test]
    fn errors_of_methods_and_of_injection_are_answers() {
        let mut ledger = Ledger::default();
        let refused = run(&mut ledger, Ledger_Enter { amount: 5 }, Caller::anonymous()).unwrap_err();
        assert_eq!((refused.code(), ledger.entries.len()), (401, 0), "the method does not run");
        let refused = run(&mut ledger, Ledger_Sum {}, Caller::anonymous()).unwrap_err();
        assert_eq!(refused.code(), 401);
        assert_eq!(run(&mut ledger, Ledger_Clear { keep: 13 }, Caller::anonymous()).unwrap_err().code(), 13);
        let internal = run(&mut ledger, Ledger_Enter { amount: 0 }, Caller::named("anna")).unwrap_err();
        assert_eq!(internal.message(), "Internal error");
    }
}

//! Items that the code of the macros uses. Not part of the interface: they change without notice.
//!
//! # Probes
//!
//! A macro sees the name of a type, but not which traits the type implements. Some generated code
//! must compile with and without a trait, so it lets the compiler choose.
//! `SchemaProbe::<T>::schema`, for example, is an associated function of `SchemaProbe<T>` if `T:
//! JsonSchema`. Else it is the function with the same name of the trait `SchemaFallback`, because
//! an inherent function takes precedence over one of a trait. Each `…Probe` below has such a
//! `…Fallback`, which the generated code imports.

use std::future::Future;
use std::marker::PhantomData;

pub use actix;
pub use callbox_macros::EmitItems;
use futures::future::LocalBoxFuture;
pub use schemars;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
pub use serde;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

use crate::jsonrpc::RpcError;
pub use crate::service::with_rest;
use crate::service::{DescribeErrors, ErrorList, FromRpcError, Message, Reply, State};

/// The check that `T` can be the state of a service: `StateCheck<T>` only compiles if it can.
#[derive(Debug)]
pub struct StateCheck<T: State>(PhantomData<T>);

impl<T: State> StateCheck<T> {
    /// A value, so that a constant can have this type.
    pub const PASSED: Self = Self(PhantomData);
}

/// Deserializes a parameter that is present as `Some`, even if it is null. serde does not call this
/// for a missing parameter.
///
/// # Errors
/// The error of deserializing the value.
pub fn present_as_some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Boxes the future of an async method.
pub fn boxed_reply<'a, M: Message>(future: impl Future<Output = Reply<M>> + 'a) -> LocalBoxFuture<'a, Reply<M>> {
    Box::pin(future)
}

/// An error that a method can return: any type with `Into<RpcError>`. Do not implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a method",
    label = "not `Into<callbox::RpcError>`",
    note = "for an enum: `#[derive(callbox::RpcError)]`, with a code for each variant",
    note = "for another type: implement `From<{Self}>` for `callbox::RpcError`",
    note = "to hide the error from callers: return `callbox::InternalError`, which `?` converts any error into"
)]
pub trait MethodError: Into<RpcError> {}

#[diagnostic::do_not_recommend]
impl<E: Into<RpcError>> MethodError for E {}

/// Converts the error in a transparent variant.
pub fn into_rpc_error<E: MethodError>(error: E) -> RpcError {
    error.into()
}

/// Converts the error of a method.
pub fn convert_error<T, E: MethodError>(returned: Result<T, E>) -> Result<T, RpcError> {
    returned.map_err(Into::into)
}

/// Converts an error object back to the variant that it was made from.
///
/// Variants with a code are tried first, in their order. Several variants may share a code: then
/// one with the same message is preferred. Transparent variants are tried last, because one of them
/// may accept any code.
///
/// # Errors
/// The error object itself, if no variant matches.
pub fn recover<E: Into<RpcError>>(
    error: RpcError,
    coded: &[VariantReader<E>],
    transparent: &[VariantReader<E>],
) -> Result<E, RpcError> {
    let mut matching = coded.iter().filter(|read| read(&error).is_some());
    let first = matching.next();
    let has_same_message =
        |read: &&VariantReader<E>| read(&error).is_some_and(|own| own.into().message() == error.message());
    let chosen = match matching.next() {
        None => first,
        Some(_) => coded.iter().find(has_same_message).or(first),
    };
    let coded = chosen.and_then(|read| read(&error));
    coded.or_else(|| transparent.iter().find_map(|read| read(&error))).ok_or(error)
}

/// A function that converts an error object to one variant, if it matches.
pub type VariantReader<E> = fn(&RpcError) -> Option<E>;

/// Whether an error object has this code and no data.
pub fn has_code_alone(error: &RpcError, code: i32) -> bool {
    error.code() == code && error.data().is_none()
}

/// Reads the data of an error object as a `T`, if `T` is `DeserializeOwned`.
#[derive(Debug)]
pub struct DataProbe<T>(PhantomData<T>);

impl<T: DeserializeOwned> DataProbe<T> {
    /// Returns the data of an error object with this code, if it is a `T`.
    pub fn read(error: &RpcError, code: i32) -> Option<T> {
        let data = error.data().filter(|_| error.code() == code)?;
        serde_json::from_str(data.get()).ok()
    }
}

/// The fallback of [`DataProbe`] for types that cannot be deserialized.
pub trait DataFallback<T> {
    /// Returns nothing.
    fn read(_: &RpcError, _: i32) -> Option<T> {
        None
    }
}

impl<T> DataFallback<T> for DataProbe<T> {}

/// Converts an error object to a `T`, the field of a transparent variant, if `T` is `FromRpcError`.
#[derive(Debug)]
pub struct FromRpcErrorProbe<T>(PhantomData<T>);

impl<T: FromRpcError> FromRpcErrorProbe<T> {
    /// Returns the error, if the error object was made from a `T`.
    pub fn recover(error: &RpcError) -> Option<T> {
        T::from_rpc_error(error.clone()).ok()
    }
}

/// The fallback of [`FromRpcErrorProbe`] for types that cannot be converted back.
pub trait FromRpcErrorFallback<T> {
    /// Returns nothing.
    fn recover(_: &RpcError) -> Option<T> {
        None
    }
}

impl<T> FromRpcErrorFallback<T> for FromRpcErrorProbe<T> {}

/// Whether `T` is a `Result`, and whether it has two values that are null in JSON, also under
/// another name.
#[derive(Debug)]
pub struct TypeProbe<T: ?Sized>(PhantomData<T>);

impl<T, E> TypeProbe<Result<T, E>> {
    /// True: `T` is a `Result`.
    pub const IS_RESULT: bool = true;
}

/// The fallback of [`TypeProbe`] for all other types.
pub trait IsResultFallback {
    /// False: `T` is not a `Result`.
    const IS_RESULT: bool = false;
}

impl<T: ?Sized> IsResultFallback for TypeProbe<T> {}

impl<T> TypeProbe<Option<Option<T>>> {
    /// True: `None` and `Some(None)` are both null in JSON.
    pub const HAS_TWO_NULLS: bool = true;
}

impl TypeProbe<Option<()>> {
    /// True: `None` and `Some(())` are both null in JSON.
    pub const HAS_TWO_NULLS: bool = true;
}

/// The fallback of [`TypeProbe`] for all other types.
pub trait TwoNullsFallback {
    /// False: at most one value is null in JSON.
    const HAS_TWO_NULLS: bool = false;
}

impl<T: ?Sized> TwoNullsFallback for TypeProbe<T> {}

/// Lists the errors of `E`, if it is `DescribeErrors`.
#[derive(Debug)]
pub struct ErrorsProbe<E>(PhantomData<E>);

impl<E: DescribeErrors> ErrorsProbe<E> {
    /// Adds the errors of `E` to the list.
    pub fn describe(list: &mut ErrorList<'_>) {
        E::describe(list);
    }
}

/// The fallback of [`ErrorsProbe`] for types that do not list their errors.
pub trait ErrorsFallback {
    /// Adds nothing to the list.
    fn describe(_: &mut ErrorList<'_>) {}
}

impl<E> ErrorsFallback for ErrorsProbe<E> {}

/// Returns the schema of `T`, if it is `JsonSchema`.
#[derive(Debug)]
pub struct SchemaProbe<T>(PhantomData<T>);

impl<T: JsonSchema> SchemaProbe<T> {
    /// Returns the schema of `T`.
    pub fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<T>()
    }
}

/// The fallback of [`SchemaProbe`] for types without a schema.
pub trait SchemaFallback {
    /// Returns the schema that accepts any value.
    fn schema(_: &mut SchemaGenerator) -> Schema {
        true.into()
    }
}

impl<T> SchemaFallback for SchemaProbe<T> {}

/// Returns the schema of an object with these members, all of them required.
pub fn object_schema<const N: usize>(members: [(&str, Schema); N]) -> Schema {
    let names = members.each_ref().map(|(name, _)| *name);
    let properties: serde_json::Map<_, _> =
        members.into_iter().map(|(name, schema)| (name.to_owned(), schema.to_value())).collect();
    json_schema!({ "type": "object", "properties": properties, "required": names.as_slice() })
}

/// Returns the schema of an array with exactly these items.
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
            call.caller()
                .name()
                .map(|name| Self(name.to_owned()))
                .ok_or_else(|| RpcError::new(401, "The caller has no tenant"))
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
    fn handlers_pass_the_state_the_parameters_and_the_injected_parameters() {
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
    fn errors_of_methods_and_of_injected_parameters_become_the_reply() {
        let mut ledger = Ledger::default();
        let rejected = run(&mut ledger, Ledger_Enter { amount: 5 }, Caller::anonymous()).unwrap_err();
        assert_eq!((rejected.code(), ledger.entries.len()), (401, 0), "the method does not run");
        let rejected = run(&mut ledger, Ledger_Sum {}, Caller::anonymous()).unwrap_err();
        assert_eq!(rejected.code(), 401);
        assert_eq!(run(&mut ledger, Ledger_Clear { keep: 13 }, Caller::anonymous()).unwrap_err().code(), 13);
        let internal = run(&mut ledger, Ledger_Enter { amount: 0 }, Caller::named("anna")).unwrap_err();
        assert_eq!(internal.message(), "Internal error");
    }
}

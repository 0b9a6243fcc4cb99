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

mod api;
mod json_probe;
#[cfg(feature = "schemas")]
mod schema_probes;

use std::marker::PhantomData;

#[cfg(feature = "actix-web")]
pub use actix_web;
pub use api::{Access, Api, ApiMethod, api_result, api_value, assert_all_handled};
pub use callbox_macros::EmitItems;
pub use json_probe::{Checked, CheckedType, JsonFallback, JsonProbe};
#[cfg(feature = "schemas")]
pub use schemars;
pub use serde;
use serde::de::{Deserialize, DeserializeOwned, Deserializer};

#[cfg(feature = "actix-web")]
pub use crate::actix::extract;
use crate::from_rpc_error::FromRpcError;
pub use crate::internal_cause::{InternalCause, internal_error};
pub use crate::params::with_rest;
pub use crate::result_alias::ResultAlias;
use crate::rpc_error::RpcError;
pub use crate::rules;
#[cfg(feature = "schemas")]
pub use schema_probes::{ErrorsFallback, ErrorsProbe, SchemaFallback, SchemaProbe, object_schema, tuple_schema};

/// Writes these items if this crate has the feature `schemas`, whoever has switched it on.
#[cfg(feature = "schemas")]
#[macro_export]
#[doc(hidden)]
macro_rules! __with_schemas {
    ($($items:tt)*) => { $($items)* };
}

/// Writes these items if this crate has the feature `schemas`, whoever has switched it on.
#[cfg(not(feature = "schemas"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __with_schemas {
    ($($items:tt)*) => {};
}

pub use __with_schemas as with_schemas;

/// Lets handlers of actix-web take a typed client as a parameter, if this crate has the feature
/// `actix-web`.
#[cfg(feature = "actix-web")]
#[macro_export]
#[doc(hidden)]
macro_rules! __extractor {
    ($client:ident) => {
        #[automatically_derived]
        impl $crate::__private::actix_web::FromRequest for $client {
            type Error = $crate::__private::actix_web::Error;
            type Future = ::std::future::Ready<::std::result::Result<Self, Self::Error>>;

            fn from_request(
                request: &$crate::__private::actix_web::HttpRequest,
                _: &mut $crate::__private::actix_web::dev::Payload,
            ) -> Self::Future {
                ::std::future::ready($crate::__private::extract(request))
            }
        }
    };
}

/// Writes nothing without the feature `actix-web`.
#[cfg(not(feature = "actix-web"))]
#[macro_export]
#[doc(hidden)]
macro_rules! __extractor {
    ($client:ident) => {};
}

pub use __extractor as extractor;

/// Deserializes a parameter that is present as `Some`, even if it is null. serde does not call this
/// for a missing parameter.
///
/// # Errors
/// The error of deserializing the value.
pub fn present_as_some<'de, T: Deserialize<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// An error that a method can return: any type with `Into<RpcError>`. Do not implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the error of a method",
    label = "not `Into<callbox::RpcError>`",
    note = "for an enum: `#[derive(callbox::RpcError)]`, with a code for each variant",
    note = "for the error of another crate: `#[rpc(internal)] Failed(#[rpc(from)] …)`, a variant of an enum of yours",
    note = "or return `callbox::InternalError`, which `?` converts any error into, and which hides it from callers",
    note = "for another type of your crate: implement `From` of it for `callbox::RpcError`"
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

//! Whether the types of parameters and results have the traits that they need.

use std::marker::PhantomData;

#[cfg(feature = "schemas")]
use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Whether `T` has the traits that parameters and results need.
#[derive(Debug)]
pub struct JsonProbe<T: ?Sized>(PhantomData<T>);

impl<T: Serialize + ?Sized> JsonProbe<T> {
    /// True: `T` can be written as JSON.
    pub const IS_WRITTEN: bool = true;
}

impl<T: DeserializeOwned> JsonProbe<T> {
    /// True: `T` can be read from JSON.
    pub const IS_READ: bool = true;
}

#[cfg(feature = "schemas")]
impl<T: JsonSchema + ?Sized> JsonProbe<T> {
    /// True: `T` has a schema.
    pub const IS_DESCRIBED: bool = true;
}

#[cfg(not(feature = "schemas"))]
impl<T: ?Sized> JsonProbe<T> {
    /// True: nobody asks for a schema.
    pub const IS_DESCRIBED: bool = true;
}

/// The fallback of [`JsonProbe`] for all other types.
pub trait JsonFallback {
    /// False: `T` has no `Serialize`.
    const IS_WRITTEN: bool = false;
    /// False: `T` has no `DeserializeOwned`.
    const IS_READ: bool = false;
    /// False: `T` has no `JsonSchema`.
    const IS_DESCRIBED: bool = false;
}

impl<T: ?Sized> JsonFallback for JsonProbe<T> {}

/// A type that was checked by the constant. If the check panics, the compiler reports that, and no
/// error that follows from it.
#[derive(Debug)]
pub struct Checked<const PASSED: bool>;

/// Returns the type that was checked.
pub trait CheckedType<T: ?Sized> {
    /// The type itself.
    type Type: ?Sized;
}

impl<T: ?Sized> CheckedType<T> for Checked<true> {
    type Type = T;
}

//! Checks whether a value can be represented in JSON, without writing it.
//!
//! Calls within the process pass values as they are, and must not accept what a call from outside
//! could not send. For a type without floats and maps there is nothing to check, and the compiler
//! removes the search. `write` writes the values that can be.

#[cfg(test)]
mod tests;
mod write;

use std::borrow::Cow;
use std::fmt::{self, Display};

use serde::ser::{
    Error, Impossible, Serialize, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};
use serde_json::Value;

pub use write::write;

/// Checks that a value can be represented in JSON. It cannot if it has a number that JSON does not
/// have, or a key that serde_json does not write as a string, or if its `Serialize` implementation
/// fails.
///
/// # Errors
/// In the cases in which writing the value fails, except for a `Display` implementation that fails.
#[inline]
pub fn check<T: Serialize + ?Sized>(value: &T) -> Result<(), Unrepresentable> {
    value.serialize(ValueChecker)
}

/// Why a value cannot be represented in JSON. In a box, because it is passed up from each level of
/// the value.
#[derive(Debug)]
pub struct Unrepresentable(Box<UnrepresentableCause>);

#[derive(Debug)]
struct UnrepresentableCause {
    reason: String,
    is_number: bool,
    /// Names of the fields and keys around the value, innermost first.
    fields: Vec<Cow<'static, str>>,
}

impl Unrepresentable {
    /// Returns the outermost field around the value: in a message, the parameter.
    pub fn field(&self) -> Option<&str> {
        self.0.fields.last().map(AsRef::as_ref)
    }

    /// Returns why the value cannot be represented.
    pub fn reason(&self) -> &str {
        &self.0.reason
    }

    /// Whether the value is a number that JSON does not have.
    pub fn is_number(&self) -> bool {
        self.0.is_number
    }

    #[cold]
    fn within(mut self, field: impl Into<Cow<'static, str>>) -> Self {
        self.0.fields.push(field.into());
        self
    }

    #[cold]
    fn within_key<K: Serialize + ?Sized>(self, key: &K) -> Self {
        match serde_json::to_value(key) {
            Ok(Value::String(key)) => self.within(key),
            Ok(key) => self.within(key.to_string()),
            Err(_) => self,
        }
    }
}

impl Display for Unrepresentable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for field in self.0.fields.iter().rev() {
            write!(f, "{field}: ")?;
        }
        f.write_str(&self.0.reason)
    }
}

impl std::error::Error for Unrepresentable {}

impl Error for Unrepresentable {
    #[cold]
    fn custom<T: Display>(reason: T) -> Self {
        Self(Box::new(UnrepresentableCause { reason: reason.to_string(), is_number: false, fields: Vec::new() }))
    }
}

#[cold]
fn not_finite(value: f64) -> Unrepresentable {
    let mut error = Unrepresentable::custom(format_args!("JSON has no number {value}"));
    error.0.is_number = true;
    error
}

#[cold]
fn not_a_key() -> Unrepresentable {
    Unrepresentable::custom("a key of a JSON object is a string")
}

/// Checks a value and those in it.
struct ValueChecker;

/// Checks the key of a map.
struct KeyChecker;

macro_rules! accept {
    ($($name:ident($($ty:ty)?))*) => {$(
        #[inline]
        fn $name(self $(, _: $ty)?) -> Result<(), Unrepresentable> {
            Ok(())
        }
    )*};
}

macro_rules! reject_key {
    ($($name:ident($($ty:ty),*) -> $part:ty;)*) => {$(
        #[inline]
        fn $name(self $(, _: $ty)*) -> Result<$part, Unrepresentable> {
            Err(not_a_key())
        }
    )*};
}

/// What both serializers have in common.
macro_rules! scalars {
    () => {
        type Ok = ();
        type Error = Unrepresentable;

        accept! {
            serialize_bool(bool)
            serialize_i8(i8) serialize_i16(i16) serialize_i32(i32) serialize_i64(i64) serialize_i128(i128)
            serialize_u8(u8) serialize_u16(u16) serialize_u32(u32) serialize_u64(u64) serialize_u128(u128)
            serialize_char(char) serialize_str(&str)
        }

        #[inline]
        fn serialize_f32(self, value: f32) -> Result<(), Unrepresentable> {
            if value.is_finite() { Ok(()) } else { Err(not_finite(value.into())) }
        }

        #[inline]
        fn serialize_f64(self, value: f64) -> Result<(), Unrepresentable> {
            if value.is_finite() { Ok(()) } else { Err(not_finite(value)) }
        }

        #[inline]
        fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Unrepresentable> {
            value.serialize(self)
        }

        #[inline]
        fn serialize_unit_variant(self, _: &'static str, _: u32, _: &'static str) -> Result<(), Unrepresentable> {
            Ok(())
        }

        #[inline]
        fn serialize_newtype_struct<T: Serialize + ?Sized>(
            self,
            _: &'static str,
            value: &T,
        ) -> Result<(), Unrepresentable> {
            value.serialize(self)
        }

        #[inline]
        fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), Unrepresentable> {
            Ok(())
        }
    };
}

macro_rules! parts {
    ($($name:ident($($ty:ty),*) -> $part:ident;)*) => {$(
        #[inline]
        fn $name(self $(, _: $ty)*) -> Result<Self::$part, Unrepresentable> {
            Ok(self)
        }
    )*};
}

impl Serializer for ValueChecker {
    type SerializeSeq = Self;
    type SerializeTuple = Self;
    type SerializeTupleStruct = Self;
    type SerializeTupleVariant = Self;
    type SerializeMap = Self;
    type SerializeStruct = Self;
    type SerializeStructVariant = Self;

    scalars!();

    accept! { serialize_bytes(&[u8]) serialize_none() serialize_unit() serialize_unit_struct(&'static str) }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<(), Unrepresentable> {
        check(value).map_err(|error| error.within(variant))
    }

    parts! {
        serialize_seq(Option<usize>) -> SerializeSeq;
        serialize_tuple(usize) -> SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> SerializeTupleVariant;
        serialize_map(Option<usize>) -> SerializeMap;
        serialize_struct(&'static str, usize) -> SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> SerializeStructVariant;
    }
}

impl Serializer for KeyChecker {
    type SerializeSeq = Impossible<(), Unrepresentable>;
    type SerializeTuple = Impossible<(), Unrepresentable>;
    type SerializeTupleStruct = Impossible<(), Unrepresentable>;
    type SerializeTupleVariant = Impossible<(), Unrepresentable>;
    type SerializeMap = Impossible<(), Unrepresentable>;
    type SerializeStruct = Impossible<(), Unrepresentable>;
    type SerializeStructVariant = Impossible<(), Unrepresentable>;

    scalars!();

    reject_key! {
        serialize_bytes(&[u8]) -> ();
        serialize_none() -> ();
        serialize_unit() -> ();
        serialize_unit_struct(&'static str) -> ();
        serialize_seq(Option<usize>) -> Self::SerializeSeq;
        serialize_tuple(usize) -> Self::SerializeTuple;
        serialize_tuple_struct(&'static str, usize) -> Self::SerializeTupleStruct;
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Self::SerializeTupleVariant;
        serialize_map(Option<usize>) -> Self::SerializeMap;
        serialize_struct(&'static str, usize) -> Self::SerializeStruct;
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Self::SerializeStructVariant;
    }

    #[inline]
    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Unrepresentable> {
        Err(not_a_key())
    }
}

macro_rules! elements {
    ($($part:ident::$add:ident)*) => {$(
        impl $part for ValueChecker {
            type Ok = ();
            type Error = Unrepresentable;

            #[inline]
            fn $add<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unrepresentable> {
                check(value)
            }

            #[inline]
            fn end(self) -> Result<(), Unrepresentable> {
                Ok(())
            }
        }
    )*};
}

elements! {
    SerializeSeq::serialize_element
    SerializeTuple::serialize_element
    SerializeTupleStruct::serialize_field
    SerializeTupleVariant::serialize_field
}

macro_rules! fields {
    ($($part:ident)*) => {$(
        impl $part for ValueChecker {
            type Ok = ();
            type Error = Unrepresentable;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), Unrepresentable> {
                check(value).map_err(|error| error.within(name))
            }

            #[inline]
            fn end(self) -> Result<(), Unrepresentable> {
                Ok(())
            }
        }
    )*};
}

fields! { SerializeStruct SerializeStructVariant }

impl SerializeMap for ValueChecker {
    type Ok = ();
    type Error = Unrepresentable;

    #[inline]
    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), Unrepresentable> {
        key.serialize(KeyChecker)
    }

    #[inline]
    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), Unrepresentable> {
        check(value)
    }

    #[inline]
    fn serialize_entry<K: Serialize + ?Sized, V: Serialize + ?Sized>(
        &mut self,
        key: &K,
        value: &V,
    ) -> Result<(), Unrepresentable> {
        key.serialize(KeyChecker)?;
        check(value).map_err(|error| error.within_key(key))
    }

    #[inline]
    fn end(self) -> Result<(), Unrepresentable> {
        Ok(())
    }
}

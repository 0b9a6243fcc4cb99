//! Reads the parameters of a call, from raw JSON directly into its message.

mod error_path;
mod error_text;
mod json_path;
mod map_access;
mod rest_errors;
mod rest_params;
mod sent_value;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fmt::Display;

use serde::de::{self, Deserializer, IgnoredAny, Visitor};
use serde::forward_to_deserialize_any;

use crate::message::Message;
use crate::representable::check;
use crate::rpc_error::RpcError;

use map_access::{AllowedNames, ParamFilter, ParamsVisitor, ReadProgress, UnknownNames};
use rest_params::{MessageParts, RestEnumVisitor, WITH_REST};

pub use rest_params::with_rest;

/// Reads the message of a method from the parameters of a call, by name or by position, and checks
/// the rules of the parameters.
///
/// # Errors
/// Returns -32602. Its data has the `reason`, and the `param` if one parameter is the cause.
pub fn read<M: Message>(params: Option<&str>) -> Result<M, RpcError> {
    // Missing parameters are read as an empty object.
    let json = params.filter(|json| *json != "null").unwrap_or("{}");
    let message: M = read_with(json, None, UnknownNames::Reject).map_err(|invalid| explain::<M>(invalid, json))?;
    message.validate()?;
    Ok(message)
}

/// Maximum size of parameters, in bytes, that are read again several times to find the cause of an
/// error. It bounds the work that an invalid call can cause.
const MAX_BYTES_OF_REREAD: usize = 16 * 1024;

/// Adds to an error where it is in the parameters. It reads them again, with less or more in them.
#[cold]
fn explain<M: Message>(invalid: InvalidParams, json: &str) -> InvalidParams {
    let read_first = |rest| {
        let filter = ParamFilter { positions: M::PARAMS, includes_named: true, rest };
        read_with::<M>(json, Some(filter), UnknownNames::Reject).err()
    };
    let read_again = |json: &str| read_with::<M>(json, None, UnknownNames::Reject).err();
    let read_known = || read_with::<M>(json, None, UnknownNames::Skip).err();
    let invalid = rest_errors::find_param(invalid, json, M::PARAMS, &read_first);
    let invalid = error_path::complete(invalid, json, M::PARAMS, &|| error_path::path_of_error::<M>(json), &read_again);
    error_path::name_missing(invalid, &read_known)
}

/// Reads a message from all parameters, or from those that pass a filter.
fn read_with<M: Message>(json: &str, filter: Option<ParamFilter>, unknown: UnknownNames) -> Result<M, InvalidParams> {
    let takes_rest = Cell::new(false);
    let read = M::deserialize(Params { json, positions: M::PARAMS, filter, unknown, takes_rest: &takes_rest });
    let message = read.map_err(|mut invalid| {
        invalid.0.in_rest &= takes_rest.get();
        invalid
    })?;
    // Where serde buffers a value before it reads it (in the rest, or in a tagged enum), it turns a
    // number that is too large for an `f32` into an infinity.
    if let Err(error) = check(&message)
        && error.is_number()
    {
        let mut invalid = InvalidParams::new(error.field(), rest_errors::OUT_OF_RANGE, "");
        invalid.0.in_rest = takes_rest.get();
        return Err(invalid);
    }
    Ok(message)
}

/// The deserializer of a message: presents parameters as a map of names to values, also when they
/// are an array.
///
/// serde_json reads the values themselves, so only the outermost level has the errors of this
/// module.
#[derive(Clone, Copy)]
struct Params<'a, 'de> {
    json: &'de str,
    positions: &'static [&'static str],
    /// The parameters to present, if not all.
    filter: Option<ParamFilter>,
    unknown: UnknownNames,
    /// Set when the message turns out to take the rest.
    takes_rest: &'a Cell<bool>,
}

impl<'de> Params<'_, 'de> {
    fn visit<V: Visitor<'de>>(self, names: AllowedNames<'de>, visitor: V) -> Result<V::Value, InvalidParams> {
        if self.is_rest() && self.json.starts_with('[') {
            return visitor.visit_map(rest_params::no_rest());
        }
        let mut json = serde_json::Deserializer::from_str(self.json);
        let mut progress = ReadProgress::new(names, self.json, self.filter, self.unknown);
        let bridge = ParamsVisitor { visitor, positions: self.positions, progress: &mut progress };
        let read = if self.json.starts_with('[') { json.deserialize_seq(bridge) } else { json.deserialize_map(bridge) };
        read.map_err(|error| progress.failure.unwrap_or_else(|| InvalidParams::new(None, error, self.json)))
    }
}

impl<'de> Deserializer<'de> for Params<'_, 'de> {
    type Error = InvalidParams;

    /// A derived struct lists its fields, so any other name is an error.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InvalidParams> {
        self.visit(AllowedNames::Only(fields), visitor)
    }

    /// A derived struct asks for a map if it has a flattened field, which takes all other names.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidParams> {
        self.takes_rest.set(true);
        self.visit(AllowedNames::any(), visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, InvalidParams> {
        self.visit(AllowedNames::Only(&[]), IgnoredAny)?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, InvalidParams> {
        if name == WITH_REST { visitor.visit_seq(MessageParts::new(self)) } else { visitor.visit_newtype_struct(self) }
    }

    /// A rest of type `Option` is `Some` if any parameter belongs to the rest.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidParams> {
        if !self.is_rest() {
            self.deserialize_any(visitor)
        } else if self.has_rest() {
            visitor.visit_some(self)
        } else {
            visitor.visit_none()
        }
    }

    /// A rest whose type is an enum has one parameter, which is the variant.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InvalidParams> {
        if !self.is_rest() {
            return self.deserialize_any(visitor);
        }
        if !self.has_rest() {
            return Err(InvalidParams::new(None, "expected one of the variants", ""));
        }
        self.visit(AllowedNames::any(), RestEnumVisitor(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// The error of reading a message. Boxed, because reading moves each value as a `Result` with this
/// error, and the box keeps that small.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.reason)]
struct InvalidParams(Box<ParamError>);

/// The error in words for the caller.
#[derive(Debug)]
struct ParamError {
    param: Option<String>,
    reason: String,
    /// Whether a value of the rest may have caused the error. serde reads these only after it has
    /// buffered all of them, so it does not know which one.
    in_rest: bool,
}

impl InvalidParams {
    /// Makes the error from an error of reading this JSON.
    fn new(param: Option<&str>, cause: impl Display, json: &str) -> Self {
        let (param, reason) = (param.map(error_text::shorten), error_text::in_words(&cause.to_string(), json));
        Self(Box::new(ParamError { param, reason, in_rest: false }))
    }

    /// Makes the error of one parameter from an error of reading this JSON: its value, or an object
    /// that has the value.
    #[cold]
    fn of_param(param: &str, cause: impl Display, json: &str, is_value: bool) -> Self {
        let cause = cause.to_string();
        let mut invalid = Self::new(Some(param), &cause, json);
        // serde_json reads only a part of such a number, so the error is raised at what follows it.
        if json.len() <= MAX_BYTES_OF_REREAD
            && let Some(number) = error_text::partly_read_number(&cause, json)
        {
            let path = json_path::path_to(json, number);
            let within = path.get(usize::from(!is_value)..).unwrap_or_default();
            invalid.0.param = Some(json_path::text(param, within));
        }
        invalid
    }
}

impl de::Error for InvalidParams {
    fn custom<T: Display>(cause: T) -> Self {
        let mut invalid = Self::new(None, cause, "");
        invalid.0.in_rest = true;
        invalid
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(Some(name), "missing", "")
    }

    /// The variant of an enum in the rest is the name of a parameter.
    fn unknown_variant(name: &str, _expected: &'static [&'static str]) -> Self {
        Self::new(Some(name), "unknown", "")
    }

    fn unknown_field(name: &str, _expected: &'static [&'static str]) -> Self {
        Self::new(Some(name), "unknown", "")
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::new(Some(name), "given twice", "")
    }
}

impl From<InvalidParams> for RpcError {
    fn from(invalid: InvalidParams) -> Self {
        Self::invalid_params(invalid.0.param.as_deref(), &invalid.0.reason)
    }
}

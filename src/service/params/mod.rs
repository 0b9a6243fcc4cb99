//! From the parameters of a call, as raw JSON, straight into its message.

mod access;
mod blame;
mod came;
mod reason;
mod rest;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::fmt::Display;

use serde::de::{self, Deserializer, IgnoredAny, Visitor};
use serde::forward_to_deserialize_any;

use crate::jsonrpc::{RpcError, check};

use super::Message;
use access::{Bridge, Choice, Names, Progress};
use rest::{Halves, OneOf, WITH_REST};

pub use rest::with_rest;

/// Reads the message of a method from the parameters of a call, by name or by position.
///
/// # Errors
/// -32602, whose data has a `reason` and, where one is to blame, the `param`.
pub(crate) fn read<M: Message>(params: Option<&str>) -> Result<M, RpcError> {
    // No parameters are an object without any.
    let json = params.filter(|json| *json != "null").unwrap_or("{}");
    let first = |rest| {
        let choice = Choice { positions: M::PARAMS, sees_positions: true, rest };
        read_with::<M>(json, Some(choice)).err()
    };
    read_with(json, None).map_err(|invalid| blame::among_the_rest(invalid, json, M::PARAMS, &first).into())
}

/// Reads a message from the parameters, or from those of a choice.
fn read_with<M: Message>(json: &str, choice: Option<Choice>) -> Result<M, InvalidParams> {
    let takes_rest = Cell::new(false);
    let read = M::deserialize(Params { json, positions: M::PARAMS, choice, takes_rest: &takes_rest });
    let message = read.map_err(|mut invalid| {
        invalid.0.in_rest &= takes_rest.get();
        invalid
    })?;
    // Among the rest, and wherever a type looks at a value before it reads it (a tagged enum, say),
    // serde makes an infinity of a number that is too large for an `f32`.
    if let Err(error) = check(&message)
        && error.is_number()
    {
        let mut invalid = InvalidParams::new(error.field(), blame::OUT_OF_RANGE, "");
        invalid.0.in_rest = takes_rest.get();
        return Err(invalid);
    }
    Ok(message)
}

/// Presents parameters to a message type as a map of names to values, also when they are an array.
///
/// The values themselves are read by serde_json, so only the outermost level has the errors of this module.
#[derive(Clone, Copy)]
struct Params<'a, 'de> {
    json: &'de str,
    positions: &'static [&'static str],
    /// Which ones to present, if not all.
    choice: Option<Choice>,
    /// Whether the message takes the rest, once that is known.
    takes_rest: &'a Cell<bool>,
}

impl<'de> Params<'_, 'de> {
    fn visit<V: Visitor<'de>>(self, names: Names<'de>, visitor: V) -> Result<V::Value, InvalidParams> {
        if self.is_rest() && self.json.starts_with('[') {
            return visitor.visit_map(rest::none());
        }
        let mut json = serde_json::Deserializer::from_str(self.json);
        let mut progress = Progress::new(names, self.json, self.choice);
        let bridge = Bridge { visitor, positions: self.positions, progress: &mut progress };
        let read = if self.json.starts_with('[') { json.deserialize_seq(bridge) } else { json.deserialize_map(bridge) };
        read.map_err(|error| progress.failure.unwrap_or_else(|| InvalidParams::new(None, error, self.json)))
    }
}

impl<'de> Deserializer<'de> for Params<'_, 'de> {
    type Error = InvalidParams;

    /// A derived struct says what it knows, so all else is a mistake.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, InvalidParams> {
        self.visit(Names::Only(fields), visitor)
    }

    /// A derived struct asks for a map if it has a flattened field, which takes whatever is left.
    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidParams> {
        self.takes_rest.set(true);
        self.visit(Names::any(), visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, InvalidParams> {
        self.visit(Names::Only(&[]), IgnoredAny)?;
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, InvalidParams> {
        if name == WITH_REST { visitor.visit_seq(Halves::new(self)) } else { visitor.visit_newtype_struct(self) }
    }

    /// The rest is there if there is any of it.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, InvalidParams> {
        if !self.is_rest() {
            self.deserialize_any(visitor)
        } else if self.has_rest() {
            visitor.visit_some(self)
        } else {
            visitor.visit_none()
        }
    }

    /// The rest is one of several.
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
        self.visit(Names::any(), OneOf(visitor))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit seq tuple
        tuple_struct map identifier ignored_any
    }
}

/// Why parameters do not make a message. In a box, because each value that is read is moved as a `Result` with this error.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.reason)]
struct InvalidParams(Box<Blame>);

/// In words for the caller.
#[derive(Debug)]
struct Blame {
    param: Option<String>,
    reason: String,
    /// Whether a value among the rest may be to blame, which serde reads when all of them have been
    /// taken in.
    in_rest: bool,
}

impl InvalidParams {
    /// The cause is an error of reading this JSON.
    fn new(param: Option<&str>, cause: impl Display, json: &str) -> Self {
        let (param, reason) = (param.map(reason::shorten), reason::in_words(&cause.to_string(), json));
        Self(Box::new(Blame { param, reason, in_rest: false }))
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

    /// A variant stands where a parameter's name does.
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

//! From the parameters of a call, as raw JSON, straight into its message.

mod access;
mod reason;
#[cfg(test)]
mod rows;
#[cfg(test)]
mod tests;

use std::fmt::Display;

use serde::de::{self, Deserializer, IgnoredAny, Visitor};
use serde::forward_to_deserialize_any;

use crate::jsonrpc::RpcError;

use super::Method;
use access::{Bridge, Names, Progress};

/// Reads the message of a method from the parameters of a call, by name or by position.
///
/// # Errors
/// -32602, whose data has a `reason` and, where one is to blame, the `param`.
pub(crate) fn read<M: Method>(params: Option<&str>) -> Result<M, RpcError> {
    // No parameters are an object without any.
    let json = params.filter(|json| *json != "null").unwrap_or("{}");
    M::deserialize(Params { json, positions: M::PARAMS }).map_err(InvalidParams::into)
}

/// Presents parameters to a message type as a map of names to values, also when they are an array.
///
/// The values themselves are read by serde_json, so only the outermost level has the errors of this module.
struct Params<'de> {
    json: &'de str,
    positions: &'static [&'static str],
}

impl<'de> Params<'de> {
    fn visit<V: Visitor<'de>>(self, names: Names<'de>, visitor: V) -> Result<V::Value, InvalidParams> {
        let mut json = serde_json::Deserializer::from_str(self.json);
        let mut progress = Progress::new(names);
        let bridge = Bridge { visitor, positions: self.positions, progress: &mut progress };
        let read = if self.json.starts_with('[') { json.deserialize_seq(bridge) } else { json.deserialize_map(bridge) };
        read.map_err(|error| progress.failure.unwrap_or_else(|| InvalidParams::new(None, error)))
    }
}

impl<'de> Deserializer<'de> for Params<'de> {
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
        _name: &'static str,
        visitor: V,
    ) -> Result<V::Value, InvalidParams> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit seq tuple
        tuple_struct map enum identifier ignored_any
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
}

impl InvalidParams {
    fn new(param: Option<&str>, cause: impl Display) -> Self {
        let (param, reason) = (param.map(reason::shorten), reason::in_words(&cause.to_string()));
        Self(Box::new(Blame { param, reason }))
    }
}

impl de::Error for InvalidParams {
    fn custom<T: Display>(cause: T) -> Self {
        Self::new(None, cause)
    }

    fn missing_field(name: &'static str) -> Self {
        Self::new(Some(name), "missing")
    }

    fn unknown_field(name: &str, _expected: &'static [&'static str]) -> Self {
        Self::new(Some(name), "unknown")
    }

    fn duplicate_field(name: &'static str) -> Self {
        Self::new(Some(name), "given twice")
    }
}

impl From<InvalidParams> for RpcError {
    fn from(invalid: InvalidParams) -> Self {
        Self::invalid_params(invalid.0.param.as_deref(), &invalid.0.reason)
    }
}

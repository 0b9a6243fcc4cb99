//! Messages with a field for the rest of the parameters (`#[param(rest)]`).
//!
//! serde's `flatten` buffers all values before it reads them. After that it no longer knows which
//! value caused an error, which names a struct has, or how large an integer was. So the macro
//! writes such a message in two parts, which are read one after the other from the same JSON: the
//! parameters with positions, and the rest.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::map_access::{ParamFilter, UnknownNames};
use super::{InvalidParams, Params, rest_errors};

/// The name by which such a message asks the deserializer for its two parts. No type has this name.
pub(super) const WITH_REST: &str = "$callbox::with_rest";

/// Reads both parts of a message: a struct of the parameters at these positions, and the rest.
///
/// # Errors
/// Returns an error if the parameters are not JSON, or do not fit their types.
pub fn with_rest<'de, D, N, R>(deserializer: D, positions: &'static [&'static str]) -> Result<(N, R), D::Error>
where
    D: Deserializer<'de>,
    N: DeserializeOwned,
    R: DeserializeOwned,
{
    deserializer.deserialize_newtype_struct(WITH_REST, WithRest { positions, parts: PhantomData })
}

/// Reads the two parts of a message.
struct WithRest<N, R> {
    positions: &'static [&'static str],
    parts: PhantomData<fn() -> (N, R)>,
}

impl<'de, N: DeserializeOwned, R: DeserializeOwned> Visitor<'de> for WithRest<N, R> {
    type Value = (N, R);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    /// Reads the parts from the parameters of a call, where `Params` is the deserializer.
    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<(N, R), A::Error> {
        let mut missing = || A::Error::invalid_length(0, &"two parts");
        let named = parts.next_element()?.ok_or_else(&mut missing)?;
        let rest = parts.next_element()?.ok_or_else(missing)?;
        Ok((named, rest))
    }

    /// Reads the parts with any other deserializer.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(N, R), D::Error> {
        let json: Box<RawValue> = serde::Deserialize::deserialize(deserializer)?;
        let takes_rest = Cell::new(false);
        let (json, positions, unknown) = (json.get(), self.positions, UnknownNames::Reject);
        let parts = MessageParts::new(Params { json, positions, filter: None, unknown, takes_rest: &takes_rest });
        self.visit_seq(parts).map_err(|InvalidParams(error)| match error.param {
            Some(param) => D::Error::custom(format_args!("`{param}`: {}", error.reason)),
            None => D::Error::custom(error.reason),
        })
    }
}

/// The two parts of a message as a sequence: the parameters with positions, then the rest.
pub(super) struct MessageParts<'a, 'de> {
    params: Params<'a, 'de>,
    next: Option<MessagePart>,
}

#[derive(Clone, Copy)]
enum MessagePart {
    Named,
    Rest,
}

impl<'a, 'de> MessageParts<'a, 'de> {
    pub(super) fn new(params: Params<'a, 'de>) -> Self {
        Self { params, next: Some(MessagePart::Named) }
    }
}

impl<'de> SeqAccess<'de> for MessageParts<'_, 'de> {
    type Error = InvalidParams;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, InvalidParams> {
        let Some(part) = self.next else { return Ok(None) };
        let positions = self.params.positions;
        let filter = match part {
            MessagePart::Named => ParamFilter { positions, includes_named: true, rest: 0 },
            MessagePart::Rest => {
                let rest = self.params.filter.map_or(usize::MAX, |filter| filter.rest);
                ParamFilter { positions, includes_named: false, rest }
            }
        };
        self.next = match part {
            MessagePart::Named => Some(MessagePart::Rest),
            MessagePart::Rest => None,
        };
        seed.deserialize(Params { filter: Some(filter), ..self.params }).map(Some)
    }
}

impl Params<'_, '_> {
    /// Whether this is the second part, the rest.
    pub(super) fn is_rest(&self) -> bool {
        self.filter.is_some_and(|filter| !filter.includes_named)
    }

    /// Whether there are parameters without positions.
    pub(super) fn has_rest(&self) -> bool {
        let members = rest_errors::members(self.json).unwrap_or_default();
        members.iter().any(|(name, _)| !self.positions.contains(&name.as_str()))
    }
}

/// Returns the rest of parameters in an array, which is always empty.
pub(super) fn no_rest<'de>() -> impl MapAccess<'de, Error = InvalidParams> {
    MapDeserializer::new(std::iter::empty::<(&str, &str)>())
}

/// Adapts the visitor of an enum: its variant is the name of the only parameter.
pub(super) struct RestEnumVisitor<V>(pub(super) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for RestEnumVisitor<V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one of the variants")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<V::Value, A::Error> {
        let value = self.0.visit_enum(MapAccessDeserializer::new(&mut map))?;
        match map.next_key::<String>()? {
            Some(second) => Err(A::Error::unknown_field(&second, &[])),
            None => Ok(value),
        }
    }
}

//! Messages of which one field takes the rest of the parameters.
//!
//! serde's `flatten` takes in all values before it reads them, and then no longer knows whose a
//! mistake is, which names a struct has, or how large an integer was. So the macro writes such a
//! message as two halves, which are read one after the other from the same JSON: the parameters
//! that have positions, and the rest.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::access::Choice;
use super::{InvalidParams, Params, blame};

/// What such a message asks for, by the name of a type that nobody has.
pub(super) const WITH_REST: &str = "$callbox::with_rest";

/// Reads both halves of a message: a struct of the parameters at these positions, and the rest.
///
/// # Errors
/// Those of the parameters, and if they are no JSON.
pub fn with_rest<'de, D, N, R>(deserializer: D, positions: &'static [&'static str]) -> Result<(N, R), D::Error>
where
    D: Deserializer<'de>,
    N: DeserializeOwned,
    R: DeserializeOwned,
{
    deserializer.deserialize_newtype_struct(WITH_REST, WithRest { positions, halves: PhantomData })
}

struct WithRest<N, R> {
    positions: &'static [&'static str],
    halves: PhantomData<fn() -> (N, R)>,
}

impl<'de, N: DeserializeOwned, R: DeserializeOwned> Visitor<'de> for WithRest<N, R> {
    type Value = (N, R);

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    /// From the parameters of a call.
    fn visit_seq<A: SeqAccess<'de>>(self, mut halves: A) -> Result<(N, R), A::Error> {
        let mut missing = || A::Error::invalid_length(0, &"two halves");
        let named = halves.next_element()?.ok_or_else(&mut missing)?;
        let rest = halves.next_element()?.ok_or_else(missing)?;
        Ok((named, rest))
    }

    /// From any other JSON.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(N, R), D::Error> {
        let json: Box<RawValue> = serde::Deserialize::deserialize(deserializer)?;
        let takes_rest = Cell::new(false);
        let (json, positions) = (json.get(), self.positions);
        let halves = Halves::new(Params { json, positions, choice: None, takes_rest: &takes_rest });
        self.visit_seq(halves).map_err(|InvalidParams(blame)| match blame.param {
            Some(param) => D::Error::custom(format_args!("`{param}`: {}", blame.reason)),
            None => D::Error::custom(blame.reason),
        })
    }
}

/// The parameters that have positions, and then the others.
pub(super) struct Halves<'a, 'de> {
    params: Params<'a, 'de>,
    next: Option<Half>,
}

#[derive(Clone, Copy)]
enum Half {
    Named,
    Rest,
}

impl<'a, 'de> Halves<'a, 'de> {
    pub(super) fn new(params: Params<'a, 'de>) -> Self {
        Self { params, next: Some(Half::Named) }
    }
}

impl<'de> SeqAccess<'de> for Halves<'_, 'de> {
    type Error = InvalidParams;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, InvalidParams> {
        let Some(half) = self.next else { return Ok(None) };
        let positions = self.params.positions;
        let choice = match half {
            Half::Named => Choice { positions, sees_positions: true, rest: 0 },
            Half::Rest => {
                let rest = self.params.choice.map_or(usize::MAX, |choice| choice.rest);
                Choice { positions, sees_positions: false, rest }
            }
        };
        self.next = match half {
            Half::Named => Some(Half::Rest),
            Half::Rest => None,
        };
        seed.deserialize(Params { choice: Some(choice), ..self.params }).map(Some)
    }
}

impl Params<'_, '_> {
    /// Whether this is the second half.
    pub(super) fn is_rest(&self) -> bool {
        self.choice.is_some_and(|choice| !choice.sees_positions)
    }

    /// Whether there are parameters that have no position.
    pub(super) fn has_rest(&self) -> bool {
        let members = blame::members(self.json).unwrap_or_default();
        members.iter().any(|(name, _)| !self.positions.contains(&name.as_str()))
    }
}

/// The rest of parameters that are an array.
pub(super) fn none<'de>() -> impl MapAccess<'de, Error = InvalidParams> {
    MapDeserializer::new(std::iter::empty::<(&str, &str)>())
}

/// Carries the visitor of an enum over: its variant is the name of the one parameter.
pub(super) struct OneOf<V>(pub(super) V);

impl<'de, V: Visitor<'de>> Visitor<'de> for OneOf<V> {
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

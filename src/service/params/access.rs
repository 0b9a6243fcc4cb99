//! Objects and arrays of parameters as the map that a message's visitor walks, with every mistake put down to a parameter.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::InvalidParams;

/// Which names parameters may have.
pub(super) enum Names<'de> {
    /// These; the message itself notices one given twice.
    Only(&'static [&'static str]),
    /// Any, each once: a message that takes the rest would silently keep the last of two.
    Any { given: HashSet<Cow<'de, str>> },
}

impl<'de> Names<'de> {
    pub(super) fn any() -> Self {
        Self::Any { given: HashSet::new() }
    }

    fn admit(&mut self, name: Cow<'de, str>) -> Result<(), InvalidParams> {
        match self {
            Self::Only(names) if names.contains(&&*name) => Ok(()),
            Self::Only(_) => Err(InvalidParams::new(Some(&name), "unknown")),
            Self::Any { given } => match given.replace(name) {
                None => Ok(()),
                Some(name) => Err(InvalidParams::new(Some(&name), "given twice")),
            },
        }
    }
}

/// Carries a message's visitor over to serde_json, and its error back: serde_json's own error has no room for the
/// parameter.
pub(super) struct Bridge<'a, 'de, V> {
    pub(super) visitor: V,
    pub(super) positions: &'static [&'static str],
    pub(super) names: Names<'de>,
    pub(super) failure: &'a mut Option<InvalidParams>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Bridge<'_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let named = Named { map, names: self.names, current: Cow::Borrowed("") };
        self.visitor.visit_map(named).map_err(|failure| {
            *self.failure = Some(failure);
            A::Error::custom("")
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        let positional = Positional { seq, names: self.positions, taken: 0, value: None };
        self.visitor.visit_map(positional).map_err(|failure| {
            *self.failure = Some(failure);
            A::Error::custom("")
        })
    }
}

/// An object of parameters.
struct Named<'de, A> {
    map: A,
    names: Names<'de>,
    current: Cow<'de, str>,
}

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de, A: MapAccess<'de>> Named<'de, A> {
    /// The next name. Not a part of `next_key_seed`, which is generated anew for each method.
    fn next_name(&mut self) -> Result<Option<&str>, InvalidParams> {
        let Some(Name(name)) = self.map.next_key().map_err(|error| InvalidParams::new(None, error))? else {
            return Ok(None);
        };
        self.current = name;
        self.names.admit(self.current.clone())?;
        Ok(Some(&self.current))
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Named<'de, A> {
    type Error = InvalidParams;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, InvalidParams> {
        let Some(name) = self.next_name()? else { return Ok(None) };
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, InvalidParams> {
        self.map.next_value_seed(seed).map_err(|error| InvalidParams::new(Some(&self.current), error))
    }
}

/// An array of parameters, named by their positions.
struct Positional<'de, A> {
    seq: A,
    names: &'static [&'static str],
    taken: usize,
    /// Read raw before its name is given out, since an array does not tell beforehand whether it goes on.
    value: Option<(&'static str, &'de RawValue)>,
}

impl<'de, A: SeqAccess<'de>> Positional<'de, A> {
    fn next(&mut self) -> Result<Option<(&'static str, &'de RawValue)>, A::Error> {
        let Some(&name) = self.names.get(self.taken) else {
            return Ok(None);
        };
        let value = self.seq.next_element()?;
        self.taken += usize::from(value.is_some());
        Ok(value.map(|value| (name, value)))
    }

    /// The name of the next one, whose value is kept; at the end of the array, whether that was all. Not a part of `next_key_seed`,
    /// which is generated anew for each method.
    fn next_name(&mut self) -> Result<Option<&'static str>, InvalidParams> {
        let unnamed = |error| InvalidParams::new(None, error);
        self.value = self.next().map_err(unnamed)?;
        if let Some((name, _)) = self.value {
            return Ok(Some(name));
        }
        let (most, given) = (self.names.len(), self.count().map_err(unnamed)?);
        if given > most {
            return Err(InvalidParams::new(None, format_args!("expected at most {most}, got {given}")));
        }
        Ok(None)
    }

    /// How many there are in all, once those with a name are taken.
    fn count(&mut self) -> Result<usize, A::Error> {
        let mut count = self.taken;
        while self.seq.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

impl<'de, A: SeqAccess<'de>> MapAccess<'de> for Positional<'de, A> {
    type Error = InvalidParams;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, InvalidParams> {
        let Some(name) = self.next_name()? else { return Ok(None) };
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, InvalidParams> {
        let Some((name, value)) = self.value.take() else {
            return Err(InvalidParams::new(None, "a value was asked for before its name"));
        };
        seed.deserialize(value).map_err(|error| InvalidParams::new(Some(name), error))
    }
}

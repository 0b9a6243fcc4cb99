//! Presents an object or an array of parameters as a map to the visitor of a message. Each error
//! names its parameter.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{InvalidParams, error_text};

/// The name beside the parameters under which a caller says something about the call.
const META: &str = "_meta";

/// The names that parameters may have.
pub(super) enum AllowedNames<'de> {
    /// These names. The message itself detects a duplicate.
    Only(&'static [&'static str]),
    /// Any name, but each only once: a message that takes the rest would silently keep the last of
    /// two.
    Any { given: HashSet<Cow<'de, str>> },
}

impl<'de> AllowedNames<'de> {
    pub(super) fn any() -> Self {
        Self::Any { given: HashSet::new() }
    }
}

/// Selects the parameters that a message sees.
#[derive(Clone, Copy)]
pub(super) struct ParamFilter {
    /// The names of the parameters that have positions. All others are the rest.
    pub(super) positions: &'static [&'static str],
    /// Whether the message sees these.
    pub(super) includes_named: bool,
    /// The number of parameters of the rest that the message sees, counted from the first.
    pub(super) rest: usize,
}

/// What happens to parameters whose names are not allowed.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum UnknownNames {
    Reject,
    Skip,
}

/// The state of reading parameters. The visitor borrows it and does not own it, so that it is not
/// moved with each value.
pub(super) struct ReadProgress<'de> {
    names: AllowedNames<'de>,
    json: &'de str,
    /// The parameters to present, if not all.
    filter: Option<ParamFilter>,
    unknown: UnknownNames,
    /// The name of the current parameter.
    current: Cow<'de, str>,
    /// The error. It is kept here because serde_json's own error cannot hold the name of a
    /// parameter.
    pub(super) failure: Option<InvalidParams>,
}

impl<'de> ReadProgress<'de> {
    pub(super) fn new(
        names: AllowedNames<'de>,
        json: &'de str,
        filter: Option<ParamFilter>,
        unknown: UnknownNames,
    ) -> Self {
        Self { names, json, filter, unknown, current: Cow::Borrowed(""), failure: None }
    }

    /// Whether the current parameter is presented.
    fn presents(&mut self) -> bool {
        // What a caller says about the call is no parameter.
        if self.current == META {
            return false;
        }
        if self.unknown == UnknownNames::Skip
            && let AllowedNames::Only(names) = self.names
            && !names.contains(&&*self.current)
        {
            return false;
        }
        let Some(filter) = &mut self.filter else { return true };
        if filter.positions.contains(&&*self.current) {
            return filter.includes_named;
        }
        let left = filter.rest.checked_sub(1);
        filter.rest = left.unwrap_or_default();
        left.is_some()
    }

    /// Checks that the current name is allowed and, where duplicates are detected here, new.
    fn check_name(&mut self) -> Result<(), InvalidParams> {
        match &mut self.names {
            AllowedNames::Only(names) if names.contains(&&*self.current) => Ok(()),
            AllowedNames::Only(_) => Err(InvalidParams::new(Some(&self.current), "unknown", "")),
            AllowedNames::Any { given } => match given.replace(self.current.clone()) {
                None => Ok(()),
                Some(name) => Err(InvalidParams::new(Some(&name), "given twice", "")),
            },
        }
    }
}

/// Adapts the visitor of a message to serde_json, and keeps its error.
pub(super) struct ParamsVisitor<'a, 'de, V> {
    pub(super) visitor: V,
    pub(super) positions: &'static [&'static str],
    pub(super) progress: &'a mut ReadProgress<'de>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for ParamsVisitor<'_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(NamedParams { map, progress: self.progress }).map_err(|failure| {
            self.progress.failure = Some(failure);
            A::Error::custom("")
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        let positional = PositionalParams { seq, names: self.positions, taken: 0, value: None };
        self.visitor.visit_map(positional).map_err(|failure| {
            self.progress.failure = Some(failure);
            A::Error::custom("")
        })
    }
}

/// An object of parameters.
struct NamedParams<'a, 'de, A> {
    map: A,
    progress: &'a mut ReadProgress<'de>,
}

/// Reads a name into the given place.
struct NameSeed<'a, 'de>(&'a mut Cow<'de, str>);

impl<'de> DeserializeSeed<'de> for NameSeed<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for NameSeed<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<(), E> {
        *self.0 = Cow::Borrowed(name);
        Ok(())
    }

    /// A name with escapes, which cannot be borrowed.
    fn visit_str<E>(self, name: &str) -> Result<(), E> {
        *self.0 = Cow::Owned(name.to_owned());
        Ok(())
    }
}

impl<'de, A: MapAccess<'de>> NamedParams<'_, 'de, A> {
    /// Returns the next name. It is a function of its own, because the generic `next_key_seed` is
    /// compiled again for each method.
    fn next_name(&mut self) -> Result<Option<&str>, InvalidParams> {
        loop {
            let read = self.map.next_key_seed(NameSeed(&mut self.progress.current));
            if read.map_err(|error| self.no_name(&error.to_string()))?.is_none() {
                return Ok(None);
            }
            if self.progress.presents() {
                break;
            }
            let skipped = self.map.next_value::<IgnoredAny>();
            skipped.map_err(|error| InvalidParams::new(None, error, self.progress.json))?;
        }
        self.progress.check_name()?;
        Ok(Some(&self.progress.current))
    }

    /// Makes the error of a missing name. Often the value before it is the cause, since only a part
    /// of it was read.
    #[cold]
    fn no_name(&self, error: &str) -> InvalidParams {
        let ReadProgress { json, current, .. } = &*self.progress;
        let param = error_text::is_caused_by_previous_value(error, json).then_some(&**current);
        InvalidParams::new(param, error, json)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for NamedParams<'_, 'de, A> {
    type Error = InvalidParams;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, InvalidParams> {
        let Some(name) = self.next_name()? else { return Ok(None) };
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, InvalidParams> {
        let ReadProgress { json, current, .. } = &*self.progress;
        self.map.next_value_seed(seed).map_err(|error| InvalidParams::of_param(current, error, json, false))
    }
}

/// An array of parameters, which have their names by their positions.
struct PositionalParams<'de, A> {
    seq: A,
    names: &'static [&'static str],
    taken: usize,
    /// The current parameter. Its value is read as raw JSON before its name is returned, because
    /// only reading shows whether the array has another element.
    value: Option<(&'static str, &'de RawValue)>,
}

impl<'de, A: SeqAccess<'de>> PositionalParams<'de, A> {
    fn next(&mut self) -> Result<Option<(&'static str, &'de RawValue)>, A::Error> {
        let Some(&name) = self.names.get(self.taken) else {
            return Ok(None);
        };
        let value = self.seq.next_element()?;
        self.taken += usize::from(value.is_some());
        Ok(value.map(|value| (name, value)))
    }

    /// Returns the next name and keeps its value. At the end of the names, checks that the array
    /// has no more elements. It is a function of its own, because the generic `next_key_seed` is
    /// compiled again for each method.
    fn next_name(&mut self) -> Result<Option<&'static str>, InvalidParams> {
        let without_param = |error| InvalidParams::new(None, error, "");
        self.value = self.next().map_err(without_param)?;
        if let Some((name, _)) = self.value {
            return Ok(Some(name));
        }
        let (max, given) = (self.names.len(), self.count().map_err(without_param)?);
        if given > max {
            return Err(InvalidParams::new(None, format_args!("expected at most {max}, got {given}"), ""));
        }
        Ok(None)
    }

    /// Counts all elements, after those with a name have been read.
    fn count(&mut self) -> Result<usize, A::Error> {
        let mut count = self.taken;
        while self.seq.next_element::<IgnoredAny>()?.is_some() {
            count += 1;
        }
        Ok(count)
    }
}

impl<'de, A: SeqAccess<'de>> MapAccess<'de> for PositionalParams<'de, A> {
    type Error = InvalidParams;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, InvalidParams> {
        let Some(name) = self.next_name()? else { return Ok(None) };
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, InvalidParams> {
        let Some((name, value)) = self.value.take() else {
            return Err(InvalidParams::new(None, "a value was asked for before its name", ""));
        };
        // Not with the `Deserializer` of a `RawValue`, which does not check for trailing
        // characters: serde_json reads a 128-bit integer up to the first byte that is not a digit.
        let mut json = serde_json::Deserializer::from_str(value.get());
        let read = seed.deserialize(&mut json).and_then(|read| json.end().map(|()| read));
        read.map_err(|error| InvalidParams::of_param(name, error, value.get(), true))
    }
}

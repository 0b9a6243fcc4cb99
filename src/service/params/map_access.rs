//! Objects and arrays of parameters as the map that a message's visitor walks, with every mistake put down to a parameter.

use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, IntoDeserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{InvalidParams, reason};

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
}

/// Which parameters a message is to see, if not all.
#[derive(Clone, Copy)]
pub(super) struct Choice {
    /// The parameters that have positions. All others are the rest.
    pub(super) positions: &'static [&'static str],
    /// Whether it sees those.
    pub(super) sees_positions: bool,
    /// How many of the rest it sees: the first ones.
    pub(super) rest: usize,
}

/// How far the reading of some parameters has come. It stays where it is while they are read, and is not moved along.
pub(super) struct Progress<'de> {
    names: Names<'de>,
    json: &'de str,
    /// Which ones are presented, if not all.
    choice: Option<Choice>,
    /// The name that was read last.
    current: Cow<'de, str>,
    /// What is wrong with them: serde_json's own error has no room for the parameter.
    pub(super) failure: Option<InvalidParams>,
}

impl<'de> Progress<'de> {
    pub(super) fn new(names: Names<'de>, json: &'de str, choice: Option<Choice>) -> Self {
        Self { names, json, choice, current: Cow::Borrowed(""), failure: None }
    }

    /// Whether the current parameter is presented.
    fn presents(&mut self) -> bool {
        let Some(choice) = &mut self.choice else { return true };
        if choice.positions.contains(&&*self.current) {
            return choice.sees_positions;
        }
        let left = choice.rest.checked_sub(1);
        choice.rest = left.unwrap_or_default();
        left.is_some()
    }

    /// Lets the current name in, or says what is wrong with it.
    fn admit(&mut self) -> Result<(), InvalidParams> {
        match &mut self.names {
            Names::Only(names) if names.contains(&&*self.current) => Ok(()),
            Names::Only(_) => Err(InvalidParams::new(Some(&self.current), "unknown", "")),
            Names::Any { given } => match given.replace(self.current.clone()) {
                None => Ok(()),
                Some(name) => Err(InvalidParams::new(Some(&name), "given twice", "")),
            },
        }
    }
}

/// Carries a message's visitor over to serde_json, and its error back.
pub(super) struct Bridge<'a, 'de, V> {
    pub(super) visitor: V,
    pub(super) positions: &'static [&'static str],
    pub(super) progress: &'a mut Progress<'de>,
}

impl<'de, V: Visitor<'de>> Visitor<'de> for Bridge<'_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or an array")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.visitor.visit_map(Named { map, progress: self.progress }).map_err(|failure| {
            self.progress.failure = Some(failure);
            A::Error::custom("")
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<V::Value, A::Error> {
        let positional = Positional { seq, names: self.positions, taken: 0, value: None };
        self.visitor.visit_map(positional).map_err(|failure| {
            self.progress.failure = Some(failure);
            A::Error::custom("")
        })
    }
}

/// An object of parameters.
struct Named<'a, 'de, A> {
    map: A,
    progress: &'a mut Progress<'de>,
}

/// Reads a name to where it is to be kept.
struct Name<'a, 'de>(&'a mut Cow<'de, str>);

impl<'de> DeserializeSeed<'de> for Name<'_, 'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<(), E> {
        *self.0 = Cow::Borrowed(name);
        Ok(())
    }

    /// One with escapes.
    fn visit_str<E>(self, name: &str) -> Result<(), E> {
        *self.0 = Cow::Owned(name.to_owned());
        Ok(())
    }
}

impl<'de, A: MapAccess<'de>> Named<'_, 'de, A> {
    /// The next name. Not a part of `next_key_seed`, which is generated anew for each method.
    fn next_name(&mut self) -> Result<Option<&str>, InvalidParams> {
        loop {
            let read = self.map.next_key_seed(Name(&mut self.progress.current));
            if read.map_err(|error| self.no_name(&error.to_string()))?.is_none() {
                return Ok(None);
            }
            if self.progress.presents() {
                break;
            }
            let skipped = self.map.next_value::<IgnoredAny>();
            skipped.map_err(|error| InvalidParams::new(None, error, self.progress.json))?;
        }
        self.progress.admit()?;
        Ok(Some(&self.progress.current))
    }

    /// Why there is no further name: often that the value before it goes on.
    #[cold]
    fn no_name(&self, error: &str) -> InvalidParams {
        let Progress { json, current, .. } = &*self.progress;
        let blamed = reason::blames_the_one_before(error, json).then_some(&**current);
        InvalidParams::new(blamed, error, json)
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Named<'_, 'de, A> {
    type Error = InvalidParams;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, InvalidParams> {
        let Some(name) = self.next_name()? else { return Ok(None) };
        seed.deserialize(name.into_deserializer()).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, InvalidParams> {
        let Progress { json, current, .. } = &*self.progress;
        self.map.next_value_seed(seed).map_err(|error| InvalidParams::new(Some(current), error, json))
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
        let unnamed = |error| InvalidParams::new(None, error, "");
        self.value = self.next().map_err(unnamed)?;
        if let Some((name, _)) = self.value {
            return Ok(Some(name));
        }
        let (most, given) = (self.names.len(), self.count().map_err(unnamed)?);
        if given > most {
            return Err(InvalidParams::new(None, format_args!("expected at most {most}, got {given}"), ""));
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
            return Err(InvalidParams::new(None, "a value was asked for before its name", ""));
        };
        // Not by the `Deserializer` of a `RawValue`: that does not look whether the text goes on
        // behind the value, and 128-bit integers are read up to the first byte that is no digit.
        let mut json = serde_json::Deserializer::from_str(value.get());
        let read = seed.deserialize(&mut json).and_then(|read| json.end().map(|()| read));
        read.map_err(|error| InvalidParams::new(Some(name), error, value.get()))
    }
}

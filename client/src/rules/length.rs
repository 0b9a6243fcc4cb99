//! `#[param(length = 1..=40)]`: the characters of a text, or the elements of a list or map.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::ops::Bound;

#[cfg(feature = "schemas")]
use schemars::Schema;
use serde_json::Value;

use super::{InvalidParam, ParamRule};

/// A parameter that can have a length: a text, a list, a set or a map, or an `Option` or `Box` of
/// one. Do not implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`length` is for texts, lists and maps, and `{Self}` is none of them",
    label = "`length` does not fit the type of this parameter",
    note = "for a number: `range = …`; for a type of your own: `validate = …`"
)]
pub trait HasLength {
    /// What is counted.
    const UNIT: Unit;

    /// Returns the length, if there is a value.
    fn length(&self) -> Option<usize>;
}

/// What a length counts.
#[derive(Clone, Copy, Debug)]
pub enum Unit {
    /// The characters of a text.
    Characters,
    /// The elements of a list or a set.
    Elements,
    /// The members of a map.
    Members,
}

impl Unit {
    fn in_words(self, count: usize) -> &'static str {
        let (one, several) = match self {
            Self::Characters => ("character", "characters"),
            Self::Elements => ("element", "elements"),
            Self::Members => ("member", "members"),
        };
        if count == 1 { one } else { several }
    }
}

#[diagnostic::do_not_recommend]
impl HasLength for str {
    const UNIT: Unit = Unit::Characters;

    fn length(&self) -> Option<usize> {
        Some(self.chars().count())
    }
}

#[diagnostic::do_not_recommend]
impl HasLength for String {
    const UNIT: Unit = Unit::Characters;

    fn length(&self) -> Option<usize> {
        self.as_str().length()
    }
}

macro_rules! collections {
    ($([$($generic:ident),*] $ty:ty: $unit:ident;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generic),*> HasLength for $ty {
            const UNIT: Unit = Unit::$unit;

            fn length(&self) -> Option<usize> {
                Some(self.len())
            }
        }
    )*};
}

collections! {
    [T] [T]: Elements;
    [T] Vec<T>: Elements;
    [T] VecDeque<T>: Elements;
    [T] BTreeSet<T>: Elements;
    [T, S] HashSet<T, S>: Elements;
    [K, V] BTreeMap<K, V>: Members;
    [K, V, S] HashMap<K, V, S>: Members;
    [] serde_json::Map<String, Value>: Members;
}

impl<T: HasLength> HasLength for Option<T> {
    const UNIT: Unit = T::UNIT;

    fn length(&self) -> Option<usize> {
        self.as_ref()?.length()
    }
}

impl<T: HasLength + ?Sized> HasLength for Box<T> {
    const UNIT: Unit = T::UNIT;

    fn length(&self) -> Option<usize> {
        (**self).length()
    }
}

impl<T: HasLength + ToOwned + ?Sized> HasLength for Cow<'_, T> {
    const UNIT: Unit = T::UNIT;

    fn length(&self) -> Option<usize> {
        (**self).length()
    }
}

/// The rule of a length.
#[derive(Debug)]
pub struct Length<T: ?Sized> {
    /// Both bounds are included.
    min: Option<usize>,
    max: Option<usize>,
    unit: Unit,
    /// Returns the length. In a field, so that the compiler reports a type without one only once.
    length: fn(&T) -> Option<usize>,
}

impl<T: HasLength + ?Sized> Length<T> {
    pub(super) fn new(min: Bound<usize>, max: Bound<usize>) -> Self {
        let min = match min {
            Bound::Included(min) => Some(min),
            Bound::Excluded(min) => Some(min.saturating_add(1)),
            Bound::Unbounded => None,
        };
        let max = match max {
            Bound::Included(max) => Some(max),
            Bound::Excluded(max) => Some(max.saturating_sub(1)),
            Bound::Unbounded => None,
        };
        Self { min, max, unit: T::UNIT, length: T::length }
    }
}

impl<T: ?Sized> Length<T> {
    #[cold]
    fn broken(&self, length: usize) -> InvalidParam {
        let unit = |count| self.unit.in_words(count);
        let expected = match (self.min, self.max) {
            (Some(min), Some(max)) if min == max => format!("{min} {}", unit(min)),
            (Some(min), Some(max)) => format!("from {min} to {max} {}", unit(max)),
            (Some(min), None) => format!("at least {min} {}", unit(min)),
            (None, max) => {
                let max = max.unwrap_or(usize::MAX);
                format!("at most {max} {}", unit(max))
            }
        };
        InvalidParam::new(format_args!("must have {expected}, not {length}"))
    }
}

impl<T: ?Sized> ParamRule<T> for Length<T> {
    fn check(&self, value: &T) -> Result<(), InvalidParam> {
        let bounds = (self.min.unwrap_or(0), self.max.unwrap_or(usize::MAX));
        match (self.length)(value) {
            Some(length) if !(bounds.0..=bounds.1).contains(&length) => Err(self.broken(length)),
            _ => Ok(()),
        }
    }

    #[cfg(feature = "schemas")]
    fn describe(&self, schema: &mut Schema) {
        let (min, max) = match self.unit {
            Unit::Characters => ("minLength", "maxLength"),
            Unit::Elements => ("minItems", "maxItems"),
            Unit::Members => ("minProperties", "maxProperties"),
        };
        for (key, bound) in [(min, self.min), (max, self.max)] {
            if let Some(bound) = bound {
                schema.insert(key.to_owned(), bound.into());
            }
        }
    }
}

//! `#[param(range = 1..=100)]`: a number between two bounds.

use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8, NonZeroU16, NonZeroU32,
    NonZeroU64, NonZeroU128, NonZeroUsize,
};
use std::ops::{Bound, RangeBounds};

#[cfg(feature = "schemas")]
use schemars::Schema;
use serde::Serialize;
use serde_json::Value;

use super::{InvalidParam, ParamRule};

/// A parameter that can have a range: a number, or an `Option` or `Box` of one. Do not implement it
/// by hand.
#[diagnostic::on_unimplemented(
    message = "`range` is for numbers, and `{Self}` is none",
    label = "`range` does not fit the type of this parameter",
    note = "for elements: `each(range = …)`; for a type of your own: `validate = …`"
)]
pub trait HasRange {
    /// The type of the bounds.
    type Number: Copy + PartialOrd + Serialize;

    /// Returns the number, if there is one.
    fn number(&self) -> Option<Self::Number>;
}

macro_rules! numbers {
    ($($number:ty $(, $nonzero:ty)?;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl HasRange for $number {
            type Number = Self;

            fn number(&self) -> Option<Self> {
                Some(*self)
            }
        }

        $(#[diagnostic::do_not_recommend]
        impl HasRange for $nonzero {
            type Number = $number;

            fn number(&self) -> Option<$number> {
                Some(self.get())
            }
        })?
    )*};
}

numbers! {
    u8, NonZeroU8; u16, NonZeroU16; u32, NonZeroU32; u64, NonZeroU64; u128, NonZeroU128; usize, NonZeroUsize;
    i8, NonZeroI8; i16, NonZeroI16; i32, NonZeroI32; i64, NonZeroI64; i128, NonZeroI128; isize, NonZeroIsize;
    f32; f64;
}

impl<T: HasRange> HasRange for Option<T> {
    type Number = T::Number;

    fn number(&self) -> Option<T::Number> {
        self.as_ref()?.number()
    }
}

impl<T: HasRange> HasRange for Box<T> {
    type Number = T::Number;

    fn number(&self) -> Option<T::Number> {
        (**self).number()
    }
}

/// The rule of a range.
#[derive(Debug)]
pub struct Range<T: ?Sized, N> {
    min: Bound<N>,
    max: Bound<N>,
    /// Returns the number. In a field, so that the compiler reports a type without one only once.
    number: fn(&T) -> Option<N>,
}

impl<T: HasRange<Number = N> + ?Sized, N> Range<T, N> {
    pub(super) fn new(min: Bound<N>, max: Bound<N>) -> Self {
        Self { min, max, number: T::number }
    }
}

impl<T: ?Sized, N: Copy + Serialize> Range<T, N> {
    #[cold]
    fn broken(&self, number: N) -> InvalidParam {
        let [min, max] = [self.min, self.max].map(|bound| bound.map(|bound| json(bound).to_string()));
        let expected = match (min, max) {
            (Bound::Included(min), Bound::Included(max)) if min == max => min,
            (Bound::Included(min), Bound::Included(max)) => format!("from {min} to {max}"),
            (min, max) => {
                let min = bound_in_words(min, "at least", "more than");
                let max = bound_in_words(max, "at most", "less than");
                [min, max].into_iter().flatten().collect::<Vec<_>>().join(" and ")
            }
        };
        InvalidParam::new(format_args!("must be {expected}, not {}", json(number)))
    }
}

fn bound_in_words(bound: Bound<String>, included: &str, excluded: &str) -> Option<String> {
    match bound {
        Bound::Included(bound) => Some(format!("{included} {bound}")),
        Bound::Excluded(bound) => Some(format!("{excluded} {bound}")),
        Bound::Unbounded => None,
    }
}

/// Returns a number in JSON; as text if it is too large for a number of `Value`.
fn json(number: impl Serialize) -> Value {
    serde_json::to_value(&number).unwrap_or(Value::Null)
}

impl<T: ?Sized, N: Copy + PartialOrd + Serialize> ParamRule<T> for Range<T, N> {
    fn check(&self, value: &T) -> Result<(), InvalidParam> {
        match (self.number)(value) {
            Some(number) if !(self.min, self.max).contains(&number) => Err(self.broken(number)),
            _ => Ok(()),
        }
    }

    #[cfg(feature = "schemas")]
    fn describe(&self, schema: &mut Schema) {
        let bounds = [(self.min, "minimum", "exclusiveMinimum"), (self.max, "maximum", "exclusiveMaximum")];
        for (bound, included, excluded) in bounds {
            let (key, bound) = match bound {
                Bound::Included(bound) => (included, json(bound)),
                Bound::Excluded(bound) => (excluded, json(bound)),
                Bound::Unbounded => continue,
            };
            if !bound.is_null() {
                // Without the limit of the type, which says less.
                schema.remove(included);
                schema.insert(key.to_owned(), bound);
            }
        }
    }
}

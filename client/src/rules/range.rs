//! `#[param(range = 1..=100)]`: a number between two bounds.

use std::fmt::Debug;
use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroI128, NonZeroIsize, NonZeroU8, NonZeroU16, NonZeroU32,
    NonZeroU64, NonZeroU128, NonZeroUsize,
};
use std::ops::{Bound, RangeBounds};

#[cfg(feature = "schemas")]
use schemars::Schema;
use serde::Serialize;
#[cfg(feature = "schemas")]
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
    type Number: Copy + Debug + PartialOrd + Serialize;

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

impl<T: ?Sized, N: Copy + Debug> Range<T, N> {
    #[cold]
    fn broken(&self, number: N) -> InvalidParam {
        // `Debug` writes a number as JSON does, and also one that JSON does not have.
        let [min, max] = [self.min, self.max].map(|bound| bound.map(|bound| format!("{bound:?}")));
        let expected = match (min, max) {
            (Bound::Included(min), Bound::Included(max)) if min == max => min,
            (Bound::Included(min), Bound::Included(max)) => format!("from {min} to {max}"),
            (min, max) => {
                let min = bound_in_words(min, "at least", "more than");
                let max = bound_in_words(max, "at most", "less than");
                [min, max].into_iter().flatten().collect::<Vec<_>>().join(" and ")
            }
        };
        InvalidParam::new(format_args!("must be {expected}, not {number:?}"))
    }
}

fn bound_in_words(bound: Bound<String>, included: &str, excluded: &str) -> Option<String> {
    match bound {
        Bound::Included(bound) => Some(format!("{included} {bound}")),
        Bound::Excluded(bound) => Some(format!("{excluded} {bound}")),
        Bound::Unbounded => None,
    }
}

impl<T: ?Sized, N: Copy + Debug + PartialOrd + Serialize> ParamRule<T> for Range<T, N> {
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
                Bound::Included(bound) => (included, bound),
                Bound::Excluded(bound) => (excluded, bound),
                Bound::Unbounded => continue,
            };
            // A bound beyond 64 bits, or an infinite one, is no number of `Value`. It is left out:
            // rounded to a float it could forbid numbers that the rule allows.
            if let Ok(Value::Number(bound)) = serde_json::to_value(bound) {
                // Without the limit of the type, which says less.
                schema.remove(included);
                schema.insert(key.to_owned(), bound.into());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LARGE: u128 = 1 << 70;

    fn reason<T: HasRange>(min: Bound<T::Number>, max: Bound<T::Number>, value: &T) -> String {
        Range::new(min, max).check(value).unwrap_err().to_string()
    }

    #[test]
    fn an_error_has_its_numbers_in_full_whatever_their_size() {
        use Bound::{Excluded, Included, Unbounded};

        for (reason, expected) in [
            (reason(Included(1), Included(100), &LARGE), "must be from 1 to 100, not 1180591620717411303424"),
            (
                reason(Unbounded, Included(LARGE), &(LARGE + 1)),
                "must be at most 1180591620717411303424, not 1180591620717411303425",
            ),
            (
                reason(Excluded(i128::MIN), Unbounded, &i128::MIN),
                "must be more than -170141183460469231731687303715884105728, not -170141183460469231731687303715884105728",
            ),
            (reason(Included(0.0), Included(0.1), &f32::INFINITY), "must be from 0.0 to 0.1, not inf"),
            (reason(Included(0.0), Excluded(1.0), &Some(1e300)), "must be at least 0.0 and less than 1.0, not 1e300"),
        ] {
            assert_eq!(reason, expected);
        }
    }

    #[cfg(feature = "schemas")]
    #[test]
    fn a_schema_has_no_bound_that_its_numbers_cannot_hold() {
        let mut schema = schemars::json_schema!({ "type": "integer", "minimum": 0 });
        Range::<u128, _>::new(Bound::Included(LARGE), Bound::Included(LARGE + 1)).describe(&mut schema);
        assert_eq!(schema, schemars::json_schema!({ "type": "integer", "minimum": 0 }));
        Range::<u128, _>::new(Bound::Included(1), Bound::Excluded(LARGE)).describe(&mut schema);
        assert_eq!(schema, schemars::json_schema!({ "type": "integer", "minimum": 1 }));
    }
}

//! Rules of parameters, such as `#[param(range = 1..=100)]`: what a value must be, and what the
//! schema says of it.
//!
//! The macros write a function that makes the rule of a parameter: `on.range(…)` for an `on` of its
//! type. A rule that does not fit the type does not compile.

mod each;
mod invalid_param;
mod length;
mod pattern;
mod range;
mod validate;

use std::fmt::Display;
use std::marker::PhantomData;
use std::ops::Bound;

#[cfg(feature = "schemas")]
use schemars::Schema;
#[cfg(feature = "schemas")]
use schemars::transform::Transform;
use serde::Serialize;

pub use each::{Check, Each, HasElements};
pub use invalid_param::InvalidParam;
pub(crate) use invalid_param::{MAX_PATH_BYTES, member_text};
pub use length::{HasLength, Length, Unit};
pub use pattern::{HasText, Matches, Pattern};
pub use range::{HasRange, Range};
pub use validate::{IfPresent, Validated};

/// What the values of a parameter must be.
pub trait ParamRule<T: ?Sized> {
    /// Checks a value.
    ///
    /// # Errors
    /// Returns what is wrong with the value, and where in it.
    fn check(&self, value: &T) -> Result<(), InvalidParam>;

    /// Adds the rule to the schema of the type.
    #[cfg(feature = "schemas")]
    fn describe(&self, schema: &mut Schema);
}

/// Makes the rules for values of one type.
#[derive(Debug)]
pub struct RulesOf<T: ?Sized>(PhantomData<fn(&T)>);

impl<T: ?Sized> RulesOf<T> {
    /// The only value.
    pub const HERE: Self = Self(PhantomData);

    /// Returns the rule that a number is between two bounds.
    pub fn range<N>(&self, min: Bound<N>, max: Bound<N>) -> Range<T, N>
    where
        T: HasRange<Number = N>,
    {
        Range::new(min, max)
    }

    /// Returns the rule that the length is between two bounds.
    pub fn length(&self, min: Bound<usize>, max: Bound<usize>) -> Length<T>
    where
        T: HasLength,
    {
        Length::new(min, max)
    }

    /// Returns the rule that a text matches a pattern.
    pub fn pattern(&self, pattern: &'static Pattern) -> Matches<T>
    where
        T: HasText,
    {
        Matches::new(pattern)
    }

    /// Returns the rule that a function accepts the value.
    pub fn validate<E: Display + 'static, F: Fn(&T) -> Result<(), E>>(&self, function: F) -> Validated<T, F>
    where
        T: Serialize,
    {
        Validated::new(function)
    }

    /// Returns a rule for each element.
    pub fn each<E, R: ParamRule<E>>(&self, rule: impl FnOnce(RulesOf<E>) -> R) -> Each<T, E, R>
    where
        T: HasElements<Element = E>,
    {
        Each::new(rule(RulesOf::HERE))
    }
}

/// Two rules for one value.
#[derive(Debug)]
pub struct Both<A, B>(pub A, pub B);

impl<T: ?Sized, A: ParamRule<T>, B: ParamRule<T>> ParamRule<T> for Both<A, B> {
    fn check(&self, value: &T) -> Result<(), InvalidParam> {
        self.0.check(value)?;
        self.1.check(value)
    }

    #[cfg(feature = "schemas")]
    fn describe(&self, schema: &mut Schema) {
        self.0.describe(schema);
        self.1.describe(schema);
    }
}

/// Checks the parameter of this name.
///
/// # Errors
/// Returns what is wrong with the parameter.
pub fn check_param<T>(rule: &impl ParamRule<T>, name: &str, value: &T) -> Result<(), InvalidParam> {
    rule.check(value).map_err(|invalid| invalid.in_param(name))
}

/// Returns the transformation of a parameter's schema that adds its rule.
#[cfg(feature = "schemas")]
pub fn describe<T>(rule: impl ParamRule<T>) -> impl Transform {
    move |schema: &mut Schema| rule.describe(schema)
}

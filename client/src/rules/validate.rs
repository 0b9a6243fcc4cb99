//! `#[param(validate = path)]`: a check by a function.

use std::any::Any;
use std::fmt::Display;

#[cfg(feature = "schemas")]
use schemars::Schema;
use serde::Serialize;
use serde_json::Value;

use super::{InvalidParam, ParamRule};

/// The rule that a function accepts the value.
#[derive(Debug)]
pub struct Validated<T: ?Sized, F> {
    function: F,
    /// Calls the function. In a field, so that the compiler reports a function of another type only
    /// once.
    check: fn(&F, &T) -> Result<(), InvalidParam>,
}

impl<T: Serialize + ?Sized, F> Validated<T, F> {
    pub(super) fn new<E: Display + 'static>(function: F) -> Self
    where
        F: Fn(&T) -> Result<(), E>,
    {
        Self { function, check: |function, value| function(value).map_err(|error| invalid(value, &error)) }
    }
}

impl<T: ?Sized, F> ParamRule<T> for Validated<T, F> {
    fn check(&self, value: &T) -> Result<(), InvalidParam> {
        (self.check)(&self.function, value)
    }

    /// What a function accepts, no schema says.
    #[cfg(feature = "schemas")]
    fn describe(&self, _: &mut Schema) {}
}

/// Returns the error of a function in its own form, or its text.
///
/// A text that begins with the path of a member of the value, as the errors of `garde` do, is about
/// that member: `dimensions.width: must not be 0`.
#[cold]
fn invalid<T: Serialize + ?Sized, E: Display + 'static>(value: &T, error: &E) -> InvalidParam {
    if let Some(invalid) = (error as &dyn Any).downcast_ref::<InvalidParam>() {
        return invalid.clone();
    }
    let text = error.to_string();
    let first = text.lines().next().unwrap_or_default();
    match first.split_once(": ") {
        Some((path, reason)) if serde_json::to_value(value).is_ok_and(|value| has_member(&value, path)) => {
            InvalidParam::at(path, reason)
        }
        _ => InvalidParam::new(text.trim_end().replace('\n', "; ")),
    }
}

/// Whether a path such as `items[3].price` leads to a part of the value.
fn has_member(value: &Value, path: &str) -> bool {
    let pointer: String = path.split(['.', '[']).map(|step| format!("/{}", step.trim_end_matches(']'))).collect();
    value.pointer(&pointer).is_some()
}

/// The rule of an optional value: that of the value, if there is one.
#[derive(Debug)]
pub struct IfPresent<R>(pub R);

impl<T, R: ParamRule<T>> ParamRule<Option<T>> for IfPresent<R> {
    fn check(&self, value: &Option<T>) -> Result<(), InvalidParam> {
        value.as_ref().map_or(Ok(()), |value| self.0.check(value))
    }

    #[cfg(feature = "schemas")]
    fn describe(&self, schema: &mut Schema) {
        self.0.describe(schema);
    }
}

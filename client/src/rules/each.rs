//! `#[param(each(range = 1..=6))]`: a rule for each element of a list, or each value of a map.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};

#[cfg(feature = "schemas")]
use schemars::Schema;
use serde::Serialize;
use serde_json::Value;

use super::{InvalidParam, ParamRule};

/// The check of one element.
pub type Check<'a, E> = &'a dyn Fn(&E) -> Result<(), InvalidParam>;

/// A parameter with elements: a list, a set, or a map, whose elements are its values; or an
/// `Option` or `Box` of one. Do not implement it by hand.
#[diagnostic::on_unimplemented(
    message = "`each` is for lists and maps, and `{Self}` is neither",
    label = "`each` does not fit the type of this parameter",
    note = "for the value itself write the rule without `each`; for a type of your own: `validate = …`"
)]
pub trait HasElements {
    /// The type of an element.
    type Element;

    /// Checks each element, until one is not valid.
    ///
    /// # Errors
    /// Returns the error of that element, with its place.
    fn try_each(&self, check: Check<'_, Self::Element>) -> Result<(), InvalidParam>;
}

fn in_order<'a, T: 'a>(elements: impl IntoIterator<Item = &'a T>, check: Check<'_, T>) -> Result<(), InvalidParam> {
    elements
        .into_iter()
        .enumerate()
        .try_for_each(|(at, element)| check(element).map_err(|invalid| invalid.in_element(at)))
}

fn by_name<'a, K: Serialize + 'a, V: 'a>(
    members: impl IntoIterator<Item = (&'a K, &'a V)>,
    check: Check<'_, V>,
) -> Result<(), InvalidParam> {
    members.into_iter().try_for_each(|(name, value)| check(value).map_err(|invalid| in_member(invalid, name)))
}

#[cold]
fn in_member(invalid: InvalidParam, name: &impl Serialize) -> InvalidParam {
    match serde_json::to_value(name) {
        Ok(Value::String(name)) => invalid.in_member(&name),
        Ok(name) => invalid.in_member(&name.to_string()),
        Err(_) => invalid,
    }
}

macro_rules! elements {
    ($([$($generic:tt)*] $ty:ty: $element:ident by $each:ident;)*) => {$(
        #[diagnostic::do_not_recommend]
        impl<$($generic)*> HasElements for $ty {
            type Element = $element;

            fn try_each(&self, check: Check<'_, $element>) -> Result<(), InvalidParam> {
                $each(self, check)
            }
        }
    )*};
}

elements! {
    [T] Vec<T>: T by in_order;
    [T] VecDeque<T>: T by in_order;
    [T] [T]: T by in_order;
    [T, const N: usize] [T; N]: T by in_order;
    [T] BTreeSet<T>: T by in_any_order;
    [T, S] HashSet<T, S>: T by in_any_order;
    [K: Serialize, V] BTreeMap<K, V>: V by by_name;
    [K: Serialize, V, S] HashMap<K, V, S>: V by by_name;
    [] serde_json::Map<String, Value>: Value by by_name;
}

/// A set does not know in which order its elements were sent.
fn in_any_order<'a, T: 'a>(elements: impl IntoIterator<Item = &'a T>, check: Check<'_, T>) -> Result<(), InvalidParam> {
    elements.into_iter().try_for_each(check)
}

impl<T: HasElements> HasElements for Option<T> {
    type Element = T::Element;

    fn try_each(&self, check: Check<'_, T::Element>) -> Result<(), InvalidParam> {
        self.as_ref().map_or(Ok(()), |elements| elements.try_each(check))
    }
}

impl<T: HasElements + ?Sized> HasElements for Box<T> {
    type Element = T::Element;

    fn try_each(&self, check: Check<'_, T::Element>) -> Result<(), InvalidParam> {
        (**self).try_each(check)
    }
}

/// The rule of all elements.
#[derive(Debug)]
pub struct Each<T: ?Sized, E, R> {
    rule: R,
    /// Checks each element. In a field, so that the compiler reports a type without elements only
    /// once.
    try_each: fn(&T, Check<'_, E>) -> Result<(), InvalidParam>,
}

impl<T: HasElements<Element = E> + ?Sized, E, R> Each<T, E, R> {
    pub(super) fn new(rule: R) -> Self {
        Self { rule, try_each: T::try_each }
    }
}

impl<T: ?Sized, E, R: ParamRule<E>> ParamRule<T> for Each<T, E, R> {
    fn check(&self, value: &T) -> Result<(), InvalidParam> {
        (self.try_each)(value, &|element| self.rule.check(element))
    }

    #[cfg(feature = "schemas")]
    fn describe(&self, schema: &mut Schema) {
        let describe = |part: &mut Value| {
            let Ok(mut schema) = Schema::try_from(part.take()) else { return };
            self.rule.describe(&mut schema);
            *part = schema.to_value();
        };
        for key in ["items", "additionalProperties"] {
            schema.get_mut(key).into_iter().for_each(describe);
        }
        let patterns = schema.get_mut("patternProperties").and_then(Value::as_object_mut);
        patterns.into_iter().flat_map(serde_json::Map::values_mut).for_each(describe);
    }
}

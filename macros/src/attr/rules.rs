//! The rules of a parameter: `range = 1..=100`, `each(length = 1..=40)`.

use syn::spanned::Spanned;
use syn::{Expr, ExprLit, ExprRange, ExprUnary, Ident, Lit, LitStr, Path, UnOp};

use super::keys;
use crate::attr::key::{Key, set_entries};
use crate::attr::value::Value;
use crate::errors::Errors;

/// The rules among the keys of `#[param(…)]`, or of an `each(…)`.
#[derive(Default)]
pub(crate) struct Rules {
    /// In the order in which they are written.
    pub(crate) all: Vec<Rule>,
}

/// A rule, with the key that it is written with.
pub(crate) struct Rule {
    pub(crate) key: Ident,
    pub(crate) kind: RuleKind,
}

pub(crate) enum RuleKind {
    Range(ExprRange),
    Length(ExprRange),
    Pattern(LitStr),
    Validate(Path),
    Each(Rules),
}

/// The keys within `each(…)`. `#[param(…)]` has the same among its own.
const RULE_KEYS: &[Key<Rules>] = keys! {
    "range", "range = 1..=100" => |rules, value| rules.add(value, RuleKind::Range(value.range()?));
    "length", "length = 1..=40" => |rules, value| rules.add(value, RuleKind::Length(value.range()?));
    "pattern", r#"pattern = "^[a-z]+$""# => |rules, value| rules.add(value, RuleKind::Pattern(value.pattern()?));
    "each", "each(range = 1..=6)" => |rules, value| rules.add(value, RuleKind::Each(value.rules()?));
    "validate", "validate = is_even" => |rules, value| rules.add(value, RuleKind::Validate(value.path()?));
};

impl Rules {
    pub(crate) fn add(&mut self, value: Value<'_>, kind: RuleKind) {
        self.all.push(Rule { key: value.key().clone(), kind });
    }
}

impl Value<'_> {
    /// Returns a range that has a bound, and values.
    pub(super) fn range(self) -> syn::Result<ExprRange> {
        let Expr::Range(range) = self.expr()? else { return Err(self.wrong()) };
        let bounds = [&range.start, &range.end].map(|bound| bound.as_deref().and_then(integer));
        match (&range.start, &range.end, bounds) {
            (None, None, _) => Err(self.error("a range without a bound allows everything")),
            (.., [Some(min), Some(max)]) if min > max || min == max && !is_closed(range) => {
                Err(syn::Error::new(range.span(), "this range has no values"))
            }
            _ => Ok(range.clone()),
        }
    }

    /// Returns a regular expression that the engine of callbox takes.
    pub(super) fn pattern(self) -> syn::Result<LitStr> {
        let pattern = self.string()?;
        match regex_lite::Regex::new(&pattern.value()) {
            Ok(_) => Ok(pattern),
            Err(error) => Err(syn::Error::new_spanned(pattern, format!("this pattern is not valid: {error}"))),
        }
    }

    pub(super) fn path(self) -> syn::Result<Path> {
        match self.expr()? {
            Expr::Path(path) if path.qself.is_none() => Ok(path.path.clone()),
            _ => Err(self.wrong()),
        }
    }

    /// Returns the rules between the parentheses.
    pub(super) fn rules(self) -> syn::Result<Rules> {
        let entries = self.nested()?;
        let (mut rules, mut errors) = (Rules::default(), Errors::default());
        set_entries(&mut rules, "param", RULE_KEYS, entries, &mut errors);
        match errors.into_error() {
            Some(error) => Err(error),
            None if rules.all.is_empty() => Err(self.wrong()),
            None => Ok(rules),
        }
    }
}

fn is_closed(range: &ExprRange) -> bool {
    matches!(range.limits, syn::RangeLimits::Closed(_))
}

/// Returns the value of a literal; nothing for other expressions, which the compiler knows.
fn integer(bound: &Expr) -> Option<i128> {
    match bound {
        Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => number.base10_parse().ok(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. }) => integer(expr).map(|number| -number),
        _ => None,
    }
}

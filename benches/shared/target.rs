//! A target: a bound of a figure, or of the ratio of two figures of the same round.

use std::fmt;

use crate::bound::Bound;

/// A bound for a figure of a subject, or for its ratio to the figure of another subject.
#[derive(Debug)]
pub struct Target {
    pub(crate) experiment: &'static str,
    pub(crate) quantity: &'static str,
    pub(crate) subject: &'static str,
    pub(crate) base: Option<&'static str>,
    bound: Bound,
}

impl Target {
    /// Returns a bound of the ratio of the figures of two subjects.
    pub const fn ratio([experiment, quantity, subject, base]: [&'static str; 4], bound: Bound) -> Self {
        Self { experiment, quantity, subject, base: Some(base), bound }
    }

    /// Returns a bound of the figure of a subject.
    pub const fn value([experiment, quantity, subject]: [&'static str; 3], bound: Bound) -> Self {
        Self { experiment, quantity, subject, base: None, bound }
    }

    pub(crate) fn is_met(&self, value: f64) -> bool {
        self.bound.is_met(value)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { quantity, subject, base, bound, .. } = self;
        write!(f, "{quantity}, {subject}: {bound}")?;
        base.map_or(Ok(()), |base| write!(f, " × {base}"))
    }
}

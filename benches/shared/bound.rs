//! The bounds that targets set for figures.

use std::fmt;

use serde::Serialize;

/// A lower or upper bound of a figure.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The smallest value that meets the target.
    AtLeast(f64),
    /// The largest value that meets the target.
    AtMost(f64),
}

impl Bound {
    /// Returns whether this value is within the bound. NaN is not.
    pub fn is_met(self, value: f64) -> bool {
        match self {
            Self::AtLeast(floor) => value >= floor,
            Self::AtMost(ceiling) => value <= ceiling,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(floor) => write!(f, "≥ {floor}"),
            Self::AtMost(ceiling) => write!(f, "≤ {ceiling}"),
        }
    }
}

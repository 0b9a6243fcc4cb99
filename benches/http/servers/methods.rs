//! The methods of all subjects.

use serde::{Deserialize, Serialize};

/// The parameters of `add`.
#[derive(Deserialize, Serialize)]
pub(super) struct Add {
    pub(super) a: i64,
    pub(super) b: i64,
}

/// The parameters of `total`.
#[derive(Deserialize)]
pub(super) struct Total {
    pub(super) values: Vec<f64>,
}

/// The parameters of `text`.
#[derive(Deserialize)]
pub(super) struct Text {
    pub(super) length: usize,
}

pub(super) fn add(a: i64, b: i64) -> i64 {
    a + b
}

pub(super) fn total(values: &[f64]) -> f64 {
    values.iter().sum()
}

pub(super) fn text(length: usize) -> String {
    "x".repeat(length)
}

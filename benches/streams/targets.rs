//! The targets of callbox, as bounds of figures and of ratios of figures of the same round.

use std::fmt;

use callbox_benches::bound::Bound;

use crate::experiments::{beside, calls, cancel, fanout, many, pausers};

use Bound::{AtLeast, AtMost};

/// A bound for a figure of a subject, or for its ratio to the figure of another subject.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) experiment: &'static str,
    pub(crate) quantity: &'static str,
    pub(crate) subject: &'static str,
    pub(crate) base: Option<&'static str>,
    bound: Bound,
}

const fn ratio([experiment, quantity, subject, base]: [&'static str; 4], bound: Bound) -> Target {
    Target { experiment, quantity, subject, base: Some(base), bound }
}

const fn value([experiment, quantity, subject]: [&'static str; 3], bound: Bound) -> Target {
    Target { experiment, quantity, subject, base: None, bound }
}

pub(crate) const ALL: [Target; 16] = [
    ratio([calls::NAME, calls::RATE, calls::WEBSOCKET, calls::HTTP], AtLeast(1.2)),
    ratio([calls::NAME, calls::RATE, calls::WEBSOCKET, calls::JSONRPSEE], AtLeast(1.1)),
    ratio([calls::NAME, calls::RATE, calls::ONE_WEBSOCKET, calls::ONE_HTTP], AtLeast(3.0)),
    ratio([fanout::NAME, fanout::RATE, "callbox", "jsonrpsee"], AtLeast(3.0)),
    value([fanout::NAME, fanout::CPU, "callbox"], AtMost(8.0)),
    value([many::NAME, many::P99, many::CALLBOX_FEW], AtMost(12.0)),
    value([many::NAME, many::P99, many::CALLBOX_MANY], AtMost(90.0)),
    ratio([many::NAME, many::P99, many::CALLBOX_FEW, many::JSONRPSEE_FEW], AtMost(0.5)),
    ratio([many::NAME, many::P99, many::CALLBOX_MANY, many::JSONRPSEE_MANY], AtMost(0.5)),
    value([many::NAME, many::MEMORY, many::BEYOND_HTTP], AtMost(12.0)),
    ratio([pausers::NAME, pausers::P99, pausers::WITH, pausers::WITHOUT], AtMost(1.25)),
    value([pausers::NAME, pausers::GAPS, pausers::WITH], AtLeast(1.0)),
    value([pausers::NAME, pausers::GROWTH, pausers::WITH], AtMost(64.0)),
    ratio([beside::NAME, beside::P99, beside::WITH, beside::WITHOUT], AtMost(2.0)),
    value([beside::NAME, beside::P99, beside::WITH], AtMost(1000.0)),
    value([cancel::NAME, cancel::P99, cancel::CALLBOX], AtMost(5.0)),
];

impl Target {
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

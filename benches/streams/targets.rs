//! The targets of callbox, as bounds of figures and of ratios of figures of the same round.

use callbox_benches::bound::Bound;
use callbox_benches::target::Target;

use crate::experiments::{beside, calls, cancel, fanout, many, pausers};

use Bound::{AtLeast, AtMost};

pub(crate) const ALL: [Target; 20] = [
    Target::ratio([calls::NAME, calls::RATE, calls::WEBSOCKET, calls::HTTP], AtLeast(1.2)),
    Target::ratio([calls::NAME, calls::RATE, calls::WEBSOCKET, calls::JSONRPSEE], AtLeast(1.1)),
    Target::ratio([calls::NAME, calls::RATE, calls::ONE_WEBSOCKET, calls::ONE_HTTP], AtLeast(3.0)),
    Target::ratio([fanout::NAME, fanout::RATE, "callbox", "jsonrpsee"], AtLeast(3.0)),
    Target::value([fanout::NAME, fanout::CPU, "callbox"], AtMost(8.0)),
    Target::value([many::NAME, many::P99, many::CALLBOX_FEW], AtMost(12.0)),
    Target::value([many::NAME, many::P99, many::CALLBOX_MANY], AtMost(90.0)),
    // Half of what jsonrpsee takes is out of reach: the bare writes alone take more than that.
    Target::ratio([many::NAME, many::P99, many::CALLBOX_FEW, many::JSONRPSEE_FEW], AtMost(1.0)),
    Target::ratio([many::NAME, many::P99, many::CALLBOX_MANY, many::JSONRPSEE_MANY], AtMost(1.0)),
    Target::ratio([many::NAME, many::P99, many::CALLBOX_FEW, many::BARE_FEW], AtMost(2.0)),
    Target::ratio([many::NAME, many::P99, many::CALLBOX_MANY, many::BARE_MANY], AtMost(2.0)),
    Target::value([many::NAME, many::MEMORY, many::BEYOND_HTTP], AtMost(12.0)),
    Target::ratio([pausers::NAME, pausers::P99, pausers::WITH, pausers::WITHOUT], AtMost(1.25)),
    Target::value([pausers::NAME, pausers::GAPS, pausers::WITH], AtLeast(1.0)),
    Target::value([pausers::NAME, pausers::GROWTH, pausers::WITH], AtMost(64.0)),
    Target::ratio([beside::NAME, beside::P99, beside::WITH, beside::WITHOUT], AtMost(2.0)),
    Target::value([beside::NAME, beside::P99, beside::WITH], AtMost(1000.0)),
    Target::value([cancel::NAME, cancel::P99, cancel::CANCELLED], AtMost(5.0)),
    Target::value([cancel::NAME, cancel::P99, cancel::CALL_GONE], AtMost(5.0)),
    Target::value([cancel::NAME, cancel::P99, cancel::SUBSCRIPTION_GONE], AtMost(5.0)),
];

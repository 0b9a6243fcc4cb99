//! The targets of calls over NATS.

use callbox_benches::bound::Bound::{AtLeast, AtMost};
use callbox_benches::target::Target;

use crate::{calls, killed, outage, slow};

pub(crate) const ALL: [Target; 8] = [
    Target::ratio([calls::NAME, calls::RATE, calls::CALLBOX, calls::BARE], AtLeast(0.85)),
    Target::value([calls::NAME, calls::MORE_CPU, calls::CALLBOX], AtMost(4.0)),
    Target::value([slow::NAME, slow::RUNS, slow::CALLBOX], AtMost(3.0)),
    Target::value([slow::NAME, slow::REJECTED, slow::CALLBOX], AtMost(0.5)),
    Target::value([killed::NAME, killed::OTHERS, killed::CALLBOX], AtMost(0.0)),
    Target::value([outage::NAME, outage::BACK, outage::CALLBOX], AtMost(3000.0)),
    Target::ratio([outage::NAME, outage::P99, outage::DURING, outage::BEFORE], AtMost(1.25)),
    Target::value([outage::NAME, outage::FAILED, outage::DURING], AtMost(0.0)),
];

//! The targets of callbox, as ratios of figures of the same run.

use std::fmt;

use callbox_benches::bound::Bound;
use callbox_benches::measurement::Sample;

use crate::servers::Subject;

/// The quantity that is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Quantity {
    Calls,
    Cpu,
    P50,
    P99,
    Peak,
    /// Memory of an idle connection.
    Memory,
    /// Instructions per call. They do not depend on the machine, so a missed target fails the run.
    Instructions,
}

impl Quantity {
    pub(crate) fn of(self, sample: &Sample) -> f64 {
        match self {
            Self::Calls => sample.calls_per_second,
            Self::Cpu => sample.cpu_micros,
            Self::P50 => sample.p50_ms,
            Self::P99 => sample.p99_ms,
            Self::Peak => sample.peak_mib,
            Self::Memory | Self::Instructions => f64::NAN,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Calls => "calls/s",
            Self::Cpu => "CPU per call",
            Self::P50 => "p50",
            Self::P99 => "p99",
            Self::Peak => "peak memory",
            Self::Memory => "memory",
            Self::Instructions => "instructions per call",
        }
    }
}

use Bound::{AtLeast, AtMost};
use Quantity::{Calls, Cpu, Instructions, Memory, P50};
use Subject::{AddrSend, Bare, Callbox, CallboxActor, CallboxTraced, Jsonrpsee};

#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) workload: &'static str,
    pub(crate) subject: Subject,
    pub(crate) base: Subject,
    pub(crate) quantity: Quantity,
    bound: Bound,
}

const fn target(workload: &'static str, quantity: Quantity, base: Subject, bound: Bound) -> Target {
    Target { workload, subject: Callbox, base, quantity, bound }
}

pub(crate) const ALL: [Target; 22] = [
    target("trivial", Calls, Bare, AtLeast(0.95)),
    target("trivial", Cpu, Bare, AtMost(1.10)),
    target("trivial", Calls, AddrSend, AtLeast(1.4)),
    target("trivial", Calls, Jsonrpsee, AtLeast(1.1)),
    Target { subject: CallboxActor, ..target("trivial", Calls, AddrSend, AtLeast(1.1)) },
    target("counter", Calls, Bare, AtLeast(0.93)),
    target("counter", Cpu, Bare, AtMost(1.15)),
    target("counter", Calls, AddrSend, AtLeast(1.3)),
    target("counter", Calls, Jsonrpsee, AtLeast(1.1)),
    target("batch", Calls, Bare, AtLeast(0.75)),
    target("batch", Calls, AddrSend, AtLeast(6.0)),
    target("batch", Calls, Jsonrpsee, AtLeast(2.3)),
    target("floats", Calls, Bare, AtLeast(0.97)),
    target("floats", Calls, AddrSend, AtLeast(1.1)),
    target("floats", Calls, Jsonrpsee, AtLeast(1.1)),
    target("alone", P50, Bare, AtMost(1.10)),
    target("alone", P50, AddrSend, AtMost(0.9)),
    target("alone", P50, Jsonrpsee, AtMost(1.1)),
    target("idle", Memory, Bare, AtMost(1.1)),
    target("idle", Memory, Jsonrpsee, AtMost(1.0)),
    target("instructions", Instructions, Bare, AtMost(1.03)),
    // Nobody collects spans, so there is none.
    Target { subject: CallboxTraced, ..target("instructions", Instructions, Callbox, AtMost(1.01)) },
];

impl Target {
    pub(crate) fn is_met(&self, ratio: f64) -> bool {
        self.bound.is_met(ratio)
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, base, quantity, bound, .. } = self;
        write!(f, "{} of {subject} {bound} × {base}", quantity.name())
    }
}

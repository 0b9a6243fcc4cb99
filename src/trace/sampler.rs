//! Which calls are recorded.

use std::cell::Cell;
use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;

use callbox_client::TraceContext;

/// Decides which calls are recorded, as the samplers of OpenTelemetry do.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sampler {
    /// Whether the decision of the sender counts, if there is one.
    pub(crate) follows_parent: bool,
    /// Share of all other calls that are recorded, from 0 to 1.
    pub(crate) ratio: f64,
}

/// Set if callbox itself exports spans. Otherwise whoever asks for spans gets all of them: a layer
/// of the program has its own rules.
static SAMPLER: OnceLock<Sampler> = OnceLock::new();

/// Sets the sampler of this program.
#[cfg_attr(not(feature = "otel"), expect(dead_code, reason = "only an exporter sets it"))]
pub(crate) fn set_sampler(sampler: Sampler) {
    let _ = SAMPLER.set(sampler);
}

/// Whether a call is recorded whose sender has sent this context.
pub(super) fn is_sampled(sent: Option<&TraceContext>) -> bool {
    SAMPLER.get().is_none_or(|sampler| sampler.decides(sent))
}

impl Sampler {
    fn decides(self, sent: Option<&TraceContext>) -> bool {
        match sent {
            Some(sent) if self.follows_parent => sent.is_sampled(),
            // All services that use the same ratio choose the same traces.
            Some(sent) => self.takes(sent.ids().0 as u64),
            None => self.takes(random()),
        }
    }

    /// Whether a random number is within the ratio.
    fn takes(self, random: u64) -> bool {
        // 63 bits, as OpenTelemetry's own samplers have it.
        const ALL: u64 = 1 << 63;
        random >> 1 < (self.ratio * ALL as f64) as u64
    }
}

/// Returns a random number, which nobody needs to be unable to guess.
fn random() -> u64 {
    thread_local! {
        static STATE: Cell<u64> = Cell::new(RandomState::new().hash_one(0) | 1);
    }
    STATE.with(|state| {
        // Marsaglia's xorshift64*.
        let mut next = state.get();
        next ^= next >> 12;
        next ^= next << 25;
        next ^= next >> 27;
        state.set(next);
        next.wrapping_mul(0x2545_F491_4F6C_DD1D)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn context(trace_id: u128, is_sampled: bool) -> TraceContext {
        TraceContext::from_parts(trace_id, 1, is_sampled, None).unwrap()
    }

    #[test]
    fn the_sender_decides_if_its_decision_counts() {
        let sampler = Sampler { follows_parent: true, ratio: 0.0 };
        assert!(sampler.decides(Some(&context(1, true))) && !sampler.decides(Some(&context(1, false))));
        assert!(!sampler.decides(None));
        let sampler = Sampler { follows_parent: true, ratio: 1.0 };
        assert!(!sampler.decides(Some(&context(1, false))) && sampler.decides(None));
    }

    #[test]
    fn a_ratio_takes_its_share() {
        for (ratio, least, most) in [(0.0, 0, 0), (0.01, 50, 200), (0.5, 4500, 5500), (1.0, 10_000, 10_000)] {
            let sampler = Sampler { follows_parent: true, ratio };
            let taken = (0..10_000).filter(|_| sampler.decides(None)).count();
            assert!((least..=most).contains(&taken), "{ratio}: {taken}");
        }
    }

    #[test]
    fn without_the_decision_of_the_sender_the_trace_decides() {
        let sampler = Sampler { follows_parent: false, ratio: 0.5 };
        let (low, high) = (context(1 << 62, false), context((1 << 64) - 1, true));
        assert!(sampler.decides(Some(&low)) && !sampler.decides(Some(&high)));
    }
}

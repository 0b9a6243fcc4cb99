//! The tokens that were checked, by the result.

use crate::sync::{AtomicU64, Ordering};

/// The result of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TokenOutcome {
    /// The token is valid.
    Accepted,
    /// The token is not valid.
    Rejected,
    /// It was not checked, because its peer has sent too many wrong ones.
    Limited,
    /// The authenticator could not decide.
    Unavailable,
}

const OUTCOMES: [(TokenOutcome, &str); 4] = [
    (TokenOutcome::Accepted, "accepted"),
    (TokenOutcome::Rejected, "rejected"),
    (TokenOutcome::Limited, "limited"),
    (TokenOutcome::Unavailable, "unavailable"),
];

/// Number of tokens by the result of their check.
#[derive(Debug, Default)]
pub(crate) struct CheckedTokens([AtomicU64; OUTCOMES.len()]);

impl CheckedTokens {
    pub(crate) fn add(&self, outcome: TokenOutcome) {
        self.0[outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the name of each result, and the number of tokens.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        OUTCOMES.into_iter().map(|(outcome, name)| (name, self.0[outcome as usize].load(Ordering::Relaxed)))
    }
}

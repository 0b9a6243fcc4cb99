//! Requests that reach no method, and so are in the statistics of none.

use crate::sync::{AtomicU64, Ordering};

/// What carried a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Carrier {
    Http,
    WebSocket,
    Nats,
}

/// Why a request reached no method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RefusedReason {
    /// It is not JSON.
    Parse,
    /// It is no request, or breaks a rule of its transport.
    Invalid,
    /// There is no such method.
    UnknownMethod,
    /// Its caller may not call the method, or its host or origin may not send it.
    Access,
    /// It is larger than the limit.
    TooLarge,
}

const CARRIERS: [(Carrier, &str); 3] =
    [(Carrier::Http, "http"), (Carrier::WebSocket, "websocket"), (Carrier::Nats, "nats")];

const REASONS: [(RefusedReason, &str); 5] = [
    (RefusedReason::Parse, "parse"),
    (RefusedReason::Invalid, "invalid"),
    (RefusedReason::UnknownMethod, "unknown_method"),
    (RefusedReason::Access, "access"),
    (RefusedReason::TooLarge, "too_large"),
];

/// Number of requests that reached no method, by what carried them and by the reason.
#[derive(Debug, Default)]
pub(crate) struct RefusedRequests([[AtomicU64; REASONS.len()]; CARRIERS.len()]);

impl RefusedRequests {
    pub(crate) fn add(&self, carrier: Carrier, reason: RefusedReason) {
        self.0[carrier as usize][reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Returns the names of each carrier and each reason, and the number of requests.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        CARRIERS.into_iter().flat_map(move |(carrier, name)| {
            let count = move |reason| self.0[carrier as usize][reason as usize].load(Ordering::Relaxed);
            REASONS.into_iter().map(move |(reason, of)| (name, of, count(reason)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_under_its_own_name() {
        let refused = RefusedRequests::default();
        for (at, (reason, _)) in REASONS.into_iter().enumerate() {
            (0..=at).for_each(|_| refused.add(Carrier::WebSocket, reason));
        }
        let counts: Vec<_> = refused.counts().filter(|(.., count)| *count > 0).collect();
        let expected = [("parse", 1), ("invalid", 2), ("unknown_method", 3), ("access", 4), ("too_large", 5)];
        assert_eq!(counts, expected.map(|(reason, count)| ("websocket", reason, count)));
    }
}

//! How many wrong tokens a peer may send.

use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::{Duration, Instant};

use crate::peer::network;
use crate::sync::Mutex;

use super::recent::Recent;

/// So many peers are counted. Who has more addresses than this has as many tries anyway.
const PEERS: usize = 16_384;

/// Between two lines of the log that say a peer has sent too many.
const PAUSE: Duration = Duration::from_secs(10);

/// A bucket of tries for each peer that has failed: each failure takes one out, and time fills it up again. While it is empty, a
/// peer's tokens are not looked at, and cost it no further tries.
pub(super) struct Limiter {
    /// What a bucket holds, and what it gets back in a minute.
    tries: Option<f64>,
    peers: Recent<IpAddr, Bucket>,
    warned: Mutex<Option<Instant>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    /// Below zero if failures came in while others were on their way; these are waited for, too.
    tries: f64,
    at: Instant,
}

impl Limiter {
    /// So many failures in a minute; `None` for any number.
    pub(super) fn new(a_minute: Option<NonZeroU32>) -> Self {
        Self { tries: a_minute.map(|tries| tries.get().into()), peers: Recent::new(PEERS), warned: Mutex::default() }
    }

    /// Whether the tokens of a peer are refused at the moment. Not those of one without an address.
    pub(super) fn refuses(&self, peer: Option<IpAddr>, now: Instant) -> bool {
        let (Some(full), Some(peer)) = (self.tries, peer.map(network)) else { return false };
        self.peers.shard(&peer).get(&peer).is_some_and(|bucket| bucket.fill(full, now) < 1.0)
    }

    /// Notes that a peer has sent a wrong token.
    pub(super) fn failed(&self, peer: Option<IpAddr>, now: Instant) {
        let (Some(full), Some(peer)) = (self.tries, peer.map(network)) else { return };
        let was_last = {
            let mut shard = self.peers.shard(&peer);
            if shard.get(&peer).is_none() {
                shard.insert(peer, Bucket { tries: full, at: now });
            }
            let Some(bucket) = shard.get(&peer) else { return };
            let before = bucket.fill(full, now);
            // A debt without an end would shut a peer out for hours.
            bucket.tries = (before - 1.0).max(-full);
            before >= 1.0 && bucket.tries < 1.0
        };
        if was_last && self.may_warn(now) {
            tracing::warn!(%peer, "too many wrong tokens: this peer's tokens are refused until it has paused");
        }
    }

    fn may_warn(&self, now: Instant) -> bool {
        let mut warned = self.warned.lock();
        let due = warned.is_none_or(|warned| now.duration_since(warned) >= PAUSE);
        if due {
            *warned = Some(now);
        }
        due
    }
}

impl Bucket {
    /// Puts in what time has given back, and tells what there is now.
    fn fill(&mut self, full: f64, now: Instant) -> f64 {
        let minutes = now.saturating_duration_since(self.at).as_secs_f64() / 60.0;
        self.tries = (self.tries + full * minutes).min(full);
        self.at = self.at.max(now);
        self.tries
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("tries", &self.tries).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(a_minute: u32) -> (Limiter, Instant) {
        (Limiter::new(NonZeroU32::new(a_minute)), Instant::now())
    }

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    /// How many failures a peer can have before it is refused.
    fn tries(limiter: &Limiter, peer: Option<IpAddr>, now: Instant) -> usize {
        let fail = || (!limiter.refuses(peer, now)).then(|| limiter.failed(peer, now));
        std::iter::from_fn(fail).take(1000).count()
    }

    #[test]
    fn a_peer_has_its_tries_and_gets_them_back_with_time() {
        let (limiter, start) = limiter(60);
        let at = |seconds| start + Duration::from_secs(seconds);
        let peer = ip("10.0.0.1");
        assert_eq!(tries(&limiter, peer, start), 60);
        assert_eq!(tries(&limiter, peer, start), 0);
        assert_eq!(tries(&limiter, peer, at(1)), 1);
        assert_eq!(tries(&limiter, peer, at(11)), 10);
        assert_eq!(tries(&limiter, peer, at(1000)), 60, "no more than a full bucket");
    }

    #[test]
    fn peers_are_counted_apart_and_an_ipv6_network_as_one() {
        let (limiter, now) = limiter(2);
        assert_eq!(tries(&limiter, ip("2001:db8::1"), now), 2);
        assert_eq!(tries(&limiter, ip("2001:db8::2"), now), 0);
        assert_eq!(tries(&limiter, ip("2001:db8:0:1::1"), now), 2);
        assert_eq!(tries(&limiter, ip("10.0.0.1"), now), 2);
        assert_eq!(tries(&limiter, ip("::ffff:10.0.0.1"), now), 0);
        assert_eq!(tries(&limiter, ip("10.0.0.2"), now), 2);
    }

    #[test]
    fn failures_that_were_on_their_way_are_waited_for_too_but_not_for_ever() {
        let (limiter, start) = limiter(60);
        let peer = ip("10.0.0.1");
        for _ in 0..5000 {
            limiter.failed(peer, start);
        }
        assert!(limiter.refuses(peer, start + Duration::from_secs(60)));
        assert!(!limiter.refuses(peer, start + Duration::from_secs(62)));
    }

    #[test]
    fn without_a_limit_or_an_address_nobody_is_refused() {
        let now = Instant::now();
        assert_eq!(tries(&Limiter::new(None), ip("10.0.0.1"), now), 1000);
        assert_eq!(tries(&limiter(1).0, None, now), 1000);
    }

    #[test]
    fn the_log_is_told_seldom() {
        let (limiter, start) = limiter(1);
        assert!(limiter.may_warn(start) && !limiter.may_warn(start + PAUSE / 2));
        assert!(limiter.may_warn(start + PAUSE) && !limiter.may_warn(start + PAUSE));
    }
}

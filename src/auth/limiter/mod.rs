//! The limit of wrong tokens per peer.

mod warnings;

use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Weak;
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

use crate::peer::network;
use crate::sync::{Arc, AtomicBool, Mutex, Ordering};

use super::bounded_map::BoundedMap;
use super::digest::Digest;
use warnings::Warnings;

/// Maximum number of peers that are counted. An attacker with more addresses has as many attempts
/// anyway.
const MAX_PEERS: usize = 16_384;

/// Limits the wrong tokens of each peer.
///
/// Each peer has a bucket of attempts, which refills with time. Checking a token takes an attempt
/// out of the bucket before the result is known, and a valid token returns it. So sending many
/// tokens at the same time gains a peer nothing. While its bucket is empty, its tokens are rejected
/// without a check and cost no further attempts.
pub(super) struct Limiter {
    /// Size of a bucket, and number of attempts that it gets back per minute; `None` for no limit.
    per_minute: Option<f64>,
    peers: BoundedMap<IpAddr, Arc<Peer>>,
    warnings: Arc<Warnings>,
}

/// The state of one peer. It outlives its entry in the map while attempts are pending.
struct Peer {
    address: IpAddr,
    bucket: Mutex<Bucket>,
    /// Notified when an attempt has been returned, and when none can be returned any more.
    changed: Arc<Notify>,
    /// Shared by all peers of a limiter.
    warnings: Arc<Warnings>,
}

/// A bucket of attempts, which refills with time.
struct Bucket {
    capacity: f64,
    /// Number of attempts in the bucket, at the time of `refilled_at`.
    available: f64,
    refilled_at: Instant,
    /// Number of attempts whose tokens are being checked, so that it is not known yet whether they
    /// are returned.
    pending: usize,
    /// The pending attempts, by their tokens.
    attempts: HashMap<Digest, Weak<Attempt>>,
    /// Time of the last warning about this peer.
    last_warning: Option<Instant>,
}

/// One attempt of a peer, shared by all its requests with the same token that overlap.
///
/// The attempt is returned to the bucket when the last of them drops it, unless the token was
/// wrong.
pub(super) struct Attempt {
    peer: Arc<Peer>,
    token: Digest,
    is_used_up: AtomicBool,
}

/// The outcome of asking a peer's bucket for an attempt.
enum Acquisition {
    /// The token may be checked.
    Granted(Arc<Attempt>),
    /// All attempts are pending: try again after the notification.
    Wait(OwnedNotified),
    /// The bucket is empty.
    Rejected { retry_after: Duration },
}

/// The attempts that a peer has left.
#[derive(Debug, PartialEq)]
pub(super) enum AttemptsLeft {
    /// At least one, or the peer has no limit.
    Available,
    /// None now, but some are pending and may be returned.
    Pending,
    /// None: the peer has sent too many wrong tokens.
    Exhausted {
        /// Time until it has one.
        retry_after: Duration,
    },
}

/// The error of a peer that has sent too many wrong tokens, whose tokens are not checked.
#[derive(Debug)]
pub(super) struct TooManyFailures {
    /// Time until the peer may send another token.
    pub(super) retry_after: Duration,
}

impl Limiter {
    /// Makes a limiter of so many wrong tokens per minute and peer; `None` for no limit.
    pub(super) fn new(per_minute: Option<NonZeroU32>) -> Self {
        let per_minute = per_minute.map(|failures| failures.get().into());
        Self { per_minute, peers: BoundedMap::new(MAX_PEERS), warnings: Arc::default() }
    }

    /// Returns the attempts that a peer has left. Peers without an address have no limit.
    ///
    /// This takes no attempt: it is for tokens that may be in the cache, so that no check is
    /// needed. A check needs [`acquire`](Self::acquire).
    pub(super) fn left(&self, peer: Option<IpAddr>, now: Instant) -> AttemptsLeft {
        let (Some(_), Some(address)) = (self.per_minute, peer.map(network)) else { return AttemptsLeft::Available };
        let Some(peer) = self.peers.shard(&address).get(&address).map(|peer| Arc::clone(peer)) else {
            return AttemptsLeft::Available;
        };
        let mut bucket = peer.bucket.lock();
        match bucket.refill(now) >= 1.0 {
            true => AttemptsLeft::Available,
            false if bucket.pending > 0 => AttemptsLeft::Pending,
            false => AttemptsLeft::Exhausted { retry_after: peer.reject(&mut bucket, now) },
        }
    }

    /// Takes an attempt to check this token, which the caller holds until the result is known;
    /// `None` if the peer has no limit. Waits while all attempts of the peer are pending.
    ///
    /// # Errors
    /// If the peer has sent too many wrong tokens.
    pub(super) async fn acquire(
        &self,
        peer: Option<IpAddr>,
        token: Digest,
    ) -> Result<Option<Arc<Attempt>>, TooManyFailures> {
        loop {
            let now = Instant::now();
            let Some(peer) = self.peer(peer, now) else { return Ok(None) };
            match peer.acquire(token, now) {
                Acquisition::Granted(attempt) => return Ok(Some(attempt)),
                Acquisition::Wait(changed) => changed.await,
                Acquisition::Rejected { retry_after } => return Err(TooManyFailures { retry_after }),
            }
        }
    }

    /// Returns the peer at an address; `None` if it has no limit.
    fn peer(&self, address: Option<IpAddr>, now: Instant) -> Option<Arc<Peer>> {
        let (capacity, address) = (self.per_minute?, address.map(network)?);
        let mut shard = self.peers.shard(&address);
        if let Some(peer) = shard.get(&address) {
            return Some(Arc::clone(peer));
        }
        let peer = Arc::new(Peer::new(address, capacity, now, &self.warnings));
        shard.insert(address, Arc::clone(&peer));
        Some(peer)
    }
}

impl Peer {
    fn new(address: IpAddr, capacity: f64, now: Instant, warnings: &Arc<Warnings>) -> Self {
        let attempts = HashMap::new();
        let bucket =
            Bucket { capacity, available: capacity, refilled_at: now, pending: 0, attempts, last_warning: None };
        Self { address, bucket: Mutex::new(bucket), changed: Arc::default(), warnings: Arc::clone(warnings) }
    }

    /// Notes in the log that a token was rejected. Returns the time until the next attempt.
    fn reject(&self, bucket: &mut Bucket, now: Instant) -> Duration {
        let peer = self.address;
        log_debug!(%peer, "a token was rejected without a check: its peer sent too many wrong tokens");
        if self.warnings.take(&mut bucket.last_warning, now) {
            log_warn!(
                %peer,
                "too many wrong tokens: this peer's tokens are rejected unchecked until its limit allows more; if it \
                 is a proxy, name it in --trusted-proxies"
            );
        }
        bucket.retry_after()
    }

    fn acquire(self: Arc<Self>, token: Digest, now: Instant) -> Acquisition {
        // Declared first, so that it is dropped after the lock of the bucket is released: if this
        // is the last reference, dropping the attempt takes that lock.
        let pending;
        let mut bucket = self.bucket.lock();
        let has_attempt = bucket.refill(now) >= 1.0;
        pending = bucket.attempts.get(&token).and_then(Weak::upgrade);
        let acquisition = match &pending {
            // A token that is being checked is one guess, however often it is sent meanwhile.
            Some(attempt) if !attempt.is_used_up.load(Ordering::Acquire) => Acquisition::Granted(Arc::clone(attempt)),
            _ if has_attempt => {
                bucket.available -= 1.0;
                bucket.pending += 1;
                let attempt = Attempt { peer: Arc::clone(&self), token, is_used_up: AtomicBool::new(false) };
                let attempt = Arc::new(attempt);
                bucket.attempts.insert(token, Arc::downgrade(&attempt));
                Acquisition::Granted(attempt)
            }
            _ if bucket.pending > 0 => Acquisition::Wait(Arc::clone(&self.changed).notified_owned()),
            _ => Acquisition::Rejected { retry_after: self.reject(&mut bucket, now) },
        };
        // `notify_one` stores one permit at most, so attempts that are returned at the same time
        // may wake one waiter only. Each waiter therefore wakes the next one if it leaves an
        // attempt.
        if bucket.available >= 1.0 {
            self.changed.notify_one();
        }
        drop(bucket);
        acquisition
    }
}

impl Bucket {
    /// Adds the attempts of the time that has passed, and returns how many are available.
    fn refill(&mut self, now: Instant) -> f64 {
        let minutes = now.saturating_duration_since(self.refilled_at).as_secs_f64() / 60.0;
        // Pending attempts may be returned, so time must not replace them as well.
        let max = (self.capacity - self.pending as f64).max(0.0);
        self.available = (self.available + self.capacity * minutes).min(max);
        self.refilled_at = self.refilled_at.max(now);
        self.available
    }

    /// Returns the time until there is an attempt, if none is pending.
    fn retry_after(&self) -> Duration {
        Duration::from_secs_f64((1.0 - self.available).clamp(0.0, 1.0) / self.capacity * 60.0)
    }
}

impl Attempt {
    /// Notes that the token was wrong, so that the attempt is not returned.
    pub(super) fn use_up(&self) {
        self.is_used_up.store(true, Ordering::Release);
    }
}

impl Drop for Attempt {
    fn drop(&mut self) {
        let peer = &self.peer;
        let is_exhausted = {
            let bucket = &mut *peer.bucket.lock();
            bucket.pending -= 1;
            // The entry may belong to a newer attempt with the same token by now.
            if bucket.attempts.get(&self.token).is_some_and(|entry| entry.as_ptr() == std::ptr::from_ref(self)) {
                bucket.attempts.remove(&self.token);
            }
            if !self.is_used_up.load(Ordering::Acquire) {
                bucket.available += 1.0;
            }
            if bucket.available >= 1.0 {
                peer.changed.notify_one();
                false
            } else {
                bucket.pending == 0
            }
        };
        if is_exhausted {
            // No pending attempt is left that the waiters could get: they are rejected.
            peer.changed.notify_waiters();
        }
    }
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("per_minute", &self.per_minute).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

//! How many wrong tokens a peer may send.

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

/// Number of peers that are counted. Whoever has more addresses has as many tries anyway.
const PEERS: usize = 16_384;

/// Minimum time between two log lines about peers that have sent too many wrong tokens.
const PAUSE: Duration = Duration::from_secs(10);

/// Counts the wrong tokens of each peer.
///
/// Each peer has a bucket of tries, which time fills up again. A question about a token takes a try
/// out before it is asked, and a good token gives it back, so a peer cannot have more tokens looked
/// at by sending them at the same time. While a peer's bucket is empty, its tokens are not looked
/// at, and cost it no further tries.
pub(super) struct Limiter {
    /// What a bucket holds, and what it gets back in a minute.
    tries: Option<f64>,
    peers: BoundedMap<IpAddr, Arc<Peer>>,
    warned: Arc<Mutex<Option<Instant>>>,
}

/// What is known of a peer. It outlives its place among the recent ones while tries are out.
struct Peer {
    address: IpAddr,
    bucket: Mutex<Bucket>,
    /// Told when a try has come back, or can no longer come back.
    changed: Arc<Notify>,
    /// Shared by all peers of a limiter.
    warned: Arc<Mutex<Option<Instant>>>,
}

struct Bucket {
    full: f64,
    tries: f64,
    at: Instant,
    /// Number of tries that are out: it is not known yet whether they come back.
    out: usize,
    /// The tokens that these tries were taken for.
    asked: HashMap<Digest, Weak<Try>>,
}

/// A try of a peer, taken for the questions about one token that it has open at a time.
///
/// It is given back when the last of them lets go of it, unless the token was wrong.
pub(super) struct Try {
    peer: Arc<Peer>,
    token: Digest,
    is_spent: AtomicBool,
}

/// The answer to a peer that wants to ask about a token.
enum TakeOutcome {
    /// It may ask.
    Ask(Arc<Try>),
    /// All its tries are out, but some of them may come back: look again after that.
    Wait(OwnedNotified),
    Refused,
}

/// What is left of a peer's tries at a moment.
#[derive(Debug, PartialEq)]
pub(super) enum TriesLeft {
    /// It has a try, or needs none.
    Available,
    /// All its tries are out, but some of them may come back.
    Pending,
    /// It has sent too many wrong tokens.
    Exhausted,
}

/// A peer that has sent too many wrong tokens, whose tokens are not looked at.
#[derive(Debug)]
pub(super) struct TooManyFailures;

impl Limiter {
    /// Allows so many wrong tokens in a minute; `None` for any number.
    pub(super) fn new(a_minute: Option<NonZeroU32>) -> Self {
        let tries = a_minute.map(|tries| tries.get().into());
        Self { tries, peers: BoundedMap::new(PEERS), warned: Arc::default() }
    }

    /// Returns what is left of a peer's tries. Peers without an address always have some.
    ///
    /// Takes none: it is for callers whose decision may be known already, so that no question is
    /// needed. Whoever asks one has to [`take`](Self::take) a try.
    pub(super) fn left(&self, peer: Option<IpAddr>, now: Instant) -> TriesLeft {
        let (Some(_), Some(address)) = (self.tries, peer.map(network)) else { return TriesLeft::Available };
        let Some(peer) = self.peers.shard(&address).get(&address).map(|peer| Arc::clone(peer)) else {
            return TriesLeft::Available;
        };
        let mut bucket = peer.bucket.lock();
        match bucket.fill(now) >= 1.0 {
            true => TriesLeft::Available,
            false if bucket.out > 0 => TriesLeft::Pending,
            false => TriesLeft::Exhausted,
        }
    }

    /// Takes a try for a question about this token, which is to be held until the answer is known.
    /// Waits while all tries of the peer are out; peers without a limit need none.
    ///
    /// # Errors
    /// If the peer has sent too many wrong tokens.
    pub(super) async fn take(&self, peer: Option<IpAddr>, token: Digest) -> Result<Option<Arc<Try>>, TooManyFailures> {
        loop {
            let now = Instant::now();
            let Some(peer) = self.peer(peer, now) else { return Ok(None) };
            match peer.take(token, now) {
                TakeOutcome::Ask(taken) => return Ok(Some(taken)),
                TakeOutcome::Wait(changed) => changed.await,
                TakeOutcome::Refused => return Err(TooManyFailures),
            }
        }
    }

    /// The peer at an address, if it is counted.
    fn peer(&self, address: Option<IpAddr>, now: Instant) -> Option<Arc<Peer>> {
        let (full, address) = (self.tries?, address.map(network)?);
        let mut shard = self.peers.shard(&address);
        if let Some(peer) = shard.get(&address) {
            return Some(Arc::clone(peer));
        }
        let peer = Arc::new(Peer::new(address, full, now, &self.warned));
        shard.insert(address, Arc::clone(&peer));
        Some(peer)
    }
}

impl Peer {
    fn new(address: IpAddr, full: f64, now: Instant, warned: &Arc<Mutex<Option<Instant>>>) -> Self {
        let bucket = Bucket { full, tries: full, at: now, out: 0, asked: HashMap::new() };
        let (changed, warned) = (Arc::default(), Arc::clone(warned));
        Self { address, bucket: Mutex::new(bucket), changed, warned }
    }

    fn take(self: Arc<Self>, token: Digest, now: Instant) -> TakeOutcome {
        // Let go of after the bucket, which the last one to let go of a try needs.
        let same;
        let mut bucket = self.bucket.lock();
        let has_try = bucket.fill(now) >= 1.0;
        same = bucket.asked.get(&token).and_then(Weak::upgrade);
        let turn = match &same {
            // A token that is being asked about is one guess, however often it is sent meanwhile.
            Some(same) if !same.is_spent.load(Ordering::Acquire) => TakeOutcome::Ask(Arc::clone(same)),
            _ if has_try => {
                bucket.tries -= 1.0;
                bucket.out += 1;
                let taken = Try { peer: Arc::clone(&self), token, is_spent: AtomicBool::new(false) };
                let taken = Arc::new(taken);
                bucket.asked.insert(token, Arc::downgrade(&taken));
                TakeOutcome::Ask(taken)
            }
            _ if bucket.out > 0 => TakeOutcome::Wait(Arc::clone(&self.changed).notified_owned()),
            _ => TakeOutcome::Refused,
        };
        // Of tries that come back at the same time, one waiter may be told only. Each waiter that
        // was told tells the next one what it leaves.
        if bucket.tries >= 1.0 {
            self.changed.notify_one();
        }
        drop(bucket);
        turn
    }
}

impl Bucket {
    /// Puts in what time has given back, and returns what there is now.
    fn fill(&mut self, now: Instant) -> f64 {
        let minutes = now.saturating_duration_since(self.at).as_secs_f64() / 60.0;
        // What is out may come back, and is not given twice.
        let most = (self.full - self.out as f64).max(0.0);
        self.tries = (self.tries + self.full * minutes).min(most);
        self.at = self.at.max(now);
        self.tries
    }
}

impl Try {
    /// The token was wrong: the try does not come back.
    pub(super) fn spend(&self) {
        self.is_spent.store(true, Ordering::Release);
    }
}

impl Drop for Try {
    fn drop(&mut self) {
        let peer = &self.peer;
        let is_last = {
            let bucket = &mut *peer.bucket.lock();
            bucket.out -= 1;
            // By now it may be another try for the same token.
            if bucket.asked.get(&self.token).is_some_and(|asked| asked.as_ptr() == std::ptr::from_ref(self)) {
                bucket.asked.remove(&self.token);
            }
            if !self.is_spent.load(Ordering::Acquire) {
                bucket.tries += 1.0;
            }
            if bucket.tries >= 1.0 {
                peer.changed.notify_one();
                false
            } else {
                bucket.out == 0
            }
        };
        if is_last {
            // Those who wait have nothing to wait for.
            peer.changed.notify_waiters();
            if may_warn(&peer.warned, Instant::now()) {
                let peer = peer.address;
                log_warn!(%peer, "too many wrong tokens: this peer's tokens are refused until it has paused");
            }
        }
    }
}

fn may_warn(warned: &Mutex<Option<Instant>>, now: Instant) -> bool {
    let mut warned = warned.lock();
    let due = warned.is_none_or(|warned| now.duration_since(warned) >= PAUSE);
    if due {
        *warned = Some(now);
    }
    due
}

impl fmt::Debug for Limiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limiter").field("tries", &self.tries).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;

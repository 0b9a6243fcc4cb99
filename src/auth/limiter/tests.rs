use std::pin::pin;
use std::task::Poll;

use futures::FutureExt;
use futures::poll;

use super::*;

fn limiter(a_minute: u32) -> (Limiter, Instant) {
    (Limiter::new(NonZeroU32::new(a_minute)), Instant::now())
}

fn ip(text: &str) -> Option<IpAddr> {
    Some(text.parse().unwrap())
}

fn token(n: usize) -> Digest {
    Digest::of(&n.to_string())
}

/// Takes an attempt at a moment, if there is one. Without a limit there is nothing to take.
fn take(limiter: &Limiter, peer: Option<IpAddr>, n: usize, now: Instant) -> Option<Option<Arc<Attempt>>> {
    let Some(peer) = limiter.peer(peer, now) else { return Some(None) };
    match peer.acquire(token(n), now) {
        Acquisition::Granted(attempt) => Some(Some(attempt)),
        Acquisition::Wait(_) | Acquisition::Rejected { .. } => None,
    }
}

fn settle(attempt: Option<Arc<Attempt>>, is_valid: bool) {
    if let Some(attempt) = attempt.filter(|_| !is_valid) {
        attempt.use_up();
    }
}

/// Returns how many wrong tokens a peer can send before it is rejected.
fn failures(limiter: &Limiter, peer: Option<IpAddr>, now: Instant) -> usize {
    let fail = |n| take(limiter, peer, n, now).map(|taken| settle(taken, false));
    (0..1000).map_while(fail).count()
}

/// Returns when a peer that has no attempt left gets one, in whole milliseconds.
fn retry_after(limiter: &Limiter, peer: Option<IpAddr>, now: Instant) -> Duration {
    let AttemptsLeft::Exhausted { retry_after } = limiter.left(peer, now) else { panic!("it has attempts") };
    Duration::from_millis((retry_after.as_secs_f64() * 1000.0).round() as u64)
}

#[test]
fn a_peer_has_its_attempts_and_gets_them_back_with_time() {
    let (limiter, start) = limiter(60);
    let at = |seconds| start + Duration::from_secs(seconds);
    let peer = ip("10.0.0.1");
    assert_eq!(limiter.left(peer, start), AttemptsLeft::Available);
    assert_eq!(failures(&limiter, peer, start), 60);
    assert_eq!(failures(&limiter, peer, start), 0);
    assert_eq!(retry_after(&limiter, peer, start), Duration::from_secs(1));
    assert_eq!(retry_after(&limiter, peer, start + Duration::from_millis(250)), Duration::from_millis(750));
    assert_eq!(failures(&limiter, peer, at(1)), 1);
    assert_eq!(failures(&limiter, peer, at(11)), 10);
    assert_eq!(failures(&limiter, peer, at(1000)), 60, "no more than a full bucket");
}

#[test]
fn peers_are_counted_apart_and_an_ipv6_network_as_one() {
    let (limiter, now) = limiter(2);
    assert_eq!(failures(&limiter, ip("2001:db8::1"), now), 2);
    assert_eq!(failures(&limiter, ip("2001:db8::2"), now), 0);
    assert_eq!(failures(&limiter, ip("2001:db8:0:1::1"), now), 2);
    assert_eq!(failures(&limiter, ip("10.0.0.1"), now), 2);
    assert_eq!(failures(&limiter, ip("::ffff:10.0.0.1"), now), 0);
    assert_eq!(failures(&limiter, ip("10.0.0.2"), now), 2);
}

#[test]
fn an_attempt_is_pending_until_its_result_and_returned_if_the_token_was_valid() {
    let (limiter, now) = limiter(3);
    let peer = ip("10.0.0.1");
    let mut taken: Vec<_> = (0..3).map(|n| take(&limiter, peer, n, now).expect("an attempt")).collect();
    assert_eq!(limiter.left(peer, now), AttemptsLeft::Pending);
    assert!(take(&limiter, peer, 3, now).is_none());
    assert!(take(&limiter, peer, 3, now + Duration::from_secs(600)).is_none(), "time does not replace pending ones");
    settle(taken.remove(0), true);
    assert_eq!(limiter.left(peer, now), AttemptsLeft::Available);
    taken.push(take(&limiter, peer, 3, now).expect("the returned one"));
    taken.into_iter().for_each(|taken| settle(taken, false));
    assert_eq!(retry_after(&limiter, peer, now + Duration::from_secs(601)), Duration::from_secs(19));
    assert_eq!(limiter.left(peer, now + Duration::from_secs(620)), AttemptsLeft::Available);
    assert_eq!(failures(&limiter, peer, now + Duration::from_secs(6000)), 3);
}

#[test]
fn requests_with_one_token_at_a_time_are_one_attempt() {
    let (limiter, now) = limiter(2);
    let peer = ip("10.0.0.1");
    let same: Vec<_> = (0..5).map(|_| take(&limiter, peer, 0, now).expect("the same attempt")).collect();
    let other = take(&limiter, peer, 1, now).expect("the other attempt");
    assert!(take(&limiter, peer, 2, now).is_none());
    same.into_iter().for_each(|taken| settle(taken, false));
    assert_eq!(limiter.left(peer, now), AttemptsLeft::Pending);
    settle(other, true);
    assert_eq!(failures(&limiter, peer, now), 1, "five results used up one attempt");
}

#[test]
fn a_wrong_token_that_is_sent_again_is_another_attempt() {
    let (limiter, now) = limiter(2);
    let peer = ip("10.0.0.1");
    let first = take(&limiter, peer, 0, now).expect("an attempt").expect("a limit");
    first.use_up();
    let again = take(&limiter, peer, 0, now).expect("an attempt");
    assert!(take(&limiter, peer, 0, now).is_some(), "while that one is being checked");
    drop(first);
    assert!(take(&limiter, peer, 0, now).is_some(), "the older one is not mixed up with it");
    settle(again, false);
    assert!(retry_after(&limiter, peer, now) > Duration::ZERO);
}

#[tokio::test]
async fn a_waiter_gets_a_returned_attempt_and_is_rejected_when_none_can_return() {
    let (limiter, now) = limiter(2);
    let peer = ip("10.0.0.1");
    let out: Vec<_> = (0..2).map(|n| take(&limiter, peer, n, now).expect("an attempt")).collect();
    let [mut first, mut second, mut third] = [2, 3, 4].map(|n| Box::pin(limiter.acquire(peer, token(n))));
    for waiting in [&mut first, &mut second, &mut third] {
        assert!(poll!(waiting).is_pending());
    }
    // Both at once, before a waiter runs.
    out.into_iter().for_each(|taken| settle(taken, true));
    let first = first.now_or_never().expect("one is back").expect("an attempt");
    let second = second.now_or_never().expect("the other, too").expect("an attempt");
    assert!(poll!(&mut third).is_pending());
    settle(first, false);
    assert!(poll!(&mut third).is_pending(), "one may still come back");
    settle(second, false);
    assert!(third.now_or_never().expect("none can come back").is_err());
}

#[tokio::test]
async fn a_waiter_that_leaves_takes_no_attempt_with_it() {
    let (limiter, now) = limiter(1);
    let peer = ip("10.0.0.1");
    let out = take(&limiter, peer, 0, now).expect("an attempt");
    let mut stays = pin!(limiter.acquire(peer, token(2)));
    {
        let mut leaves = pin!(limiter.acquire(peer, token(1)));
        assert!(poll!(&mut leaves).is_pending() && poll!(&mut stays).is_pending());
        // It is notified, and leaves before it looks.
        settle(out, true);
    }
    assert!(matches!(poll!(&mut stays), Poll::Ready(Ok(Some(_)))));
}

#[test]
fn a_peer_that_the_map_drops_meanwhile_does_no_harm() {
    let (limiter, now) = limiter(1);
    let peer = ip("10.0.0.1");
    let out = take(&limiter, peer, 0, now).expect("an attempt");
    for n in 0..100_000_u32 {
        let other = IpAddr::from((0x0b00_0000 + n).to_be_bytes());
        drop(take(&limiter, Some(other), 0, now));
    }
    assert_eq!(limiter.left(peer, now), AttemptsLeft::Available, "its entry was dropped");
    assert!(take(&limiter, peer, 1, now).is_some());
    settle(out, false);
    assert_eq!(failures(&limiter, peer, now), 1);
}

#[test]
fn without_a_limit_or_an_address_nobody_is_rejected() {
    let now = Instant::now();
    assert_eq!(failures(&Limiter::new(None), ip("10.0.0.1"), now), 1000);
    assert_eq!(failures(&limiter(1).0, None, now), 1000);
}

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

/// Takes a try at a moment, if there is one. Without a limit there is nothing to take.
fn take(limiter: &Limiter, peer: Option<IpAddr>, n: usize, now: Instant) -> Option<Option<Arc<Try>>> {
    let Some(peer) = limiter.peer(peer, now) else { return Some(None) };
    match peer.take(token(n), now) {
        TakeOutcome::Ask(taken) => Some(Some(taken)),
        TakeOutcome::Wait(_) | TakeOutcome::Refused => None,
    }
}

fn settle(taken: Option<Arc<Try>>, is_good: bool) {
    if let Some(taken) = taken.filter(|_| !is_good) {
        taken.spend();
    }
}

/// Returns how many wrong tokens a peer can send before it is refused.
fn tries(limiter: &Limiter, peer: Option<IpAddr>, now: Instant) -> usize {
    let fail = |n| take(limiter, peer, n, now).map(|taken| settle(taken, false));
    (0..1000).map_while(fail).count()
}

#[test]
fn a_peer_has_its_tries_and_gets_them_back_with_time() {
    let (limiter, start) = limiter(60);
    let at = |seconds| start + Duration::from_secs(seconds);
    let peer = ip("10.0.0.1");
    assert_eq!(limiter.left(peer, start), TriesLeft::Available);
    assert_eq!(tries(&limiter, peer, start), 60);
    assert_eq!(tries(&limiter, peer, start), 0);
    assert_eq!(limiter.left(peer, start), TriesLeft::Exhausted);
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
fn a_try_is_out_until_its_answer_and_comes_back_if_the_token_was_good() {
    let (limiter, now) = limiter(3);
    let peer = ip("10.0.0.1");
    let mut taken: Vec<_> = (0..3).map(|n| take(&limiter, peer, n, now).expect("a try")).collect();
    assert_eq!(limiter.left(peer, now), TriesLeft::Pending);
    assert!(take(&limiter, peer, 3, now).is_none());
    assert!(take(&limiter, peer, 3, now + Duration::from_secs(600)).is_none(), "time gives none twice");
    settle(taken.remove(0), true);
    assert_eq!(limiter.left(peer, now), TriesLeft::Available);
    taken.push(take(&limiter, peer, 3, now).expect("the one that came back"));
    taken.into_iter().for_each(|taken| settle(taken, false));
    assert_eq!(limiter.left(peer, now + Duration::from_secs(601)), TriesLeft::Exhausted);
    assert_eq!(limiter.left(peer, now + Duration::from_secs(620)), TriesLeft::Available);
    assert_eq!(tries(&limiter, peer, now + Duration::from_secs(6000)), 3);
}

#[test]
fn questions_about_one_token_at_a_time_are_one_try() {
    let (limiter, now) = limiter(2);
    let peer = ip("10.0.0.1");
    let same: Vec<_> = (0..5).map(|_| take(&limiter, peer, 0, now).expect("the same try")).collect();
    let other = take(&limiter, peer, 1, now).expect("the other try");
    assert!(take(&limiter, peer, 2, now).is_none());
    same.into_iter().for_each(|taken| settle(taken, false));
    assert_eq!(limiter.left(peer, now), TriesLeft::Pending);
    settle(other, true);
    assert_eq!(tries(&limiter, peer, now), 1, "five answers took one try");
}

#[test]
fn a_token_that_was_wrong_is_another_guess_when_it_is_sent_again() {
    let (limiter, now) = limiter(2);
    let peer = ip("10.0.0.1");
    let first = take(&limiter, peer, 0, now).expect("a try").expect("a limit");
    first.spend();
    let again = take(&limiter, peer, 0, now).expect("a try");
    assert!(take(&limiter, peer, 0, now).is_some(), "while that one is asked about");
    drop(first);
    assert!(take(&limiter, peer, 0, now).is_some(), "the older one is not mixed up with it");
    settle(again, false);
    assert_eq!(limiter.left(peer, now), TriesLeft::Exhausted);
}

#[tokio::test]
async fn who_waits_gets_what_comes_back_and_is_refused_when_nothing_can() {
    let (limiter, now) = limiter(2);
    let peer = ip("10.0.0.1");
    let out: Vec<_> = (0..2).map(|n| take(&limiter, peer, n, now).expect("a try")).collect();
    let [mut first, mut second, mut third] = [2, 3, 4].map(|n| Box::pin(limiter.take(peer, token(n))));
    for waiting in [&mut first, &mut second, &mut third] {
        assert!(poll!(waiting).is_pending());
    }
    // Both at once, before anybody looks.
    out.into_iter().for_each(|taken| settle(taken, true));
    let first = first.now_or_never().expect("one is back").expect("a try");
    let second = second.now_or_never().expect("the other, too").expect("a try");
    assert!(poll!(&mut third).is_pending());
    settle(first, false);
    assert!(poll!(&mut third).is_pending(), "one may still come back");
    settle(second, false);
    assert!(third.now_or_never().expect("none can come back").is_err());
}

#[tokio::test]
async fn a_waiter_that_leaves_takes_no_try_along() {
    let (limiter, now) = limiter(1);
    let peer = ip("10.0.0.1");
    let out = take(&limiter, peer, 0, now).expect("a try");
    let mut stays = pin!(limiter.take(peer, token(2)));
    {
        let mut leaves = pin!(limiter.take(peer, token(1)));
        assert!(poll!(&mut leaves).is_pending() && poll!(&mut stays).is_pending());
        // It is told, and leaves before it looks.
        settle(out, true);
    }
    assert!(matches!(poll!(&mut stays), Poll::Ready(Ok(Some(_)))));
}

#[test]
fn a_peer_that_is_forgotten_meanwhile_does_no_harm() {
    let (limiter, now) = limiter(1);
    let peer = ip("10.0.0.1");
    let out = take(&limiter, peer, 0, now).expect("a try");
    for n in 0..100_000_u32 {
        let other = IpAddr::from((0x0b00_0000 + n).to_be_bytes());
        drop(take(&limiter, Some(other), 0, now));
    }
    assert_eq!(limiter.left(peer, now), TriesLeft::Available, "forgotten");
    assert!(take(&limiter, peer, 1, now).is_some());
    settle(out, false);
    assert_eq!(tries(&limiter, peer, now), 1);
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
    let may_warn = |now| may_warn(&limiter.warned, now);
    assert!(may_warn(start) && !may_warn(start + PAUSE / 2));
    assert!(may_warn(start + PAUSE) && !may_warn(start + PAUSE));
}

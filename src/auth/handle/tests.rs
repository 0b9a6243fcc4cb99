use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use actix::System;
use futures::future::{join, join_all};
use tokio::sync::Semaphore;
use tokio::time::sleep;

use crate::BoxError;

use super::*;

/// An authenticator that waits for a permit of the test, and counts how often it was asked.
struct Gated {
    gate: Semaphore,
    asked: AtomicUsize,
    keep_for: Duration,
    generation: AtomicU64,
}

impl Gated {
    fn new(permits: usize, keep_for: Duration) -> Arc<Self> {
        Arc::new(Self { gate: Semaphore::new(permits), asked: 0.into(), keep_for, generation: 0.into() })
    }

    fn asked(&self) -> usize {
        self.asked.swap(0, Ordering::SeqCst)
    }
}

/// The authenticator, of which the test keeps a reference.
struct SharedGated(Arc<Gated>);

impl Authenticate for SharedGated {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        self.0.asked.fetch_add(1, Ordering::SeqCst);
        self.0.gate.acquire().await?.forget();
        match token {
            "panic" => panic!("on purpose"),
            "away" => Err("the database is away".into()),
            name if name.starts_with("bad") => Ok(None),
            name => Ok(Some(Caller::named(name))),
        }
    }

    fn keep_for(&self) -> Duration {
        self.0.keep_for
    }

    fn generation(&self) -> u64 {
        self.0.generation.load(Ordering::SeqCst)
    }
}

const KEPT: Duration = Duration::from_secs(60);
const MANY: usize = 1000;

fn start(gated: &Arc<Gated>, change: impl FnOnce(&mut AuthLimits)) -> AuthHandle {
    let mut limits = AuthLimits::new(None);
    change(&mut limits);
    AuthHandle::start(SharedGated(Arc::clone(gated)), limits)
}

fn name(answer: Result<Caller, NotChecked>) -> Option<String> {
    answer.unwrap().name().map(str::to_owned)
}

async fn until(holds: impl Fn() -> bool) {
    while !holds() {
        sleep(Duration::from_millis(1)).await;
    }
}

fn run(test: impl Future<Output = ()>) {
    System::new().block_on(async {
        tokio::time::timeout(Duration::from_secs(60), test).await.expect("it ends");
    });
}

#[test]
fn different_tokens_are_checked_concurrently() {
    run(async {
        let gated = Gated::new(0, Duration::ZERO);
        let auth = start(&gated, |_| ());
        let names: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let callers = join_all(names.iter().map(|name| auth.authenticate(name, None)));
        let all_asked = async {
            until(|| gated.asked.load(Ordering::SeqCst) == 100).await;
            gated.gate.add_permits(100);
        };
        let (callers, ()) = join(callers, all_asked).await;
        for (caller, expected) in callers.into_iter().zip(&names) {
            assert_eq!(name(caller).as_ref(), Some(expected));
        }
    });
}

#[test]
fn requests_with_one_token_that_overlap_share_one_check() {
    run(async {
        for keep_for in [Duration::ZERO, KEPT] {
            let gated = Gated::new(0, keep_for);
            let auth = start(&gated, |_| ());
            let all = join_all((0..100).map(|_| auth.authenticate("ann", None)));
            let last = async {
                until(|| auth.permits.available_permits() == auth.limits.max_pending - 100).await;
                // The actor handles messages in order: once it checks this one, it has handled all
                // others.
                let last = auth.authenticate("bob", None);
                let let_go = async {
                    until(|| gated.asked.load(Ordering::SeqCst) == 2).await;
                    gated.gate.add_permits(2);
                };
                join(last, let_go).await
            };
            let (callers, (last, ())) = join(all, last).await;
            assert_eq!(name(last).as_deref(), Some("bob"));
            assert!(callers.into_iter().all(|caller| name(caller).as_deref() == Some("ann")));
            assert_eq!(gated.asked(), 2);
            assert_eq!(auth.permits.available_permits(), auth.limits.max_pending, "all are given back");
        }
    });
}

#[test]
fn a_valid_token_is_checked_again_only_if_its_decision_may_not_be_cached() {
    run(async {
        for (keep_for, asked) in [(Duration::ZERO, 5), (KEPT, 1)] {
            let gated = Gated::new(MANY, keep_for);
            let auth = start(&gated, |_| ());
            for _ in 0..5 {
                assert_eq!(name(auth.authenticate("ann", None).await).as_deref(), Some("ann"));
            }
            assert_eq!(gated.asked(), asked);
        }
    });
}

#[test]
fn neither_errors_nor_invalid_tokens_are_cached() {
    run(async {
        let gated = Gated::new(MANY, KEPT);
        let auth = start(&gated, |_| ());
        for token in ["away", "panic", "bad"] {
            for _ in 0..3 {
                let answer = auth.authenticate(token, None).await;
                assert_eq!(answer.map(|caller| caller.is_authenticated()).ok(), (token == "bad").then_some(false));
            }
            assert_eq!(gated.asked(), 3, "{token}");
        }
        assert_eq!(name(auth.authenticate("ann", None).await).as_deref(), Some("ann"), "the actor lives on");
    });
}

#[test]
fn a_change_of_the_generation_invalidates_the_cache_and_repeats_checks_in_progress() {
    run(async {
        let gated = Gated::new(1, KEPT);
        let auth = start(&gated, |_| ());
        name(auth.authenticate("ann", None).await);
        gated.generation.store(1, Ordering::SeqCst);
        let again = auth.authenticate("ann", None);
        let change = async {
            until(|| gated.asked.load(Ordering::SeqCst) == 2).await;
            gated.generation.store(2, Ordering::SeqCst);
            gated.gate.add_permits(MANY);
        };
        let (caller, ()) = join(again, change).await;
        assert_eq!(name(caller).as_deref(), Some("ann"));
        assert_eq!(gated.asked(), 3, "once, again after the first change, and once more as the second came meanwhile");
    });
}

#[test]
fn with_a_generation_that_changes_all_the_time_nobody_is_admitted() {
    struct Restless(AtomicU64);
    impl Authenticate for Restless {
        async fn authenticate(&self, _: &str) -> Result<Option<Caller>, BoxError> {
            Ok(Some(Caller::named("ann")))
        }
        fn generation(&self) -> u64 {
            self.0.fetch_add(1, Ordering::SeqCst)
        }
    }
    run(async {
        let auth = AuthHandle::start(Restless(0.into()), AuthLimits::new(None));
        assert!(auth.authenticate("ann", None).await.is_err());
    });
}

#[test]
fn while_an_authenticator_does_not_answer_nobody_is_admitted_and_its_permits_return() {
    run(async {
        let gated = Gated::new(0, KEPT);
        let auth = start(&gated, |limits| {
            limits.max_pending = 2;
            limits.timeout = Duration::from_millis(50);
        });
        let (a, b, c) = futures::future::join3(auth.authenticate("a", None), auth.authenticate("b", None), async {
            until(|| auth.permits.available_permits() == 0).await;
            auth.authenticate("c", None).await
        })
        .await;
        assert!(a.is_err() && b.is_err(), "slow");
        assert!(c.is_err(), "full");
        until(|| auth.permits.available_permits() == 2).await;
        gated.gate.add_permits(MANY);
        // On a busy machine it may be late once more.
        while auth.authenticate("a", None).await.is_err() {}
    });
}

#[test]
fn with_a_dead_actor_nobody_is_admitted() {
    struct Deadly;
    impl Authenticate for Deadly {
        async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
            if token == "death" {
                Arbiter::current().stop();
                std::future::pending::<()>().await;
            }
            Ok(Some(Caller::named(token)))
        }
    }
    run(async {
        let auth = AuthHandle::start(Deadly, AuthLimits::new(None));
        assert!(auth.authenticate("ann", None).await.is_ok());
        assert!(auth.authenticate("death", None).await.is_err());
        assert!(auth.authenticate("ann", None).await.is_err());
    });
}

#[test]
fn a_peer_with_too_many_failures_is_rejected_without_a_check_whatever_its_token() {
    run(async {
        let gated = Gated::new(MANY, KEPT);
        let auth = start(&gated, |limits| limits.failures_per_minute = NonZeroU32::new(3));
        let (peer, other) = (Some("10.0.0.1".parse().unwrap()), Some("10.0.0.2".parse().unwrap()));
        assert_eq!(name(auth.authenticate("ann", peer).await).as_deref(), Some("ann"));
        for _ in 0..3 {
            assert_eq!(name(auth.authenticate("bad", peer).await), None);
        }
        // A wrong one, a good one whose decision is kept, and a good one that was never seen.
        for token in ["bad", "ann", "bob"] {
            let answer = auth.authenticate(token, peer).await;
            let Err(NotChecked::Limited { retry_after }) = answer else { panic!("{token}: {answer:?}") };
            assert!(!retry_after.is_zero() && retry_after <= Duration::from_secs(20), "{token}: {retry_after:?}");
        }
        assert_eq!(gated.asked(), 1 + 3);
        assert_eq!(gated.asked(), 0);
        assert_eq!(name(auth.authenticate("ann", other).await).as_deref(), Some("ann"));
        for _ in 0..10 {
            assert!(auth.authenticate("away", other).await.is_err(), "not a failure of the peer");
        }
        assert_eq!(name(auth.authenticate("ann", other).await).as_deref(), Some("ann"));
    });
}

/// Sends wrong tokens from one address, all at the same time, and a good one as the last of them.
/// Returns the good one's caller.
async fn guess(auth: &AuthHandle, wrong: impl Fn(usize) -> String, good: &str) -> Option<String> {
    let peer = Some("10.0.0.1".parse().unwrap());
    let guesses: Vec<_> = (0..4096).map(wrong).collect();
    let answers = join_all(guesses.iter().map(|token| auth.authenticate(token, peer)));
    let (answers, good) = join(answers, auth.authenticate(good, peer)).await;
    let is_refused = |caller: Result<Caller, _>| match caller {
        Ok(caller) => !caller.is_authenticated(),
        Err(not_checked) => matches!(not_checked, NotChecked::Limited { .. }),
    };
    assert!(answers.into_iter().all(is_refused));
    good.ok().and_then(|caller| caller.name().map(str::to_owned))
}

/// Counts how often another authenticator is asked.
struct CountingAuthenticator<A>(A, Arc<AtomicUsize>);

impl<A: Authenticate> Authenticate for CountingAuthenticator<A> {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        self.1.fetch_add(1, Ordering::SeqCst);
        self.0.authenticate(token).await
    }

    fn keep_for(&self) -> Duration {
        self.0.keep_for()
    }

    fn generation(&self) -> u64 {
        self.0.generation()
    }
}

#[test]
fn wrong_tokens_that_are_sent_at_the_same_time_are_counted_before_they_are_checked() {
    /// Knows one token, and takes its time.
    struct Slow;
    impl Authenticate for Slow {
        async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
            sleep(Duration::from_millis(50)).await;
            Ok((token == "good").then(Caller::token_holder))
        }
    }
    async fn checked<A: Authenticate>(authenticator: A, good: &str) -> usize {
        let asked = Arc::default();
        let limits = AuthLimits::new(NonZeroU32::new(60));
        let auth = AuthHandle::start(CountingAuthenticator(authenticator, Arc::clone(&asked)), limits);
        let known = guess(&auth, |n| format!("cbx_{n:012x}_{n}"), good).await;
        assert_eq!(known, None, "a good token that comes too late is no exception");
        asked.load(Ordering::SeqCst)
    }
    run(async {
        assert_eq!(checked(Slow, "good").await, 60);
        let closure = |token: &str| token == "good";
        assert_eq!(checked(closure, "good").await, 60);
        let directory = tempfile::tempdir().unwrap();
        let file = crate::auth::TokenFile::new(directory.path().join("tokens.toml"));
        let ann = file.issue("ann", &[], None).unwrap();
        let tokens = crate::auth::Tokens::open(file.path()).unwrap();
        assert_eq!(checked(tokens, ann.reveal()).await, 60);
        #[cfg(feature = "jwt")]
        {
            let keys = format!(r#"{{"keys":[{{"kty":"oct","kid":"one","k":"{}"}}]}}"#, "AQEB".repeat(11));
            let jwt = crate::auth::Jwt::new("issuer", "audience", &keys).unwrap();
            assert_eq!(checked(jwt, "").await, 60);
        }
    });
}

#[test]
fn valid_tokens_that_are_sent_at_the_same_time_are_all_admitted_however_few_attempts_there_are() {
    run(async {
        for keep_for in [Duration::ZERO, KEPT] {
            let gated = Gated::new(MANY, keep_for);
            let auth = start(&gated, |limits| limits.failures_per_minute = NonZeroU32::new(3));
            let peer = Some("10.0.0.1".parse().unwrap());
            let names: Vec<String> = (0..MANY).map(|n| n.to_string()).collect();
            let callers = join_all(names.iter().map(|name| auth.authenticate(name, peer))).await;
            for (caller, expected) in callers.into_iter().zip(&names) {
                assert_eq!(name(caller).as_ref(), Some(expected));
            }
        }
    });
}

#[test]
fn requests_that_nobody_waits_for_any_more_are_counted_too() {
    run(async {
        let gated = Gated::new(0, Duration::ZERO);
        let auth = start(&gated, |limits| limits.failures_per_minute = NonZeroU32::new(3));
        let peer = Some("10.0.0.1".parse().unwrap());
        for n in 0..10 {
            // Asked about, and left at once.
            let question = format!("panic {n}");
            let _ = tokio::time::timeout(Duration::from_millis(5), auth.authenticate(&question, peer)).await;
        }
        until(|| gated.asked.load(Ordering::SeqCst) >= 3).await;
        assert_eq!(gated.asked(), 3);
    });
}

#[test]
fn wrong_tokens_of_senders_without_an_address_take_time_and_lock_out_nobody_who_was_known() {
    for keep_for in [KEPT, Duration::ZERO] {
        run(async {
            let gated = Gated::new(MANY, keep_for);
            let auth = start(&gated, |limits| limits.failures_per_minute = NonZeroU32::new(3));
            assert_eq!(name(auth.authenticate_shared("ann").await).as_deref(), Some("ann"));
            let began = Instant::now();
            let wrong =
                join_all(["bad 1", "bad 2", "bad 3", "bad 3"].map(|token| auth.authenticate_shared(token))).await;
            assert!(began.elapsed() >= WRONG_TOKEN_DELAY, "{:?}", began.elapsed());
            assert!(wrong.iter().all(|caller| !caller.as_ref().is_ok_and(Caller::is_authenticated)));
            let limited = auth.authenticate_shared("a guess").await;
            assert!(matches!(limited, Err(NotChecked::Limited { .. })), "{limited:?}");
            gated.asked();
            assert_eq!(name(auth.authenticate_shared("ann").await).as_deref(), Some("ann"));
            assert_eq!(gated.asked(), usize::from(keep_for.is_zero()), "a decision is kept for as long as it may be");
        });
    }
}

//! A call between its caller and the host: it runs at most once, and is answered exactly once.

use std::future::poll_fn;

use loom::future::block_on;
use loom::thread;
use tokio::time::Instant;

use crate::check;
use crate::mailbox::call_state::{CallState, GiveUpResult, LastPhase};
use crate::sync::Arc;

/// The caller waits while the host runs and answers: it always gets the reply.
pub fn a_caller_that_waits_gets_the_answer() {
    check(|| {
        let now = Instant::now();
        let state = Arc::new(CallState::new("work"));
        let host = Arc::clone(&state);
        let host = thread::spawn(move || {
            assert_eq!(host.begin(now), Some("work"));
            let (_, caller) = host.end(Some("reply")).expect("nobody else ends it");
            if let Some(caller) = caller {
                caller.wake();
            }
        });
        assert_eq!(block_on(poll_fn(|cx| state.poll_reply(cx))).0, "reply");
        host.join().unwrap();
    });
}

/// The caller gives up while the host starts and ends the call: what the caller finds agrees with
/// what the host did.
pub fn a_caller_that_gives_up_and_the_host_agree_on_the_end() {
    check(|| {
        let now = Instant::now();
        let state = Arc::new(CallState::new("work"));
        let host = Arc::clone(&state);
        let host = thread::spawn(move || {
            let began = host.begin(now).is_some();
            (began, host.end(Some("reply")).is_some())
        });
        let found = state.give_up();
        let (began, ended) = host.join().unwrap();
        match found {
            GiveUpResult::Abandoned(LastPhase::Waiting) => {
                assert!(!began && !ended, "given up in the mailbox, it never starts");
            }
            GiveUpResult::Abandoned(LastPhase::RunningSince(_)) => {
                assert!(began && !ended, "nobody fetches its result");
            }
            GiveUpResult::Answered("reply", LastPhase::RunningSince(_)) => assert!(began && ended),
            _ => panic!("nobody else gave it up"),
        }
    });
}

/// Two ends of one call, for example by a start and a close: only one counts.
pub fn a_call_ends_once() {
    check(|| {
        let now = Instant::now();
        let state = Arc::new(CallState::new("work"));
        let (host, closer) = (Arc::clone(&state), Arc::clone(&state));
        let host = thread::spawn(move || host.begin(now).is_some() && host.end(Some("ran")).is_some());
        let closer = thread::spawn(move || closer.is_waiting() && closer.end(Some("closed")).is_some());
        let (ran, closed) = (host.join().unwrap(), closer.join().unwrap());
        assert!(ran != closed, "one of them ended it");
        let (reply, _) = block_on(poll_fn(|cx| state.poll_reply(cx)));
        assert_eq!(reply, if ran { "ran" } else { "closed" });
    });
}

/// The future that runs a call is woken when its caller leaves.
pub fn a_running_call_learns_that_its_caller_has_left() {
    check(|| {
        let now = Instant::now();
        let state: Arc<CallState<&str, &str>> = Arc::new(CallState::new("work"));
        assert!(state.begin(now).is_some());
        let caller = Arc::clone(&state);
        let caller = thread::spawn(move || {
            assert!(matches!(caller.give_up(), GiveUpResult::Abandoned(LastPhase::RunningSince(_))));
        });
        block_on(poll_fn(|cx| {
            if state.is_over_or_wakes(cx) { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        }));
        caller.join().unwrap();
    });
}

/// A mailbox is closed while the host starts a call of it: the call is rejected or it runs, never
/// both.
pub fn a_rejected_call_does_not_start() {
    check(|| {
        let now = Instant::now();
        let state = Arc::new(CallState::new("work"));
        let host = Arc::clone(&state);
        let host = thread::spawn(move || host.begin(now).is_some());
        let rejected = state.end_waiting(Some("closed")).is_some();
        assert_ne!(host.join().unwrap(), rejected);
    });
}

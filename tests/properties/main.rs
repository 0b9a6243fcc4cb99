//! The real engine under random loads, beside simple models of what it promises.
//!
//! | promise | where |
//! |---|---|
//! | every call that is let in ends exactly once, whatever happens | [`ends`] |
//! | a writer never overlaps anyone, and no one sees a half-written state | [`ends`] |
//! | the order within a mailbox; its bound; what was given up never starts | [`waiting`] |
//! | a reader waits for at most one writer phase, and a writer for those inside | [`phases`] |
//! | an inline call never overtakes a waiting one | [`overtaking`] |
//! | no mailbox starves; time on the thread is shared by weight | [`shares`] |
//!
//! Each of these breaks was made by hand, one at a time, and seen to be caught:
//!
//! | break | caught by |
//! |---|---|
//! | a limit lets everything through | [`waiting`], [`ends`] |
//! | a call that is given up while it waits can still start | [`waiting`], [`ends`] |
//! | a call's time is not looked at when it starts | [`waiting`] |
//! | the last in goes first; methods of one group have mailboxes of their own | [`waiting`] |
//! | calls that expired count as answered, or calls that are over end again | [`ends`] |
//! | panics are not caught, or keep a half-written state | [`ends`] |
//! | a lost host leaves its mailboxes open; a call that is cut off is not told | [`ends`] |
//! | an inline call does not ask who waits | [`overtaking`] |
//! | the readers that a writer held up are owed nothing; readers go in while a writer waits | [`phases`] |
//! | each call is charged the same; weights do not count | [`shares`] |
//! | the first mailbox goes first | [`shares`] |

mod busy;
mod ends;
mod load;
mod overtaking;
mod phases;
mod shares;
mod waiting;

/// A run depends on the moment: what failed once need not fail again, so it is not kept. Nor is it made smaller for long.
fn cases(cases: u32) -> proptest::test_runner::Config {
    let usual = proptest::test_runner::Config::default();
    proptest::test_runner::Config { cases, failure_persistence: None, max_shrink_time: 10_000, ..usual }
}

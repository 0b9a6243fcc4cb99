//! The real engine under random loads, beside simple models of what it promises.
//!
//! | promise | where |
//! |---|---|
//! | every call that is let in ends exactly once, whatever happens | [`ends`] |
//! | a writer never overlaps anyone, and no one sees a half-written state | [`ends`] |
//! | the order within a mailbox; its bound; what was given up never starts | [`waiting`] |
//! | a reader waits for at most one writer phase | [`phases`] |
//! | an inline call never overtakes a waiting one | [`overtaking`] |
//! | no mailbox starves; time on the thread is shared by weight | [`shares`] |

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

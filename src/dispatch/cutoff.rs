//! The end of the waiting for answers, when the time to drain is over.

use std::pin::pin;

use futures::FutureExt;
use tokio::sync::watch;

use crate::jsonrpc::RpcError;

/// The output of `work`, unless the time to drain is over before.
pub(super) async fn unless_cut<T>(cut: &watch::Receiver<bool>, work: impl Future<Output = T>) -> Option<T> {
    let (mut cut, mut work) = (cut.clone(), pin!(work));
    tokio::select! {
        biased;
        output = work.as_mut() => Some(output),
        // The services stop when all calls have ended, and then this comes: on another thread, so the answer may have come
        // between the look at it and the look at this.
        _ = cut.wait_for(|cut| *cut) => work.now_or_never(),
    }
}

/// The answer of a call that was under way when the time to drain was over.
pub(super) fn cut_off() -> RpcError {
    RpcError::internal(&"the server stopped while the call was under way")
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn, ready};
    use std::task::Poll;

    use super::*;

    #[test]
    fn work_that_has_ended_counts_although_the_time_is_over() {
        let (over, cut) = watch::channel(false);
        assert_eq!(unless_cut(&cut, ready(1)).now_or_never(), Some(Some(1)));
        assert_eq!(unless_cut(&cut, pending::<u8>()).now_or_never(), None, "there is time");
        over.send_replace(true);
        assert_eq!(unless_cut(&cut, ready(1)).now_or_never(), Some(Some(1)));
        assert_eq!(unless_cut(&cut, pending::<u8>()).now_or_never(), Some(None));
    }

    #[test]
    fn work_that_ends_between_the_two_polls_counts_too() {
        let (over, cut) = watch::channel(false);
        let mut looked = false;
        let work = poll_fn(|_| {
            // The first look comes too early by a moment, in which the work ends and so does the time.
            if std::mem::replace(&mut looked, true) {
                return Poll::Ready(1);
            }
            over.send_replace(true);
            Poll::Pending
        });
        assert_eq!(unless_cut(&cut, work).now_or_never(), Some(Some(1)));
    }
}

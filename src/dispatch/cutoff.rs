//! The end of a drain: replies that are not there by then are given up.

use std::pin::Pin;

use futures::FutureExt;
use tokio::sync::watch;

use crate::jsonrpc::RpcError;

/// Returns the output of `work`, or `None` if the drain ends first.
///
/// The work is pinned by the caller. By value it would be in this future twice, and the future of a
/// request would be too large for the quick way of the memory allocator.
pub(super) async fn unless_cut<T>(
    cut: &watch::Receiver<bool>,
    mut work: Pin<&mut impl Future<Output = T>>,
) -> Option<T> {
    let mut cut = cut.clone();
    tokio::select! {
        biased;
        output = work.as_mut() => Some(output),
        // The services stop when all calls have ended, and then the cutoff comes, from another
        // thread. So the reply may have arrived between the poll of `work` and this one: `work` is
        // polled once more.
        _ = cut.wait_for(|cut| *cut) => work.now_or_never(),
    }
}

/// Returns the error of a call that was running when the drain ended.
pub(super) fn cut_off() -> RpcError {
    RpcError::internal(&"the server stopped while the call was under way")
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn, ready};
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    #[test]
    fn work_that_has_ended_counts_although_the_time_is_over() {
        let (over, cut) = watch::channel(false);
        assert_eq!(unless_cut(&cut, pin!(ready(1))).now_or_never(), Some(Some(1)));
        assert_eq!(unless_cut(&cut, pin!(pending::<u8>())).now_or_never(), None, "there is time");
        over.send_replace(true);
        assert_eq!(unless_cut(&cut, pin!(ready(1))).now_or_never(), Some(Some(1)));
        assert_eq!(unless_cut(&cut, pin!(pending::<u8>())).now_or_never(), Some(None));
    }

    #[test]
    fn work_that_ends_between_the_two_polls_counts_too() {
        let (over, cut) = watch::channel(false);
        let mut looked = false;
        let work = poll_fn(|_| {
            // The first poll comes a moment too early: in that moment both the work and the time
            // end.
            if std::mem::replace(&mut looked, true) {
                return Poll::Ready(1);
            }
            over.send_replace(true);
            Poll::Pending
        });
        assert_eq!(unless_cut(&cut, pin!(work)).now_or_never(), Some(Some(1)));
    }
}

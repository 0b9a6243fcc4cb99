//! Whether a call that is given up was cancelled by its caller.

use std::cell::Cell;

use crate::service::CallContext;

thread_local! {
    static CANCELS: Cell<bool> = const { Cell::new(false) };
}

/// While this exists, the first call that this thread gives up was cancelled by its caller.
///
/// The calls that its method waits for are given up with it, but later. They count as abandoned:
/// their own caller, which is the method, has left.
#[derive(Debug)]
#[must_use = "calls count as cancelled as long as this exists"]
pub(crate) struct Cancelling(());

impl Cancelling {
    pub(crate) fn begin() -> Self {
        CANCELS.set(true);
        Self(())
    }
}

impl Drop for Cancelling {
    fn drop(&mut self) {
        CANCELS.set(false);
    }
}

/// Whether the call that this thread gives up now was cancelled by its caller.
pub(crate) fn take_cancel() -> bool {
    CANCELS.replace(false)
}

/// Marks a call as cancelled if it is dropped because the caller has cancelled it.
pub(crate) struct NoticesCancel<'a>(pub(crate) &'a CallContext);

impl Drop for NoticesCancel<'_> {
    fn drop(&mut self) {
        if take_cancel() {
            self.0.cancelled.set();
        }
    }
}

//! What a verdict about the token of a connection means for its subscriptions.

use std::cell::Cell;
use std::rc::Rc;

use crate::auth::Caller;
use crate::jsonrpc::RpcError;
use crate::service::admits;

use super::Outbox;
use super::subscriptions::Subscriptions;
use super::token_watch::Verdict;

/// What the last verdict about the token means for what was started before it.
pub(super) struct Judgement {
    /// The last body that had been started. Later ones have asked for themselves.
    envelope: u64,
    caller: Caller,
    error: RpcError,
    /// Set if a later subscription needs what the verdict denies.
    is_outdated: Rc<Cell<bool>>,
}

impl Judgement {
    pub(super) fn new(envelope: u64, verdict: Verdict, is_outdated: &Rc<Cell<bool>>) -> Self {
        let (error, caller) = match verdict {
            Verdict::Caller(caller) => (RpcError::access_denied(), caller),
            Verdict::Unavailable => (RpcError::unavailable(), Caller::anonymous()),
        };
        Self { envelope, caller, error, is_outdated: Rc::clone(is_outdated) }
    }

    /// Ends the subscriptions that the caller may no longer have.
    pub(super) fn apply(&self, subscriptions: &Subscriptions, outbox: &mut impl Outbox) {
        let ends = |envelope, access| envelope <= self.envelope && !admits(access, &self.caller);
        subscriptions.end(&self.error, outbox, ends);
    }

    /// Takes the subscriptions that an envelope has started, once its reply was sent.
    pub(super) fn take_started(&self, envelope: u64, subscriptions: &Subscriptions, outbox: &mut impl Outbox) {
        if envelope <= self.envelope {
            // These were not there, or could not be ended, when the verdict came.
            self.apply(subscriptions, outbox);
        } else if subscriptions.has(envelope, |access| !admits(access, &self.caller)) {
            self.is_outdated.set(true);
        }
    }
}

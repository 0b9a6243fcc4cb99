//! `rpc.mailboxes`: each mailbox, and what has become of the calls in it, for callers with a token.

use std::fmt;

use serde_json::Value;

use crate::engine::ServiceStats;
use crate::jsonrpc::Budget;
use crate::route::CallOutcome;
use crate::service::{CallContext, MethodOptions};

use super::Answer;

/// The built-in method.
pub(crate) struct Mailboxes {
    stats: Box<dyn Fn() -> Vec<ServiceStats> + Send + Sync>,
}

impl Mailboxes {
    pub(crate) fn new(stats: impl Fn() -> Vec<ServiceStats> + Send + Sync + 'static) -> Self {
        Self { stats: Box::new(stats) }
    }
}

impl Answer for Mailboxes {
    const NAME: &'static str = "rpc.mailboxes";
    const DOC: &'static str = "Tells how full each mailbox is, and what has become of its calls.";

    type Told = Value;

    fn access() -> MethodOptions {
        MethodOptions::private()
    }

    fn answer(&self, _: &CallContext, budget: &Budget, out: &mut Vec<u8>) -> CallOutcome {
        budget.write(out, Self::NAME, &(self.stats)())
    }
}

impl fmt::Debug for Mailboxes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Mailboxes")
    }
}

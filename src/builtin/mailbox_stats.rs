//! `rpc.mailboxes`: the statistics of all mailboxes, for callers with a token.

use std::fmt;

use serde_json::Value;

use crate::engine::ServiceStats;
use crate::jsonrpc::ResponseBudget;
use crate::route::CallOutcome;
use crate::service::{CallContext, MethodOptions};

use super::BuiltinMethod;

/// The built-in method.
pub(crate) struct MailboxStatsMethod {
    stats: Box<dyn Fn() -> Vec<ServiceStats> + Send + Sync>,
}

impl MailboxStatsMethod {
    pub(crate) fn new(stats: impl Fn() -> Vec<ServiceStats> + Send + Sync + 'static) -> Self {
        Self { stats: Box::new(stats) }
    }
}

impl BuiltinMethod for MailboxStatsMethod {
    const NAME: &'static str = "rpc.mailboxes";
    const DOC: &'static str = "Returns how full each mailbox is, and how its calls ended.";

    type Output = Value;

    fn access() -> MethodOptions {
        MethodOptions::private()
    }

    fn write_result(&self, _: &CallContext, budget: &ResponseBudget, out: &mut Vec<u8>) -> CallOutcome {
        budget.write(out, Self::NAME, &(self.stats)())
    }
}

impl fmt::Debug for MailboxStatsMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailboxStatsMethod")
    }
}

//! `rpc.connections`: the statistics of the server's connections, for callers with a token.

use serde_json::Value;

use crate::jsonrpc::ResponseBudget;
use crate::measure::ConnectionCounters;
use crate::route::CallOutcome;
use crate::service::{CallContext, MethodOptions};
use crate::sync::Arc;

use super::BuiltinMethod;

/// The built-in method.
#[derive(Debug)]
pub(crate) struct ConnectionStatsMethod(pub(crate) Arc<ConnectionCounters>);

impl BuiltinMethod for ConnectionStatsMethod {
    const NAME: &'static str = "rpc.connections";
    const DOC: &'static str = "Returns how many connections are open, and how many were rejected or closed.";

    type Output = Value;

    fn access() -> MethodOptions {
        MethodOptions::private()
    }

    fn write_result(&self, _: &CallContext, budget: &ResponseBudget, out: &mut Vec<u8>) -> CallOutcome {
        budget.write(out, Self::NAME, &self.0.stats())
    }
}

//! `rpc.discover`: the OpenRPC document, with the methods that its caller may call and their
//! schemas.

use std::borrow::Cow;
use std::fmt;

use serde_json::{Value, to_string};

use crate::auth::Caller;
use crate::jsonrpc::ResponseBudget;
use crate::route::{CallOutcome, Route};
use crate::service::{CallContext, MethodOptions, ServiceInfo};
use crate::sync::Arc;

use super::BuiltinMethod;
use super::openrpc::{OpenRpc, OpenRpcDocument, ServerInfo};

/// The built-in method, and the document that it serves. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Discover(Arc<OpenRpc>);

impl Discover {
    /// Creates the document of these services and routes, once: each call only filters it.
    pub(crate) fn new<'a>(
        about: ServerInfo,
        services: Vec<ServiceInfo>,
        routes: impl Iterator<Item = &'a Arc<dyn Route>>,
    ) -> Self {
        Self(Arc::new(OpenRpc::new(about, services, routes)))
    }

    /// Returns what this caller may know, as JSON.
    ///
    /// # Errors
    /// None that is known: the document consists of strings and schemas.
    pub(crate) fn json(&self, caller: &Caller) -> serde_json::Result<Cow<'_, str>> {
        match self.0.document(caller) {
            OpenRpcDocument::Prepared(json) => Ok(json.get().into()),
            picked => to_string(&picked).map(Into::into),
        }
    }
}

impl BuiltinMethod for Discover {
    const NAME: &'static str = "rpc.discover";
    const DOC: &'static str = "Describes the methods that its caller may call, as an OpenRPC document.";

    type Output = Value;

    fn access() -> MethodOptions {
        MethodOptions::public().injects::<Caller>()
    }

    fn write_result(&self, call: &CallContext, budget: &ResponseBudget, out: &mut Vec<u8>) -> CallOutcome {
        budget.write(out, Self::NAME, &self.0.document(&call.caller))
    }
}

impl fmt::Debug for Discover {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Discover")
    }
}

//! `get_service_specs`: what a server offers, for callers that build their proxies from it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::OnceLock;

use futures::future::LocalBoxFuture;
use schemars::SchemaGenerator;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::jsonrpc::RpcError;
use crate::service::{
    Access, CallContext, Description, MailboxId, MethodOptions, Outcome, Route, ServiceId, Started, Terms,
};
use crate::sync::Arc;

pub(crate) const NAME: &str = "get_service_specs";

/// The built-in method.
pub(crate) struct Specs {
    name: Arc<str>,
    options: MethodOptions,
    mailbox: MailboxId,
    facts: Facts,
    listens: Arc<OnceLock<SocketAddr>>,
}

/// What it tells, beside the address.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) service: &'static str,
    pub(crate) endpoint: String,
    pub(crate) compute_threads: usize,
    /// All methods but itself.
    pub(crate) methods: BTreeMap<String, Option<&'static str>>,
}

#[derive(Serialize)]
struct Document<'a> {
    name: &'a str,
    host: String,
    port: u16,
    accessible_at: String,
    max_parallel_blocking_tasks: usize,
    methods: &'a BTreeMap<String, Option<&'static str>>,
}

impl Facts {
    /// Facts about these routes; `hide_private` leaves out what needs a token.
    pub(crate) fn new<'a>(
        service: &'static str,
        endpoint: String,
        compute_threads: usize,
        routes: impl Iterator<Item = &'a Arc<dyn Route>>,
        hide_private: bool,
    ) -> Self {
        let told = routes.filter(|route| !hide_private || route.options().access == Access::Public);
        let methods = told.map(|route| (route.name().to_string(), route.options().doc)).collect();
        Self { service, endpoint, compute_threads, methods }
    }
}

impl Specs {
    /// `listens` gets the address once the server has it; a server inside somebody else's has none of its own.
    pub(crate) fn new(mut facts: Facts, listens: Arc<OnceLock<SocketAddr>>) -> Self {
        let doc = "Tells the service's name, its address, and its methods with their documentation.";
        facts.methods.insert(NAME.to_owned(), Some(doc));
        let mailbox = MailboxId(ServiceId::fresh(), 0);
        Self { name: NAME.into(), options: MethodOptions::public().doc(doc), mailbox, facts, listens }
    }

    fn document(&self) -> Document<'_> {
        let (host, port) = self.listens.get().map_or_else(Default::default, |a| (a.ip().to_string(), a.port()));
        let accessible_at = match self.listens.get() {
            Some(address) => format!("http://{address}{}", self.facts.endpoint),
            None => self.facts.endpoint.clone(),
        };
        Document {
            name: self.facts.service,
            host,
            port,
            accessible_at,
            max_parallel_blocking_tasks: self.facts.compute_threads,
            methods: &self.facts.methods,
        }
    }
}

impl Route for Specs {
    fn name(&self) -> &Arc<str> {
        &self.name
    }

    fn options(&self) -> &MethodOptions {
        &self.options
    }

    fn mailbox(&self) -> MailboxId {
        self.mailbox
    }

    fn start(&self, call: CallContext, params: Option<&RawValue>, terms: Terms) -> Started {
        tracing::debug!(method = NAME, notification = call.notification, "call");
        Started::Done(no_parameters(params).and_then(|()| terms.budget.to_json(&self.document())))
    }

    fn describe(&self, generator: &mut SchemaGenerator) -> Description {
        Description {
            order: &[],
            params: schemars::json_schema!({}),
            result: generator.subschema_for::<serde_json::Value>(),
        }
    }

    fn refused(&self, _: &CallContext, _: &RpcError) {}

    fn expired(&self, _: &CallContext, _: &RpcError) {}

    fn room(&self) -> LocalBoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

/// Nothing, `null`, `[]` and `{}` are no parameters; all else is too much.
pub(crate) fn no_parameters(params: Option<&RawValue>) -> Outcome<()> {
    #[derive(serde::Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Nothing {}
    match params.map(|raw| serde_json::from_str::<Nothing>(raw.get())) {
        None | Some(Ok(Nothing {})) => Ok(()),
        Some(Err(_)) => Err(RpcError::invalid_params(None, "the method takes no parameters")),
    }
}

impl fmt::Debug for Specs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Specs").field("facts", &self.facts).finish_non_exhaustive()
    }
}

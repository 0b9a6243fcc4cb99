//! `get_service_specs`: what a server offers, for callers that build their proxies from it.

use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::OnceLock;

use schemars::JsonSchema;
use serde::Serialize;

use crate::jsonrpc::ResponseBudget;
use crate::route::{CallOutcome, Route};
use crate::service::{Access, CallContext, MethodOptions};
use crate::sync::Arc;

use super::BuiltinMethod;
use super::advertised_address::advertised;

/// The built-in method.
pub(crate) struct Specs {
    facts: SpecsFacts,
    listens: Arc<OnceLock<SocketAddr>>,
    /// The address at which it can be called, determined on first use.
    advertised: OnceLock<SocketAddr>,
}

/// What it reports apart from the address.
#[derive(Debug)]
pub(crate) struct SpecsFacts {
    pub(crate) service: &'static str,
    /// Scheme of the URL: `http` or `https`.
    pub(crate) scheme: &'static str,
    pub(crate) endpoint: String,
    /// URL of the endpoint for clients, if it is another one than the server listens on.
    pub(crate) public_endpoint: Option<String>,
    pub(crate) compute_threads: usize,
    /// All methods except itself, with their documentation.
    pub(crate) methods: BTreeMap<String, Option<&'static str>>,
}

/// What a server offers.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "ServiceSpecs")]
pub(crate) struct SpecsDocument<'a> {
    name: &'a str,
    host: String,
    port: u16,
    accessible_at: String,
    max_parallel_blocking_tasks: usize,
    methods: &'a BTreeMap<String, Option<&'static str>>,
}

impl SpecsFacts {
    /// Collects the facts about these routes. `hide_private` leaves out methods that need a token.
    pub(crate) fn new<'a>(
        service: &'static str,
        scheme: &'static str,
        (endpoint, public_endpoint): (String, Option<String>),
        compute_threads: usize,
        routes: impl Iterator<Item = &'a Arc<dyn Route>>,
        hide_private: bool,
    ) -> Self {
        let listed = routes.filter(|route| !hide_private || route.options().access == Access::Public);
        let methods = listed.map(|route| (route.name().to_string(), route.options().doc)).collect();
        Self { service, scheme, endpoint, public_endpoint, compute_threads, methods }
    }
}

impl Specs {
    /// Creates the method. `listens` is set once the server has its address; a server mounted in
    /// another one never has its own.
    pub(crate) fn new(mut facts: SpecsFacts, listens: Arc<OnceLock<SocketAddr>>) -> Self {
        facts.methods.insert(Self::NAME.to_owned(), Some(Self::DOC));
        Self { facts, listens, advertised: OnceLock::new() }
    }

    fn document(&self) -> SpecsDocument<'_> {
        let address = self.listens.get().map(|listens| self.advertised.get_or_init(|| advertised(*listens)));
        let (host, port) = address.map_or_else(Default::default, |a| (a.ip().to_string(), a.port()));
        let accessible_at = match (&self.facts.public_endpoint, address) {
            (Some(url), _) => url.clone(),
            (None, Some(address)) => format!("{}://{address}{}", self.facts.scheme, self.facts.endpoint),
            (None, None) => self.facts.endpoint.clone(),
        };
        SpecsDocument {
            name: self.facts.service,
            host,
            port,
            accessible_at,
            max_parallel_blocking_tasks: self.facts.compute_threads,
            methods: &self.facts.methods,
        }
    }
}

impl BuiltinMethod for Specs {
    const NAME: &'static str = "get_service_specs";
    const DOC: &'static str = "Returns the name of the service, its address, and its methods with their documentation.";

    type Output = SpecsDocument<'static>;

    fn access() -> MethodOptions {
        MethodOptions::public()
    }

    fn write_result(&self, _: &CallContext, budget: &ResponseBudget, out: &mut Vec<u8>) -> CallOutcome {
        budget.write(out, Self::NAME, &self.document())
    }
}

impl fmt::Debug for Specs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Specs").field("facts", &self.facts).finish_non_exhaustive()
    }
}

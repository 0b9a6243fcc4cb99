//! The parameters of a method that are made from its call.

use callbox_client::ServiceClient;

use crate::auth::Caller;
use crate::jsonrpc::RpcError;

use super::ServiceNeed;
use super::context::CallContext;

/// A type that is made from the call. A method takes it by reference, and callers do not send it.
///
/// [`CallContext`], [`Caller`], [`Progress`](crate::Progress), [`Metrics`](crate::metrics::Metrics)
/// and the typed clients of services implement it. Implement it for your own types, such as the
/// tenant that a gateway names in a header:
///
/// ```
/// use std::collections::HashMap;
///
/// use callbox::{CallContext, FromCall, RpcError, Server, service, testing};
///
/// #[derive(PartialEq, Eq, Hash)]
/// struct Tenant(String);
///
/// impl FromCall for Tenant {
///     fn from_call(call: &CallContext) -> Result<Self, RpcError> {
///         let name = call.header("x-tenant-id");
///         let name = name.ok_or_else(|| RpcError::new(400, "Which tenant?"))?;
///         Ok(Self(name.to_owned()))
///     }
/// }
///
/// #[derive(Default)]
/// struct Orders {
///     articles: HashMap<String, Vec<String>>,
/// }
///
/// #[service(name = "orders")]
/// impl Orders {
///     /// Places an order of the tenant.
///     #[public_method]
///     fn place(&mut self, tenant: &Tenant, article: String) {
///         self.articles.entry(tenant.0.clone()).or_default().push(article);
///     }
///
///     /// Lists the articles that the tenant has ordered.
///     #[public_method]
///     fn list(&self, tenant: &Tenant) -> Vec<String> {
///         self.articles.get(&tenant.0).cloned().unwrap_or_default()
///     }
/// }
///
/// let orders = testing::start(Server::new(Orders::default));
/// let [acme, zen] = ["acme", "zen"].map(|name| orders.with_header("X-Tenant-Id", name));
/// acme.call(Orders_Place { article: "tea".into() }).unwrap();
/// assert_eq!(acme.call(Orders_List {}), Ok(vec!["tea".to_owned()]));
/// assert_eq!(zen.call(Orders_List {}), Ok(vec![]));
/// assert_eq!(orders.call(Orders_List {}).unwrap_err().message(), "Which tenant?");
/// ```
#[diagnostic::on_unimplemented(
    message = "`&{Self}` cannot be a parameter of a method",
    label = "a parameter that is a reference is made from the call, so `{Self}` needs `FromCall`",
    note = "if callers send the value: take an owned one (`String`, not `&str`)",
    note = "if it is made from the call: implement `callbox::FromCall` for `{Self}`"
)]
pub trait FromCall: Sized {
    /// Makes the value. Called once for each call, just before the method runs.
    ///
    /// # Errors
    /// The caller receives the error, and the method does not run.
    fn from_call(call: &CallContext) -> Result<Self, RpcError>;

    /// Whether [`from_call`](Self::from_call) looks at the request: at
    /// [`transport`](CallContext::transport), [`peer`](CallContext::peer),
    /// [`header`](CallContext::header) or [`request_id`](CallContext::request_id). Default: true.
    ///
    /// The request is copied for a method only if one of its parameters needs it. With `false` a
    /// type saves that copy, and finds none of the four.
    const READS_REQUEST: bool = true;

    /// Whether [`from_call`](Self::from_call) looks at the [caller](CallContext::caller). Default:
    /// true.
    ///
    /// The token of a caller is checked for a public method only if one of its parameters needs the
    /// caller. With `false` a type saves that check, and finds an anonymous caller.
    const NEEDS_CALLER: bool = true;

    /// Whether the value reports the progress of the call, as [`Progress`](crate::Progress) does.
    #[doc(hidden)]
    const REPORTS_PROGRESS: bool = false;

    /// Adds the services that [`from_call`](Self::from_call) takes from the call by
    /// [`CallContext::client`]. Default: none. The server does not start if it has none of them.
    fn needs(services: &mut ServiceNeeds) {
        let _ = services;
    }
}

/// The services that a parameter needs. See [`FromCall::needs`].
#[derive(Clone, Debug, Default)]
pub struct ServiceNeeds {
    pub(crate) services: Vec<ServiceNeed>,
    /// Whether it needs something else of the server.
    of_server: bool,
}

impl ServiceNeeds {
    /// Adds the service of this client.
    pub fn add<C: ServiceClient>(&mut self) {
        self.services.push(ServiceNeed::of::<C>());
    }

    /// Adds what the server has for all its services.
    pub(crate) fn add_server(&mut self) {
        self.of_server = true;
    }

    /// Whether there is none.
    pub(crate) fn is_empty(&self) -> bool {
        self.services.is_empty() && !self.of_server
    }
}

/// A typed client of another service, or of the same one.
#[diagnostic::do_not_recommend]
impl<C: ServiceClient> FromCall for C {
    fn from_call(call: &CallContext) -> Result<Self, RpcError> {
        call.client()
    }

    const NEEDS_CALLER: bool = false;

    fn needs(services: &mut ServiceNeeds) {
        services.add::<C>();
    }
}

impl FromCall for CallContext {
    fn from_call(call: &CallContext) -> Result<Self, RpcError> {
        Ok(call.clone())
    }
}

impl FromCall for Caller {
    fn from_call(call: &CallContext) -> Result<Self, RpcError> {
        Ok(call.caller.clone())
    }

    const READS_REQUEST: bool = false;
}

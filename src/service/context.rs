//! The context of a call, and the parameters that are made from it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::auth::Caller;
use crate::jsonrpc::RpcError;

use super::Link;

/// The context of a call: its caller, its method and its deadline.
///
/// A method that takes a `&CallContext` receives it. Callers do not send this parameter.
///
/// ```
/// use callbox::{CallContext, service};
///
/// struct Clock;
///
/// #[service(name = "clock")]
/// impl Clock {
///     /// Returns the time until the deadline, in milliseconds.
///     #[public_method]
///     fn remaining(&self, call: &CallContext) -> u64 {
///         call.remaining().as_millis() as u64
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CallContext {
    pub(crate) method: &'static str,
    pub(crate) caller: Caller,
    pub(crate) arrived: Instant,
    pub(crate) deadline: Instant,
    pub(crate) notification: bool,
    pub(crate) chain: Option<Arc<Link>>,
}

impl CallContext {
    /// Returns the name of the method as callers write it, with its namespace.
    pub fn method(&self) -> &str {
        self.method
    }

    /// Returns the caller.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns the time until the deadline. Zero after the deadline has passed.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether the call is a notification, so that nobody receives its result.
    pub fn is_notification(&self) -> bool {
        self.notification
    }
}

/// A type that is made from the call. A method takes it by reference, and callers do not send it.
///
/// [`CallContext`] and [`Caller`] implement it. Implement it for your own types, such as a tenant:
///
/// ```
/// use callbox::{CallContext, FromCall, RpcError, service};
///
/// struct Tenant(String);
///
/// impl FromCall for Tenant {
///     fn from_call(call: &CallContext) -> Result<Self, RpcError> {
///         let name = call.caller().name();
///         let name = name.ok_or_else(|| RpcError::new(401, "The caller has no tenant"))?;
///         Ok(Self(name.to_owned()))
///     }
/// }
///
/// struct Orders;
///
/// #[service(name = "orders")]
/// impl Orders {
///     /// Lists the orders of the caller's tenant.
///     #[private_api_method]
///     fn list(&self, tenant: &Tenant, limit: u32) -> Vec<String> {
///         (0..limit).map(|n| format!("{}-{n}", tenant.0)).collect()
///     }
/// }
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
}

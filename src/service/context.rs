//! What a method can know of the call that it answers, and how it asks for it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::auth::Caller;
use crate::jsonrpc::RpcError;

use super::chain::Link;

/// The call that a method is answering: who called, which method, how much time is left.
///
/// A method gets it by taking `&CallContext`; the parameter is not part of what callers send.
///
/// ```
/// use callbox::{CallContext, service};
///
/// struct Clock;
///
/// #[service(name = "clock")]
/// impl Clock {
///     /// How long the caller is going to wait, in milliseconds.
///     #[public_method]
///     fn patience(&self, call: &CallContext) -> u64 {
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
    /// The method's name as callers write it, with its namespace.
    pub fn method(&self) -> &str {
        self.method
    }

    /// Who is calling.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// The time until the deadline; zero when it has passed.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether nobody waits for the result.
    pub fn is_notification(&self) -> bool {
        self.notification
    }
}

/// A type that a method can take by reference without its being part of what callers send.
///
/// [`CallContext`] and [`Caller`] have it; give it to a type of your own that follows from the call.
///
/// ```
/// use callbox::{CallContext, FromCall, RpcError, service};
///
/// struct Tenant(String);
///
/// impl FromCall for Tenant {
///     fn from_call(call: &CallContext) -> Result<Self, RpcError> {
///         let name = call.caller().name().ok_or_else(|| RpcError::new(401, "Which tenant?"))?;
///         Ok(Self(name.to_owned()))
///     }
/// }
///
/// struct Orders;
///
/// #[service(name = "orders")]
/// impl Orders {
///     /// Lists the orders of the tenant who calls.
///     #[private_api_method]
///     fn list(&self, tenant: &Tenant, limit: u32) -> Vec<String> {
///         (0..limit).map(|n| format!("{}-{n}", tenant.0)).collect()
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`&{Self}` cannot be a parameter of a method",
    label = "a parameter that is a reference is injected, and `{Self}` does not say how",
    note = "take an owned value for what callers send (`String`, not `&str`), or implement `callbox::FromCall` for it"
)]
pub trait FromCall: Sized {
    /// Makes the value, once for each call, just before the method runs.
    ///
    /// # Errors
    /// An error is the call's answer; the method does not run.
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

//! The message of one method: what callers and the service agree on.

use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::rpc_error::RpcError;

#[cfg(feature = "schemas")]
use crate::error_list::ErrorList;
use crate::from_rpc_error::FromRpcError;
use crate::rules::InvalidParam;
#[cfg(doc)]
use crate::subscription::Subscription;
use crate::subscription::{JsonItems, SubscriptionNames};

/// The reply to a message: the output of its method, or the error that the caller receives.
pub type Reply<M> = Result<<M as Message>::Output, RpcError>;

/// The message of one method: a struct of its parameters.
///
/// A message has the method's name, parameters, output and error. It does not name the service: a
/// service that handles the message implements `Handles` of callbox for it.
///
/// `#[service]` of callbox writes one for each method: `Counter_Add` for the method
/// `add` of the service `Counter`. By hand it is a struct with the derives of serde and schemars,
/// whose fields are the parameters in their positional order:
///
/// ```
/// use callbox::{Handler, Handles, Message, MethodOptions, MethodTable, RpcError, Service};
/// use serde::{Deserialize, Serialize};
///
/// struct Counter { count: u64 }
///
/// /// Adds to the count.
/// #[derive(Serialize, Deserialize, schemars::JsonSchema)]
/// struct Add { by: u64 }
///
/// impl Message for Add {
///     type Output = u64;
///     type Error = RpcError;
///     const NAME: &'static str = "add";
///     const PARAMS: &'static [&'static str] = &["by"];
/// }
///
/// impl Handles<Add> for Counter {
///     const HANDLER: Handler<Self, Add> = Handler::Write(|counter: &mut Self, message: Add, _| {
///         counter.count += message.by;
///         Ok(counter.count)
///     });
/// }
///
/// impl Service for Counter {
///     const NAME: &'static str = "counter";
///     fn methods(table: &mut impl MethodTable<Self>) {
///         table.add::<Add>(MethodOptions::public().doc("Adds to the count."));
///     }
/// }
/// ```
pub trait Message: Serialize + DeserializeOwned + Send + 'static {
    /// The result of a call that succeeds: any type with `Serialize`, and with `JsonSchema` for a
    /// service; or a [`Subscription`].
    type Output: Serialize + Send + 'static;

    /// The error that the method itself returns; [`RpcError`](struct@crate::RpcError) if it has
    /// none of its own, or if no typed client calls it. Typed clients return it as
    /// [`ClientError::Method`](crate::ClientError::Method).
    type Error: FromRpcError;

    /// The name on the wire, without the namespace of the service.
    const NAME: &'static str;

    /// The names of the parameters on the wire, in positional order. A `#[serde(flatten)]` field
    /// that takes the rest is not among them. A message by hand that has such a field ignores
    /// unknown names, as serde does; one that the macro writes rejects them.
    const PARAMS: &'static [&'static str];

    /// Maximum time from the arrival of a call to its response. Default: 30 s. A caller may ask for
    /// less, but not for more.
    const DEADLINE: Duration = Duration::from_secs(30);

    /// Whether a second run of the same call does no harm. Default: false. If true,
    /// [clients](crate::TypedClient) also repeat a call whose connection broke before the response
    /// arrived.
    const IDEMPOTENT: bool = false;

    /// The names that belong to a subscription, for a method whose output is a [`Subscription`].
    /// Default: none, for a method that returns a value.
    const SUBSCRIPTION: Option<SubscriptionNames> = None;

    /// Returns the items of a subscription: `Some(output.into())`. Default: `None`, for a method
    /// that returns a value.
    fn into_items(output: Self::Output) -> Option<JsonItems> {
        drop(output);
        None
    }

    /// Checks the rules of the parameters, before the method runs. Default: all are valid.
    ///
    /// `#[service]` writes it from the rules of parameters, such as
    /// `#[param(range = 1..=100)]`.
    ///
    /// # Errors
    /// Returns the path of the parameter that is not valid, and the reason:
    /// `InvalidParam::at("by", "must not be 0")`.
    fn validate(&self) -> Result<(), InvalidParam> {
        Ok(())
    }

    /// Adds the errors that the method itself returns, for the OpenRPC document. Default: none.
    ///
    /// Errors that callbox returns for any method, such as -32000, are not among them.
    #[cfg(feature = "schemas")]
    fn errors(list: &mut ErrorList<'_>) {
        let _ = list;
    }
}

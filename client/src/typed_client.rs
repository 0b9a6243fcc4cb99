//! The typed client, which sends messages over the wire or directly into the mailboxes.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::from_rpc_error::FromRpcError;
use crate::local::LocalService;
use crate::message::Message;

use crate::call::{Call, CallTarget, IntoCall, LocalCaller};
use crate::client_error::ClientError;
use crate::response::{self, RawResult};
use crate::stream::Feed;
use crate::subscribe;
use crate::subscription::Subscription;
use crate::typed_batch::TypedBatch;
use crate::untyped::Client;

/// The client of one service. `#[service]` of callbox writes one for each service:
/// `GreeterClient` for `Greeter`, with an async function for each method, and all functions of
/// [`TypedClient`].
///
/// If a method of the service has the same name as a function of `TypedClient`, such as `batch`,
/// the method takes precedence. Call the other one as `TypedClient::batch(&client)`.
///
/// By hand it is a struct around a [`TypedClient`], and a [`Calls`] for each message:
///
/// ```
/// use callbox::client::{Calls, ClientError, LocalService, ServiceClient, Serves, TypedClient};
/// use callbox::{Server, service, testing};
///
/// struct Sums;
///
/// #[service(client = false)]
/// impl Sums {
///     #[public_method]
///     fn add(&self, a: u64, b: u64) -> u64 {
///         a + b
///     }
/// }
///
/// struct SumsClient(TypedClient<Self>);
///
/// impl ServiceClient for SumsClient {
///     const NAME: &'static str = "sums";
///     const NAMESPACE: Option<&'static str> = None;
/// }
///
/// impl Calls<Sums_Add> for SumsClient {}
///
/// // With this impl, `ServiceRef::<Sums>::client` returns the client.
/// impl Serves<SumsClient> for Sums {}
///
/// impl From<TypedClient<Self>> for SumsClient {
///     fn from(client: TypedClient<Self>) -> Self {
///         Self(client)
///     }
/// }
///
/// impl SumsClient {
///     async fn add(&self, a: u64, b: u64) -> Result<u64, ClientError> {
///         self.0.call(Sums_Add { a, b }).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let server = testing::start(Server::new(|| Sums));
/// let sums: SumsClient = server.service::<Sums>().client();
/// assert_eq!(sums.add(40, 2).await.unwrap(), 42);
/// # }
/// ```
pub trait ServiceClient: From<TypedClient<Self>> + Send + Sync + 'static {
    /// The name of the service.
    const NAME: &'static str;

    /// The namespace of the service's methods on the wire.
    const NAMESPACE: Option<&'static str>;

    /// Whether a method of the service needs a token. Default: false. A server that calls the
    /// service elsewhere without one warns of that at its start.
    const NEEDS_TOKEN: bool = false;
}

/// A typed client that can call the method of this message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not call the method of `{M}`",
    note = "`#[service]` writes `callbox::client::Calls` for each message of a service and its client, but not with \
            `client = false`"
)]
pub trait Calls<M: Message>: ServiceClient {}

/// A result that the typed client can return: any type with `DeserializeOwned`, or a
/// [`Subscription`]. Do not implement it by hand.
#[diagnostic::on_unimplemented(
    message = "the typed client cannot deserialize `{Self}`",
    label = "not `DeserializeOwned`",
    note = "derive `serde::Deserialize` for it, or write no client with `#[service(client = false)]`"
)]
pub trait ClientOutput: Sized {
    /// `feed` is where the items arrive, for the call of a subscription.
    #[doc(hidden)]
    fn of_result(result: RawResult, feed: Option<Feed>) -> Result<Self, ClientError>;
}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> ClientOutput for T {
    fn of_result(result: RawResult, _: Option<Feed>) -> Result<Self, ClientError> {
        response::value(result)
    }
}

impl<T: DeserializeOwned + Send + 'static> ClientOutput for Subscription<T> {
    fn of_result(result: RawResult, feed: Option<Feed>) -> Result<Self, ClientError> {
        subscribe::started(result, feed)
    }
}

/// The part that the clients of all services share. Make one from a [`Client`], which sends calls
/// over the wire, or from a [`LocalService`], which puts messages directly into the mailboxes of a
/// service in the same process, without JSON.
///
/// ```
/// use std::time::Duration;
/// use callbox::client::ClientError;
/// use callbox::{RpcError, Server, service, testing};
///
/// #[derive(Debug, PartialEq, RpcError)]
/// enum Denied {
///     #[rpc(code = 403)]
///     TooYoung,
/// }
///
/// #[derive(Default)]
/// struct Bar;
///
/// #[service(name = "bar")]
/// impl Bar {
///     /// Serves a drink.
///     #[public_method]
///     fn serve(&self, age: u32) -> Result<String, Denied> {
///         if age < 18 { Err(Denied::TooYoung) } else { Ok("cheers".to_owned()) }
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let server = testing::start(Server::new(Bar::default));
/// let bar: BarClient = server.service::<Bar>().client();
/// assert_eq!(bar.serve(40).await.unwrap(), "cheers");
/// let denied = bar.with_deadline(Duration::from_secs(1)).serve(7).await;
/// assert!(matches!(denied, Err(ClientError::Method(Denied::TooYoung))));
/// # }
/// ```
///
/// The two kinds differ in two points. Access rules are for callers from outside, so calls within
/// the process carry no token; `ServiceRef::as_caller` sets their caller. And calls within the
/// process that were rejected are not repeated, because their messages are consumed.
pub struct TypedClient<C: ServiceClient> {
    pub(crate) target: CallTarget,
    client: PhantomData<fn() -> C>,
}

impl<C: ServiceClient> TypedClient<C> {
    fn with_target(target: CallTarget) -> C {
        C::from(Self { target, client: PhantomData })
    }

    /// Returns the same client with a deadline for each call, retries included. Default: the
    /// deadline of each method.
    ///
    /// The service learns the deadline. It keeps the method's own if that is shorter.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> C {
        Self::with_target(self.target.clone().with_deadline(deadline))
    }

    /// Returns the same client with this caller, whom the methods see. Default: an anonymous one.
    /// No effect over the wire, where the token says who calls.
    #[must_use]
    pub fn as_caller(&self, caller: impl LocalCaller) -> C {
        Self::with_target(self.target.clone().with_caller(caller))
    }

    /// Returns the same client with this token. No effect within the process, where there are no
    /// tokens.
    #[must_use]
    pub fn with_token(&self, token: impl Into<Arc<str>>) -> C {
        Self::with_target(self.target.clone().map_remote(|client| client.with_token(token)))
    }

    /// Returns the same client without retries of rejected calls.
    #[must_use]
    pub fn without_retry(&self) -> C {
        Self::with_target(self.target.clone().map_remote(Client::without_retry))
    }

    /// Returns the call of a method with its message, as the functions of a service's own client
    /// do.
    ///
    /// Calls are repeated by the rules of [`Client`]; after a broken connection only those of
    /// [idempotent](Message::IDEMPOTENT) methods. For the errors of a call see [`ClientError`].
    pub fn call<M>(&self, message: M) -> Call<M>
    where
        C: Calls<M>,
        M: Message<Output: ClientOutput>,
    {
        message.into_call(self)
    }

    /// Sends a notification: the method runs, and its outcome is not reported. It takes a [`Call`],
    /// as the functions of a service's own client return, or a message.
    ///
    /// # Errors
    /// Returns an error if the notification cannot be sent. Within the process also if it is
    /// rejected; over the wire that is not reported.
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn notify(&self, call: impl IntoCall<C>) -> Result<(), ClientError> {
        call.into_call(self).into_unsent().notify().await
    }

    /// Returns an empty batch, which sends several calls together.
    pub fn batch(&self) -> TypedBatch<'_, C> {
        TypedBatch::new(self)
    }
}

/// Converts the error to the error type of the method.
pub(crate) fn of_method<M: Message>(error: ClientError) -> ClientError<M::Error> {
    error.try_map(M::Error::from_rpc_error)
}

impl<C: ServiceClient> From<Client> for TypedClient<C> {
    fn from(client: Client) -> Self {
        Self { target: CallTarget::Remote(client), client: PhantomData }
    }
}

impl<C: ServiceClient> From<LocalService> for TypedClient<C> {
    fn from(service: LocalService) -> Self {
        Self { target: CallTarget::Local(service), client: PhantomData }
    }
}

// By hand: a derive would require the client to be `Clone`.
impl<C: ServiceClient> Clone for TypedClient<C> {
    fn clone(&self) -> Self {
        Self { target: self.target.clone(), client: PhantomData }
    }
}

impl<C: ServiceClient> fmt::Debug for TypedClient<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedClient").field("target", &self.target).finish_non_exhaustive()
    }
}

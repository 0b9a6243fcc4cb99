//! The typed client: messages instead of names, over the wire or straight into the mailboxes.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::engine::{LocalService, ServiceRef};
use crate::service::{FromRpcError, Message, Service, full_name};

use super::answer;
use super::error::ClientError;
use super::request::{Request, sendable};
use super::typed_batch::TypedBatch;
use super::untyped::Client;

/// The client of one service. [`#[service]`](macro@crate::service) writes one for each service:
/// `Greeter` gets a `GreeterClient`, with an async function for each method, and all of
/// [`TypedClient`] beside these.
///
/// A method of the service that has the name of one of `TypedClient`'s, such as `batch`, takes
/// precedence. The other one is then called as `TypedClient::batch(&client)`.
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
///     const NAMESPACE: Option<&'static str> = None;
/// }
///
/// impl Calls<Sums_Add> for SumsClient {}
///
/// // What lets `ServiceRef::<Sums>::client` return it.
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
pub trait ServiceClient: From<TypedClient<Self>> {
    /// The namespace of the service's methods on the wire, as in [`Service::NAMESPACE`].
    const NAMESPACE: Option<&'static str>;
}

/// A typed client that can call the method of this message.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not call the method of `{M}`",
    note = "`#[service]` writes `callbox::client::Calls` for each message of a service and its client, but not with \
            `client = false`"
)]
pub trait Calls<M: Message>: ServiceClient {}

/// A service that a typed client can be a client of, so that [`ServiceRef::client`] returns one.
#[diagnostic::on_unimplemented(
    message = "`{C}` is not a client of `{Self}`",
    note = "`#[service]` names the client after the service: `CounterClient` for `Counter`"
)]
pub trait Serves<C: ServiceClient>: Service {}

/// What a result must be for the typed client. Never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "the typed client cannot read `{Self}` back",
    label = "not `DeserializeOwned`",
    note = "derive `serde::Deserialize` for it, or do without the client: `#[service(client = false)]`"
)]
pub trait ClientOutput: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> ClientOutput for T {}

/// What the clients of all services have in common. It is made of a [`Client`], which sends calls
/// over the wire, or of a [`LocalService`], which puts messages straight into the mailboxes of a
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
/// The two differ in two points. Access rules are for callers from outside, so calls within the
/// process carry no token, and their caller is the one of [`ServiceRef::as_caller`]. And calls that
/// a service in the process rejected are not repeated, because their parameters are gone.
pub struct TypedClient<C: ServiceClient> {
    pub(super) target: Target,
    client: PhantomData<fn() -> C>,
}

/// Where the calls of a typed client go.
#[derive(Clone, Debug)]
pub(super) enum Target {
    Local(LocalService),
    Remote(Client),
}

impl<C: ServiceClient> TypedClient<C> {
    fn with_target(target: Target) -> C {
        C::from(Self { target, client: PhantomData })
    }

    /// Returns the same client with a deadline for each call, repetitions included. Default: the
    /// deadline of each method.
    ///
    /// The service learns the deadline. It keeps the method's own if that is shorter.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> C {
        Self::with_target(match &self.target {
            Target::Local(service) => Target::Local(service.with_deadline(deadline)),
            Target::Remote(client) => Target::Remote(client.with_deadline(deadline)),
        })
    }

    /// Returns the same client with this token. No effect within the process, where there are no
    /// tokens.
    #[must_use]
    pub fn with_token(&self, token: impl Into<Arc<str>>) -> C {
        self.map_remote(|client| client.with_token(token))
    }

    /// Returns the same client without repetitions of rejected calls.
    #[must_use]
    pub fn without_retry(&self) -> C {
        self.map_remote(Client::without_retry)
    }

    fn map_remote(&self, change: impl FnOnce(&Client) -> Client) -> C {
        Self::with_target(match &self.target {
            Target::Local(service) => Target::Local(service.clone()),
            Target::Remote(client) => Target::Remote(change(client)),
        })
    }

    /// Calls a method with its message, as the functions of a service's own client do. Dropping the
    /// future gives up the call.
    ///
    /// Calls are repeated by the rules of [`Client`]; after a broken connection only those of
    /// [idempotent](Message::IDEMPOTENT) methods.
    ///
    /// # Errors
    /// See [`ClientError`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn call<M>(&self, message: M) -> Result<M::Output, ClientError<M::Error>>
    where
        C: Calls<M>,
        M: Message<Output: ClientOutput>,
    {
        let answer = match &self.target {
            Target::Local(service) => match sendable(&message) {
                Ok(()) => service.call_checked(message).await.map_err(ClientError::told),
                Err(error) => Err(error),
            },
            Target::Remote(client) => {
                let request = Self::request(client, &message, true);
                drop(message);
                answer::value(client.with_deadline(deadline::<M>(client)).alone(request).await)
            }
        };
        answer.map_err(of_method::<M>)
    }

    /// Sends a notification: the method runs, and its outcome is not reported.
    ///
    /// # Errors
    /// If it cannot be sent. Within the process also if it is rejected, which callers from outside
    /// never learn.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn notify<M: Message>(&self, message: M) -> Result<(), ClientError>
    where
        C: Calls<M>,
    {
        match &self.target {
            Target::Local(service) => {
                sendable(&message)?;
                service.notify(message).map_err(ClientError::told)
            }
            Target::Remote(client) => {
                let request = Self::request(client, &message, false);
                drop(message);
                client.with_deadline(deadline::<M>(client)).alone(request).await.map(drop)
            }
        }
    }

    /// Begins a batch: several calls that are sent together.
    pub fn batch(&self) -> TypedBatch<'_, C> {
        TypedBatch::new(self)
    }

    pub(super) fn request<M: Message>(client: &Client, message: &M, answered: bool) -> Result<Request, ClientError> {
        let request = client.request(full_name(C::NAMESPACE, M::NAME), message, answered)?;
        Ok(Request { idempotent: M::IDEMPOTENT, ..request })
    }
}

/// Returns the deadline of a call over the wire.
pub(super) fn deadline<M: Message>(client: &Client) -> Duration {
    client.own_deadline().unwrap_or(M::DEADLINE)
}

/// Returns the same error as one of the method.
pub(super) fn of_method<M: Message>(error: ClientError) -> ClientError<M::Error> {
    error.try_map(M::Error::from_rpc_error)
}

impl<C: ServiceClient> From<Client> for TypedClient<C> {
    fn from(client: Client) -> Self {
        Self { target: Target::Remote(client), client: PhantomData }
    }
}

impl<C: ServiceClient> From<LocalService> for TypedClient<C> {
    fn from(service: LocalService) -> Self {
        Self { target: Target::Local(service), client: PhantomData }
    }
}

impl<S: Service> ServiceRef<S> {
    /// Returns a typed client of this service, whose calls have the caller and the deadline of this
    /// reference.
    ///
    /// ```no_run
    /// use callbox::client::ClientError;
    /// use callbox::{ServiceRef, service};
    ///
    /// #[derive(Default)]
    /// struct Counter { count: u64 }
    ///
    /// #[service(name = "counter")]
    /// impl Counter {
    ///     /// Adds to the count.
    ///     #[public_method]
    ///     fn add(&mut self, by: u64) -> u64 {
    ///         self.count += by;
    ///         self.count
    ///     }
    /// }
    ///
    /// async fn add_twice(counter: ServiceRef<Counter>) -> Result<u64, ClientError> {
    ///     let counter: CounterClient = counter.client();
    ///     counter.add(1).await?;
    ///     counter.add(1).await
    /// }
    /// ```
    pub fn client<C: ServiceClient>(&self) -> C
    where
        S: Serves<C>,
    {
        C::from(TypedClient::from(self.erased()))
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

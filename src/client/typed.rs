//! The typed client: messages instead of names, over the wire or straight into the mailbox.

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;

use crate::engine::ServiceRef;
use crate::service::{Method, MethodOptions, MethodTable, Service, full_name};

use super::answer;
use super::error::ClientError;
use super::own_error::FromRpcError;
use super::request::{Request, sendable};
use super::typed_batch::TypedBatch;
use super::untyped::{Client, DEADLINE};

/// The client of one service. [`#[service]`](macro@crate::service) writes one for each: `Greeter` gets a `GreeterClient`,
/// with an async function for each method, and all of [`Typed`] beside these.
///
/// A method of the service that is called like one of `Typed`, `batch` say, goes before it; the other one is then reached
/// as `Typed::batch(&client)`.
///
/// By hand it is a struct around a [`Typed`], and a [`ClientMethod`] for each message:
///
/// ```
/// use callbox::client::{ClientError, ClientMethod, ServiceClient, Typed};
/// use callbox::{RpcError, Server, service, testing};
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
/// impl ClientMethod for Add {
///     type Error = RpcError;
/// }
///
/// struct SumsClient(Typed<Self>);
///
/// impl ServiceClient for SumsClient {
///     type Service = Sums;
/// }
///
/// impl From<Typed<Self>> for SumsClient {
///     fn from(typed: Typed<Self>) -> Self {
///         Self(typed)
///     }
/// }
///
/// impl SumsClient {
///     async fn add(&self, a: u64, b: u64) -> Result<u64, ClientError> {
///         self.0.call(Add { a, b }).await
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let server = testing::start(Server::new(|| Sums));
/// let sums = SumsClient::from(Typed::from(server.service::<Sums>()));
/// assert_eq!(sums.add(40, 2).await.unwrap(), 42);
/// # }
/// ```
pub trait ServiceClient: From<Typed<Self>> {
    /// The service that it calls.
    type Service: Service;
}

/// A method that a typed client can call. [`#[service]`](macro@crate::service) writes the impl beside that of [`Method`].
#[diagnostic::on_unimplemented(
    message = "a typed client cannot call `{Self}`",
    note = "`#[service]` writes `callbox::client::ClientMethod` for the messages of a service, but not with `client = false`"
)]
pub trait ClientMethod: Method {
    /// What the method itself says when it fails; [`RpcError`](struct@crate::RpcError) if it says nothing of its own.
    type Error: FromRpcError;
}

/// What a result must be for the typed client. Never implemented by hand.
#[diagnostic::on_unimplemented(
    message = "the typed client cannot read `{Self}` back",
    label = "not `DeserializeOwned`",
    note = "derive `serde::Deserialize` for it, or do without the client: `#[service(client = false)]`"
)]
pub trait ClientOutput: DeserializeOwned {}

#[diagnostic::do_not_recommend]
impl<T: DeserializeOwned> ClientOutput for T {}

/// What the clients of all services can do, and what they are made of: either a [`Client`], which goes over the wire, or a
/// [`ServiceRef`], which puts messages straight into the mailboxes of a service in the same process, without JSON.
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
/// let bar = BarClient::from(server.service::<Bar>());
/// assert_eq!(bar.serve(40).await.unwrap(), "cheers");
/// let denied = bar.with_deadline(Duration::from_secs(1)).serve(7).await;
/// assert!(matches!(denied, Err(ClientError::Method(Denied::TooYoung))));
/// # }
/// ```
///
/// What differs between the two: access rules are for callers from outside, so there is no token within the process, and
/// the caller is whom [`ServiceRef::as_caller`] says; and calls that a service in the process turned away are not made
/// again, because their parameters are gone with them.
pub struct Typed<C: ServiceClient> {
    pub(super) via: Via<C::Service>,
    known: Arc<Known>,
    client: PhantomData<fn() -> C>,
}

/// The way to the service.
pub(super) enum Via<S: Service> {
    Mailbox(ServiceRef<S>),
    Wire(Client),
}

/// What the service says of its methods, by their names without namespace.
type Known = HashMap<&'static str, MethodOptions>;

struct Collected<S> {
    known: Known,
    service: PhantomData<S>,
}

impl<S: Service> MethodTable<S> for Collected<S> {
    fn add<M: Method<Service = S>>(&mut self, options: MethodOptions) {
        self.known.insert(M::NAME, options);
    }
}

impl<C: ServiceClient> Typed<C> {
    fn new(via: Via<C::Service>) -> Self {
        let mut table = Collected { known: Known::new(), service: PhantomData };
        C::Service::methods(&mut table);
        Self { via, known: Arc::new(table.known), client: PhantomData }
    }

    /// The same client, whose calls have this much time, with all their tries. Default: the deadline of each method.
    ///
    /// The service is told. It keeps the method's own deadline, if that is shorter.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> C {
        self.by(match &self.via {
            Via::Mailbox(service) => Via::Mailbox(service.with_deadline(deadline)),
            Via::Wire(client) => Via::Wire(client.with_deadline(deadline)),
        })
    }

    /// The same client with this token. Within the process there are no tokens, and it changes nothing.
    #[must_use]
    pub fn with_token(&self, token: impl Into<Arc<str>>) -> C {
        self.over(|client| client.with_token(token))
    }

    /// The same client, whose calls are made once.
    #[must_use]
    pub fn without_retry(&self) -> C {
        self.over(Client::without_retry)
    }

    fn over(&self, change: impl FnOnce(&Client) -> Client) -> C {
        self.by(match &self.via {
            Via::Mailbox(service) => Via::Mailbox(service.clone()),
            Via::Wire(client) => Via::Wire(change(client)),
        })
    }

    fn by(&self, via: Via<C::Service>) -> C {
        C::from(Self { via, known: Arc::clone(&self.known), client: PhantomData })
    }

    /// Calls a method with its message; what the functions of a service's own client do. Dropping the future gives the call
    /// up.
    ///
    /// It is made again as [`Client`] says, also after the connection broke if the method is marked `idempotent`.
    ///
    /// # Errors
    /// See [`ClientError`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn call<M>(&self, message: M) -> Result<M::Output, ClientError<M::Error>>
    where
        M: ClientMethod<Service = C::Service>,
        M::Output: ClientOutput,
    {
        let answer = match &self.via {
            Via::Mailbox(service) => match sendable(&message) {
                Ok(()) => service.call_checked(message).await.map_err(ClientError::told),
                Err(error) => Err(error),
            },
            Via::Wire(client) => {
                let request = self.request(client, &message, true);
                drop(message);
                answer::value(client.with_deadline(self.deadline::<M>(client)).alone(request).await)
            }
        };
        answer.map_err(of_method::<M>)
    }

    /// Sends a notification: the method runs, and nobody is told how it went.
    ///
    /// # Errors
    /// If it cannot be sent. Within the process also if it is turned away, which callers from outside are never told.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn notify<M: Method<Service = C::Service>>(&self, message: M) -> Result<(), ClientError> {
        match &self.via {
            Via::Mailbox(service) => {
                sendable(&message)?;
                service.notify(message).map_err(ClientError::told)
            }
            Via::Wire(client) => {
                let request = self.request(client, &message, false);
                drop(message);
                client.with_deadline(self.deadline::<M>(client)).alone(request).await.map(drop)
            }
        }
    }

    /// Begins a batch: several calls that go out together.
    pub fn batch(&self) -> TypedBatch<'_, C> {
        TypedBatch::new(self)
    }

    pub(super) fn request<M>(&self, client: &Client, message: &M, answered: bool) -> Result<Request, ClientError>
    where
        M: Method<Service = C::Service>,
    {
        let idempotent = self.known.get(M::NAME).is_some_and(|options| options.idempotent);
        let request = client.request(full_name(C::Service::NAMESPACE, M::NAME), message, answered)?;
        Ok(Request { idempotent, ..request })
    }

    /// The time that a call has over the wire.
    pub(super) fn deadline<M: Method<Service = C::Service>>(&self, client: &Client) -> Duration {
        let methods_own = || self.known.get(M::NAME).map(|options| options.deadline);
        client.own_deadline().or_else(methods_own).unwrap_or(DEADLINE)
    }
}

/// The same error as one of the method.
pub(super) fn of_method<M: ClientMethod>(error: ClientError) -> ClientError<M::Error> {
    error.try_map(M::Error::from_rpc_error)
}

impl<C: ServiceClient> From<Client> for Typed<C> {
    fn from(client: Client) -> Self {
        Self::new(Via::Wire(client))
    }
}

impl<C: ServiceClient> From<ServiceRef<C::Service>> for Typed<C> {
    fn from(service: ServiceRef<C::Service>) -> Self {
        Self::new(Via::Mailbox(service))
    }
}

// By hand: derives would ask the client, and the state of the service, to have the same.
impl<C: ServiceClient> Clone for Typed<C> {
    fn clone(&self) -> Self {
        let via = match &self.via {
            Via::Mailbox(service) => Via::Mailbox(service.clone()),
            Via::Wire(client) => Via::Wire(client.clone()),
        };
        Self { via, known: Arc::clone(&self.known), client: PhantomData }
    }
}

impl<C: ServiceClient> fmt::Debug for Typed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut told = f.debug_struct("Typed");
        match &self.via {
            Via::Mailbox(service) => told.field("service", service),
            Via::Wire(client) => told.field("client", client),
        };
        told.finish_non_exhaustive()
    }
}

//! A call of a typed client: its options, and then the future of its result.

use std::any::Any;
use std::fmt;
use std::future::Future;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::future::BoxFuture;

use crate::client_error::ClientError;
use crate::local::{LocalService, Started};
use crate::message::{Message, Reply};
use crate::name::full_name;
use crate::progress::{ProgressHandler, ProgressReport, ProgressSlot};
use crate::request::{BodyShape, RequestObject, check_params};
use crate::response::RawResult;
use crate::stream::Feed;
use crate::typed_client::{Calls, ClientOutput, ServiceClient, TypedClient, of_method};
use crate::untyped::Client;

/// A call of a typed client, which is sent when it is awaited. The functions of a client return it.
///
/// Its options hold for this call alone and are set before it is awaited. It is a future, so it
/// also goes into `join!` or `tokio::time::timeout`. Dropping it gives up the call.
///
/// [`TypedClient::notify`] and [`TypedBatch`](crate::TypedBatch) take a call as well.
///
/// ```
/// use std::time::Duration;
/// use callbox::{Server, service, testing};
///
/// #[derive(Default)]
/// struct Notes { lines: Vec<String> }
///
/// #[service(name = "notes")]
/// impl Notes {
///     /// Adds a line, and returns how many there are.
///     #[public_method]
///     fn add(&mut self, line: String) -> usize {
///         self.lines.push(line);
///         self.lines.len()
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let server = testing::start(Server::new(Notes::default));
/// let notes: NotesClient = server.service::<Notes>().client();
///
/// assert_eq!(notes.add("one".into()).await?, 1);
/// assert_eq!(notes.add("two".into()).with_deadline(Duration::from_secs(1)).await?, 2);
///
/// notes.notify(notes.add("three".into())).await?;
/// let batch = notes.batch().add(notes.add("four".into())).add(notes.add("five".into()));
/// let (four, five) = batch.send().await;
/// assert_eq!((four?, five?), (4, 5));
/// # Ok(()) }
/// ```
#[must_use = "a call is not sent until it is awaited"]
pub struct Call<M: Message> {
    state: CallState<M>,
    progress: Option<ProgressHandler>,
}

enum CallState<M: Message> {
    Unsent(UnsentCall<M>),
    Local(BoxFuture<'static, Reply<M>>),
    Remote(BoxFuture<'static, RawResult>, Option<Feed>),
    Ended,
}

/// A message, and where it goes.
pub(crate) struct UnsentCall<M> {
    pub(crate) message: M,
    pub(crate) target: CallTarget,
    pub(crate) namespace: Option<&'static str>,
    progress: Option<Arc<ProgressSlot>>,
}

/// The service that a typed client calls.
#[derive(Clone, Debug)]
pub(crate) enum CallTarget {
    Local(LocalService),
    Remote(Client),
}

/// The caller of calls within a process. `callbox::Caller` implements it.
pub trait LocalCaller: Any + Send + Sync {}

impl CallTarget {
    pub(crate) fn with_deadline(self, deadline: Duration) -> Self {
        match self {
            Self::Local(service) => Self::Local(service.with_deadline(deadline)),
            Self::Remote(client) => Self::Remote(client.with_deadline(deadline)),
        }
    }

    pub(crate) fn with_caller(self, caller: impl LocalCaller) -> Self {
        match self {
            Self::Local(service) => Self::Local(service.with_caller(Arc::new(caller))),
            Self::Remote(client) => Self::Remote(client),
        }
    }

    pub(crate) fn map_remote(self, change: impl FnOnce(&Client) -> Client) -> Self {
        match self {
            Self::Local(service) => Self::Local(service),
            Self::Remote(client) => Self::Remote(change(&client)),
        }
    }
}

impl<M: Message> UnsentCall<M> {
    /// Returns the request object of a call or a notification over the wire.
    pub(crate) fn request(&self, client: &Client, is_call: bool) -> Result<RequestObject, ClientError> {
        let namespace = self.namespace.filter(|_| !client.transport.is_group());
        let request = client.request(full_name(namespace, M::NAME), &self.message, is_call)?;
        Ok(RequestObject { idempotent: M::IDEMPOTENT, ..request })
    }

    /// Returns where the items will arrive, if the method is a subscription.
    pub(crate) fn feed(
        client: &Client,
        request: &mut RequestObject,
        shape: BodyShape,
    ) -> Result<Option<Feed>, ClientError> {
        M::SUBSCRIPTION.map(|names| client.open_feed(request, names, shape, true)).transpose()
    }

    /// Returns the client that sends this call, if it is not sent together with those of `client`.
    pub(crate) fn own_client<'a>(&'a self, client: &'a Client) -> &'a Client {
        if let CallTarget::Remote(own) = &self.target { own } else { client }
    }

    /// Returns the service of this call, with its options; `otherwise` if it has another target.
    pub(crate) fn local_service(&self, otherwise: &LocalService) -> LocalService {
        if let CallTarget::Local(own) = &self.target { own.clone() } else { otherwise.clone() }
    }

    /// Sends a notification.
    pub(crate) async fn notify(self) -> Result<(), ClientError> {
        match &self.target {
            CallTarget::Local(service) => service.clone().notify(self.message),
            CallTarget::Remote(client) => {
                let request = self.request(client, false);
                let client = client.for_method(M::DEADLINE);
                drop(self);
                client.send_single(request).await.map(drop)
            }
        }
    }

    /// Sends the call. If it has ended at once, the result is the error.
    fn start(self) -> Result<CallState<M>, Result<M::Output, ClientError>> {
        match &self.target {
            CallTarget::Local(service) => {
                check_params(&self.message).map_err(Err)?;
                match service.clone().start(self.message, false, self.progress) {
                    Ok(Started::Ended(reply)) => Err(reply.map_err(ClientError::from_server)),
                    Ok(Started::Waits(reply)) => Ok(CallState::Local(reply)),
                    Err(rejected) => Err(Err(ClientError::from_server(rejected))),
                }
            }
            CallTarget::Remote(client) => {
                let mut request = self.request(client, true).map_err(Err)?;
                let client = client.for_method(M::DEADLINE);
                let feed = Self::feed(&client, &mut request, BodyShape::Single).map_err(Err)?;
                if let Some(slot) = &self.progress {
                    client.ask_progress(&mut request, slot);
                }
                let result = async move { client.send_single(Ok(request)).await };
                Ok(CallState::Remote(Box::pin(result), feed))
            }
        }
    }
}

impl<M: Message> Call<M> {
    fn new(unsent: UnsentCall<M>) -> Self {
        Self { state: CallState::Unsent(unsent), progress: None }
    }

    /// Sets the deadline of this call, retries included. Default: that of the client, or else of
    /// the method.
    ///
    /// The service learns the deadline. It keeps the method's own if that is shorter.
    pub fn with_deadline(self, deadline: Duration) -> Self {
        self.map_target(|target| target.with_deadline(deadline))
    }

    /// Sets the caller that the method sees. Default: an anonymous one. No effect over the wire,
    /// where the token says who calls.
    pub fn as_caller(self, caller: impl LocalCaller) -> Self {
        self.map_target(|target| target.with_caller(caller))
    }

    /// Sets the token of this call. No effect within the process, where there are no tokens.
    pub fn with_token(self, token: impl Into<Arc<str>>) -> Self {
        self.map_target(|target| target.map_remote(|client| client.with_token(token)))
    }

    /// Does not repeat this call when it is rejected.
    pub fn without_retry(self) -> Self {
        self.map_target(|target| target.map_remote(Client::without_retry))
    }

    /// Passes reports of the progress to this function, if the method makes any: the newest ones,
    /// at most 20 a second over the wire. They come while the call is awaited, and none after its
    /// end.
    ///
    /// Over HTTP the response to such a call is a stream of server-sent events. A call in a batch
    /// has no reports, nor has one over a [transport](crate::Transport) of your own.
    ///
    /// ```
    /// use callbox::{Progress, Server, service, testing};
    ///
    /// struct Importer;
    ///
    /// #[service(name = "importer")]
    /// impl Importer {
    ///     /// Imports so many lines.
    ///     #[public_method]
    ///     async fn import(&self, lines: u64, progress: &Progress) -> u64 {
    ///         for line in 0..lines {
    ///             progress.report(line, lines, "orders.csv");
    ///             tokio::task::yield_now().await;
    ///         }
    ///         lines
    ///     }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let server = testing::start(Server::new(|| Importer));
    /// let importer: ImporterClient = server.service::<Importer>().client();
    /// let import = importer.import(100);
    /// let import = import.on_progress(|report| println!("{} of {:?}", report.done, report.total));
    /// assert_eq!(import.await?, 100);
    /// # Ok(()) }
    /// ```
    pub fn on_progress(mut self, handle: impl Fn(&ProgressReport) + Send + Sync + 'static) -> Self {
        let handler = ProgressHandler::new(handle);
        if let CallState::Unsent(unsent) = &mut self.state {
            unsent.progress = Some(Arc::clone(&handler.slot));
        }
        self.progress = Some(handler);
        self
    }

    fn map_target(self, change: impl FnOnce(CallTarget) -> CallTarget) -> Self {
        let state = match self.state {
            CallState::Unsent(unsent) => CallState::Unsent(UnsentCall { target: change(unsent.target), ..unsent }),
            sent => sent,
        };
        Self { state, progress: self.progress }
    }

    /// Returns the message and its target.
    ///
    /// # Panics
    /// If the call was sent already.
    pub(crate) fn into_unsent(self) -> UnsentCall<M> {
        match self.state {
            CallState::Unsent(unsent) => unsent,
            _ => panic!("this call was sent already, so it cannot be sent again"),
        }
    }
}

impl<M: Message<Output: ClientOutput>> Future for Call<M> {
    type Output = Result<M::Output, ClientError<M::Error>>;

    /// # Panics
    /// Panics outside a tokio runtime, if the call has to wait, and if it is polled after its end.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { state, progress } = &mut *self;
        if matches!(state, CallState::Unsent(_))
            && let CallState::Unsent(unsent) = mem::replace(state, CallState::Ended)
        {
            match unsent.start() {
                Ok(sent) => *state = sent,
                Err(result) => return Poll::Ready(result.map_err(of_method::<M>)),
            }
        }
        if let Some(progress) = progress {
            progress.poll(cx);
        }
        let result = match state {
            CallState::Local(reply) => ready!(reply.as_mut().poll(cx)).map_err(ClientError::from_server),
            CallState::Remote(result, feed) => {
                let result = ready!(result.as_mut().poll(cx));
                M::Output::of_result(result, feed.take())
            }
            CallState::Unsent(_) | CallState::Ended => panic!("a call was polled after its end"),
        };
        *state = CallState::Ended;
        Poll::Ready(result.map_err(of_method::<M>))
    }
}

// Nothing is pinned within: the futures are in boxes.
impl<M: Message> Unpin for Call<M> {}

/// A message, or a [`Call`] that was not sent: what [`TypedClient::notify`] and
/// [`TypedBatch`](crate::TypedBatch) take.
pub trait IntoCall<C: ServiceClient> {
    /// The message.
    type Message: Message;

    #[doc(hidden)]
    fn into_call(self, client: &TypedClient<C>) -> Call<Self::Message>;
}

impl<C: Calls<M>, M: Message> IntoCall<C> for M {
    type Message = M;

    fn into_call(self, client: &TypedClient<C>) -> Call<M> {
        let target = client.target.clone();
        Call::new(UnsentCall { message: self, target, namespace: C::NAMESPACE, progress: None })
    }
}

impl<C: Calls<M>, M: Message> IntoCall<C> for Call<M> {
    type Message = M;

    fn into_call(self, _: &TypedClient<C>) -> Self {
        self
    }
}

impl<M: Message> fmt::Debug for Call<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call").field("method", &M::NAME).finish_non_exhaustive()
    }
}

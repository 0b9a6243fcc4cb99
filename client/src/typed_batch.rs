//! Batches of typed calls.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use futures_util::future::{BoxFuture, join_all};

use crate::local::LocalService;
use crate::message::Message;

use crate::batch_types::{BatchResult, BatchResults, BatchTuple, LocalResult, MessageList, TuplePush};
use crate::call::{CallTarget, IntoCall, UnsentCall};
use crate::client_error::ClientError;
use crate::request::{BodyShape, RequestObject};
use crate::stream::Feed;
use crate::typed_client::{ClientOutput, ServiceClient, TypedClient};
use crate::untyped::Client;

/// Calls and notifications of one service that are sent together. See [`TypedClient::batch`].
///
/// Over the wire they are one body. If the server rejects some of the calls, only these are sent
/// again. Within the process the calls are put into their mailboxes one right after the other.
///
/// `A` is a tuple of the added calls, to which each call adds an element. [`send`](Self::send)
/// returns a tuple of their results in the same order. A batch has at most sixteen elements, of
/// which each may be any number of calls ([`add_all`](Self::add_all)).
///
/// ```
/// # use callbox::{Server, service, testing};
/// # #[derive(Default)] struct Sums;
/// # #[service(name = "sums")] impl Sums {
/// #     #[public_method] fn add(&self, a: u64, b: u64) -> u64 { a + b }
/// #     #[public_method] fn text(&self, of: u64) -> String { of.to_string() }
/// #     #[public_method] fn log(&self, line: String) { let _ = line; }
/// # }
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// # let server = testing::start(Server::new(Sums::default));
/// # let sums = server.service::<Sums>().client::<SumsClient>();
/// let batch = sums.batch().add(sums.add(1, 2)).add(sums.text(7));
/// let (sum, text) = batch.notify(sums.log("added".into())).send().await;
/// assert_eq!((sum.unwrap(), text.unwrap()), (3, "7".to_owned()));
///
/// let (sums,) = sums.batch().add_all((0..3).map(|n| sums.add(n, n))).send().await;
/// assert_eq!(sums.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [0, 2, 4]);
/// # }
/// ```
#[must_use = "a batch is not sent until `send`"]
pub struct TypedBatch<'a, C: ServiceClient, A = ()> {
    client: &'a TypedClient<C>,
    members: BatchCalls,
    /// The number of calls of each element.
    counts: Vec<usize>,
    deadline: BatchDeadline,
    elements: PhantomData<fn() -> A>,
}

/// The calls and notifications, by the way in which they will be sent.
enum BatchCalls {
    /// The requests, and for each call where its items arrive, if its method is a subscription.
    Remote(Client, Vec<Result<RequestObject, ClientError>>, Vec<Option<Feed>>),
    /// The future of a notification returns `None`.
    Local(LocalService, Vec<BoxFuture<'static, Option<LocalResult>>>),
}

/// The longest deadline of the members: they share one body, so they share one deadline.
#[derive(Clone, Copy, Debug, Default)]
struct BatchDeadline {
    longest: Duration,
    /// Whether a client or a call has set one, and not only the methods.
    is_set: bool,
}

impl BatchDeadline {
    /// Adds a member that this client would send, of a method with this deadline.
    fn add(&mut self, client: &Client, method: Duration) {
        let own = client.explicit_deadline();
        self.longest = self.longest.max(own.unwrap_or(method));
        self.is_set |= own.is_some();
    }

    fn apply(self, client: &Client) -> Client {
        if self.is_set { client.with_deadline(self.longest) } else { client.for_methods(self.longest) }
    }
}

impl<'a, C: ServiceClient> TypedBatch<'a, C> {
    pub(crate) fn new(client: &'a TypedClient<C>) -> Self {
        let members = match &client.target {
            CallTarget::Remote(client) => BatchCalls::Remote(client.clone(), Vec::new(), Vec::new()),
            CallTarget::Local(service) => BatchCalls::Local(service.clone(), Vec::new()),
        };
        Self { client, members, counts: Vec::new(), deadline: BatchDeadline::default(), elements: PhantomData }
    }
}

impl<'a, C: ServiceClient, A> TypedBatch<'a, C, A> {
    /// Adds a call, as the functions of the client return, or its message.
    ///
    /// The batch is sent with the token of its own client, and ends at the longest deadline of its
    /// members.
    #[expect(clippy::should_implement_trait, reason = "it adds a call to a batch, not a number")]
    pub fn add<I>(mut self, call: I) -> TypedBatch<'a, C, A::With<I::Message>>
    where
        I: IntoCall<C, Message: Message<Output: ClientOutput>>,
        A: TuplePush,
    {
        self.push(call);
        self.with_element(1)
    }

    /// Adds any number of calls of one method. Their results are one element of the tuple: a `Vec`
    /// in the order of the calls.
    pub fn add_all<I>(
        mut self,
        calls: impl IntoIterator<Item = I>,
    ) -> TypedBatch<'a, C, A::With<MessageList<I::Message>>>
    where
        I: IntoCall<C, Message: Message<Output: ClientOutput>>,
        A: TuplePush,
    {
        let count = calls.into_iter().map(|call| self.push(call)).count();
        self.with_element(count)
    }

    /// Adds a notification, which has no result. Over the wire, a notification whose parameters
    /// cannot be written as JSON is not sent, and an error is logged.
    pub fn notify<I: IntoCall<C>>(mut self, call: I) -> Self {
        let unsent = call.into_call(self.client).into_unsent();
        match &mut self.members {
            BatchCalls::Remote(client, requests, _) => {
                self.deadline.add(unsent.own_client(client), <I::Message as Message>::DEADLINE);
                match unsent.request(client, false) {
                    Ok(request) => requests.push(Ok(request)),
                    // A notification has no result that could return the error.
                    Err(error) => {
                        let method = <I::Message as Message>::NAME;
                        log_error!(method, %error, "a notification was not sent with its batch");
                    }
                }
            }
            BatchCalls::Local(service, calls) => {
                let service = unsent.local_service(service);
                calls.push(Box::pin(async move {
                    // The service counts and logs a rejected notification. The caller does not
                    // learn of it, as over the wire.
                    let _ = service.notify(unsent.message);
                    None
                }));
            }
        }
        self
    }

    /// Sends the batch and waits for the results: a tuple with one element for each call.
    ///
    /// An error of the batch as a whole is the result of each call. An empty batch is not sent.
    /// Dropping the future gives up the calls.
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn send(self) -> A::Results
    where
        A: BatchTuple,
    {
        let results = match self.members {
            BatchCalls::Remote(client, requests, feeds) => {
                let results = self.deadline.apply(&client).send_members(requests).await;
                let remote = |(result, feed)| BatchResult::Remote { result, feed };
                results.into_iter().zip(feeds).map(remote).collect()
            }
            BatchCalls::Local(_, calls) => {
                join_all(calls).await.into_iter().flatten().map(BatchResult::Local).collect()
            }
        };
        A::take(BatchResults::new(results, self.counts))
    }

    fn push<I: IntoCall<C>>(&mut self, call: I) {
        let unsent = call.into_call(self.client).into_unsent();
        match &mut self.members {
            BatchCalls::Remote(client, requests, feeds) => {
                self.deadline.add(unsent.own_client(client), <I::Message as Message>::DEADLINE);
                let request = unsent.request(client, true);
                let feed = |call: &mut _| UnsentCall::<I::Message>::feed(client, call, BodyShape::Batch);
                let prepared = request.and_then(|mut call| Ok((feed(&mut call)?, call)));
                let (feed, request) = prepared.map_or_else(|error| (None, Err(error)), |(feed, call)| (feed, Ok(call)));
                requests.push(request);
                feeds.push(feed);
            }
            BatchCalls::Local(service, calls) => {
                let service = unsent.local_service(service);
                calls.push(Box::pin(async move {
                    let result = service.call(unsent.message).await;
                    Some(result.map(|output| Box::new(output) as Box<dyn Any + Send>))
                }));
            }
        }
    }

    fn with_element<T>(mut self, count: usize) -> TypedBatch<'a, C, A::With<T>>
    where
        A: TuplePush,
    {
        self.counts.push(count);
        let Self { client, members, counts, deadline, .. } = self;
        TypedBatch { client, members, counts, deadline, elements: PhantomData }
    }
}

impl<C: ServiceClient, A> fmt::Debug for TypedBatch<'_, C, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedBatch").field("client", self.client).field("calls", &self.counts).finish_non_exhaustive()
    }
}

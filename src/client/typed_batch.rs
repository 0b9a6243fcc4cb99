//! Several typed calls that go out together.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use futures::future::{BoxFuture, join_all};

use crate::engine::LocalService;
use crate::service::Message;

use super::batch_types::{Answer, Answers, Asked, Each, Grow, InProcess};
use super::error::ClientError;
use super::request::{Request, sendable};
use super::typed_client::{Calls, ClientOutput, ServiceClient, Target, TypedClient, deadline};
use super::untyped::Client;

/// Calls and notifications of one service that go out together. See [`TypedClient::batch`].
///
/// Over the wire they are one body; calls that the server turned away, and only those, are sent again by themselves. Within
/// the process they go into their mailboxes right after each other.
///
/// `A` is a tuple of what was asked, which grows with each call. What comes of it is a tuple of results in the same order.
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
/// let batch = sums.batch().add(Sums_Add { a: 1, b: 2 }).notify(Sums_Log { line: "added".into() }).add(Sums_Text { of: 7 });
/// let (sum, text) = batch.send().await;
/// assert_eq!((sum.unwrap(), text.unwrap()), (3, "7".to_owned()));
///
/// let (sums,) = sums.batch().add_all((0..3).map(|n| Sums_Add { a: n, b: n })).send().await;
/// assert_eq!(sums.into_iter().map(Result::unwrap).collect::<Vec<_>>(), [0, 2, 4]);
/// # }
/// ```
#[must_use = "nothing is sent before `send`"]
pub struct TypedBatch<'a, C: ServiceClient, A = ()> {
    client: &'a TypedClient<C>,
    members: Members,
    counts: Vec<usize>,
    /// The longest of the times that the members have.
    deadline: Duration,
    asked: PhantomData<fn() -> A>,
}

/// What is to go out, and the way that it goes.
enum Members {
    Remote(Client, Vec<Result<Request, ClientError>>),
    /// A notification completes with nothing.
    Local(LocalService, Vec<BoxFuture<'static, Option<InProcess>>>),
}

impl<'a, C: ServiceClient> TypedBatch<'a, C> {
    pub(super) fn new(client: &'a TypedClient<C>) -> Self {
        let members = match &client.target {
            Target::Remote(client) => Members::Remote(client.clone(), Vec::new()),
            Target::Local(service) => Members::Local(service.clone(), Vec::new()),
        };
        Self { client, members, counts: Vec::new(), deadline: Duration::ZERO, asked: PhantomData }
    }
}

impl<'a, C: ServiceClient, A> TypedBatch<'a, C, A> {
    /// Adds a call.
    #[expect(clippy::should_implement_trait, reason = "what is added is a message, not a number")]
    pub fn add<M>(mut self, message: M) -> TypedBatch<'a, C, A::With<M>>
    where
        C: Calls<M>,
        M: Message<Output: ClientOutput>,
        A: Grow,
    {
        self.push(message);
        self.grown(1)
    }

    /// Adds any number of calls of one method. Their answers are one element of the tuple, a `Vec`.
    pub fn add_all<M>(mut self, messages: impl IntoIterator<Item = M>) -> TypedBatch<'a, C, A::With<Each<M>>>
    where
        C: Calls<M>,
        M: Message<Output: ClientOutput>,
        A: Grow,
    {
        let count = messages.into_iter().map(|message| self.push(message)).count();
        self.grown(count)
    }

    /// Adds a notification.
    pub fn notify<M: Message>(mut self, message: M) -> Self
    where
        C: Calls<M>,
    {
        match &mut self.members {
            Members::Remote(client, requests) => {
                self.deadline = self.deadline.max(deadline::<M>(client));
                match TypedClient::<C>::request(client, &message, false) {
                    Ok(request) => requests.push(Ok(request)),
                    // There is no answer in which the caller could be told.
                    Err(error) => log_error!(method = M::NAME, %error, "a notification is left out of its batch"),
                }
            }
            Members::Local(service, calls) => {
                let service = service.clone();
                calls.push(Box::pin(async move {
                    // The service counts and logs what it turns away; over the wire nobody would be told either.
                    let _ = service.notify(message);
                    None
                }));
            }
        }
        self
    }

    /// Sends all of it, and waits for the answers.
    ///
    /// What goes wrong with the batch as a whole is the answer of each call. If nothing was added, nothing is sent.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn send(self) -> A::Answers
    where
        A: Asked,
    {
        let answers = match self.members {
            Members::Remote(client, requests) => {
                let outcomes = client.with_deadline(self.deadline).settle_members(requests).await;
                outcomes.into_iter().map(Answer::Remote).collect()
            }
            Members::Local(_, calls) => join_all(calls).await.into_iter().flatten().map(Answer::Local).collect(),
        };
        A::take(Answers::new(answers, self.counts))
    }

    fn push<M: Message>(&mut self, message: M) {
        match &mut self.members {
            Members::Remote(client, requests) => {
                self.deadline = self.deadline.max(deadline::<M>(client));
                requests.push(TypedClient::<C>::request(client, &message, true));
            }
            Members::Local(service, calls) => {
                let service = service.clone();
                calls.push(Box::pin(async move {
                    if let Err(error) = sendable(&message) {
                        return Some(Err(error));
                    }
                    let reply = service.call_checked(message).await;
                    Some(reply.map(|output| Box::new(output) as Box<dyn Any + Send>).map_err(ClientError::told))
                }));
            }
        }
    }

    fn grown<T>(mut self, count: usize) -> TypedBatch<'a, C, A::With<T>>
    where
        A: Grow,
    {
        self.counts.push(count);
        let Self { client, members, counts, deadline, .. } = self;
        TypedBatch { client, members, counts, deadline, asked: PhantomData }
    }
}

impl<C: ServiceClient, A> fmt::Debug for TypedBatch<'_, C, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedBatch").field("client", self.client).field("calls", &self.counts).finish_non_exhaustive()
    }
}

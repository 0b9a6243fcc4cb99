//! Batches of untyped calls.

use serde::Serialize;
use serde_json::value::RawValue;

use crate::client_error::ClientError;
use crate::request::{BodyShape, RequestObject};
use crate::untyped::Client;

/// Calls and notifications that are sent in one body. See [`Client::batch`].
///
/// If the server rejects some of the calls, only these are sent again, so the calls of a batch may
/// run at different times.
///
/// ```no_run
/// # async fn example(client: callbox::client::Client) {
/// let batch = client.batch().add("add", [1, 2]).notify("log", ["added"]).add("greeted", ());
/// let results = batch.send().await;
/// assert_eq!(results.len(), 2, "a notification has no result");
/// for result in results {
///     match result {
///         Ok(result) => println!("{result}"),
///         Err(error) => println!("{error}"),
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a batch is not sent until `send`"]
pub struct Batch {
    client: Client,
    members: Vec<Result<RequestObject, ClientError>>,
}

impl Batch {
    pub(crate) fn new(client: Client) -> Self {
        Self { client, members: Vec::new() }
    }

    /// Adds a call. See [`Client::call`] for the parameters. If they cannot be written as JSON, the
    /// call is not sent, and its result is [`ClientError::Params`].
    pub fn add(mut self, method: &str, params: impl Serialize) -> Self {
        self.members.push(self.client.request(method, &params, true));
        self
    }

    /// Adds a notification. If its parameters cannot be written as JSON, it is not sent, and an
    /// error is logged.
    pub fn notify(mut self, method: &str, params: impl Serialize) -> Self {
        match self.client.request(method, &params, false) {
            Ok(request) => self.members.push(Ok(request)),
            // A notification has no result that could return the error.
            Err(error) => log_error!(method, %error, "a notification was not sent with its batch"),
        }
        self
    }

    /// Sends the batch and waits for the results: one for each call, in the order in which they
    /// were added.
    ///
    /// An error of the body as a whole is the result of each call. An empty batch is not sent.
    /// Dropping the future gives up the calls.
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn send(self) -> Vec<Result<Box<RawValue>, ClientError>> {
        self.client.send_members(self.members).await
    }
}

impl Client {
    /// Sends the members in one body, and returns the results of the calls among them, in their
    /// order.
    pub(crate) async fn send_members(
        &self,
        members: Vec<Result<RequestObject, ClientError>>,
    ) -> Vec<Result<Box<RawValue>, ClientError>> {
        let (mut requests, mut sent) = (Vec::new(), Vec::new());
        for member in members {
            sent.push(match member {
                Ok(request) => {
                    let is_call = request.id.is_some();
                    requests.push(request);
                    if is_call { PreparedMember::Call } else { PreparedMember::Notification }
                }
                Err(error) => PreparedMember::Unsent(error),
            });
        }
        if requests.is_empty() {
            return sent.into_iter().filter_map(PreparedMember::into_error).collect();
        }
        let mut responses = self.send_with_retries(requests, BodyShape::Batch).await.into_iter();
        let results = sent.into_iter().filter_map(|member| match member {
            PreparedMember::Call => responses.next(),
            PreparedMember::Notification => {
                responses.next();
                None
            }
            PreparedMember::Unsent(error) => Some(Err(error)),
        });
        results.collect()
    }
}

/// A member of a batch, after its request was added to the body.
enum PreparedMember {
    Call,
    Notification,
    Unsent(ClientError),
}

impl PreparedMember {
    fn into_error(self) -> Option<Result<Box<RawValue>, ClientError>> {
        if let Self::Unsent(error) = self { Some(Err(error)) } else { None }
    }
}

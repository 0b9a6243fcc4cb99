//! Several untyped calls in one body.

use serde::Serialize;
use serde_json::value::RawValue;

use super::error::ClientError;
use super::request::{Form, Request};
use super::untyped::Client;

/// Calls and notifications that go out together. See [`Client::batch`].
///
/// Calls that the server turned away, and only those, are sent again by themselves, so a batch may run in parts.
///
/// ```no_run
/// # async fn example(client: callbox::client::Client) {
/// let answers = client.batch().add("add", [1, 2]).notify("log", ["added"]).add("greeted", ()).send().await;
/// assert_eq!(answers.len(), 2, "a notification has no answer");
/// for answer in answers {
///     match answer {
///         Ok(result) => println!("{result}"),
///         Err(error) => println!("{error}"),
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before `send`"]
pub struct Batch {
    client: Client,
    members: Vec<Result<Request, ClientError>>,
}

impl Batch {
    pub(super) fn new(client: Client) -> Self {
        Self { client, members: Vec::new() }
    }

    /// Adds a call. See [`Client::call`] for the parameters.
    pub fn add(mut self, method: &str, params: impl Serialize) -> Self {
        self.members.push(self.client.request(method, &params, true));
        self
    }

    /// Adds a notification.
    pub fn notify(mut self, method: &str, params: impl Serialize) -> Self {
        match self.client.request(method, &params, false) {
            Ok(request) => self.members.push(Ok(request)),
            // There is no answer in which the caller could be told.
            Err(error) => log_error!(method, %error, "a notification is left out of its batch"),
        }
        self
    }

    /// Sends all of it, and waits for the answers: one for each call, in the order in which they were added.
    ///
    /// What goes wrong with the body as a whole is the answer of each call. Without calls and notifications nothing is sent.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn send(self) -> Vec<Result<Box<RawValue>, ClientError>> {
        self.client.settle_members(self.members).await
    }
}

impl Client {
    /// The outcomes of the calls among the members, in their order.
    pub(super) async fn settle_members(
        &self,
        members: Vec<Result<Request, ClientError>>,
    ) -> Vec<Result<Box<RawValue>, ClientError>> {
        let (mut requests, mut slots) = (Vec::new(), Vec::new());
        for member in members {
            slots.push(match member {
                Ok(request) => {
                    let answered = request.id.is_some();
                    requests.push(request);
                    if answered { Slot::Call } else { Slot::Notification }
                }
                Err(error) => Slot::Unsent(error),
            });
        }
        if requests.is_empty() {
            return slots.into_iter().filter_map(Slot::unsent).collect();
        }
        let mut outcomes = self.settle(requests, Form::Batch).await.into_iter();
        let answers = slots.into_iter().filter_map(|slot| match slot {
            Slot::Call => outcomes.next(),
            Slot::Notification => {
                outcomes.next();
                None
            }
            Slot::Unsent(error) => Some(Err(error)),
        });
        answers.collect()
    }
}

/// What becomes of a member.
enum Slot {
    Call,
    Notification,
    Unsent(ClientError),
}

impl Slot {
    fn unsent(self) -> Option<Result<Box<RawValue>, ClientError>> {
        if let Self::Unsent(error) = self { Some(Err(error)) } else { None }
    }
}

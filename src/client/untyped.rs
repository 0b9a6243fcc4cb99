//! The untyped client: methods by name, for any JSON-RPC 2.0 server.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::service::Current;

use super::answer::{self, Outcome};
use super::batch::Batch;
use super::error::ClientError;
use super::request::{self, Form, Request};
use super::retry::{Retries, Retry};
use super::transport::{Carrier, Outgoing, Transport};

/// Calls any JSON-RPC 2.0 server. Cheap to clone; clones share their connections and their budget of retries.
///
/// What holds for a single call is said by a clone, as in `client.with_deadline(…).call(…)`.
///
/// A call that never ran is made again by the rules of [`Retry`]: when the server could not be reached, or answered that it
/// turned the call away ([`ClientError::Refused`]). One that may have run is not, unless it is [`idempotent`](Self::idempotent).
///
/// Within a method of a callbox service a call has no more time than is left to that method.
///
/// ```no_run
/// use std::time::Duration;
/// use callbox::client::{Client, ClientError};
/// use serde_json::json;
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let client = Client::builder("http://127.0.0.1:5000/api").token("hello_world").build()?;
/// let greeting: String = client.call("say_hello", json!({ "name": "world" })).await?;
/// let sum: u64 = client.with_deadline(Duration::from_millis(100)).call("add", [1, 2]).await?;
/// client.notify("log", json!({ "text": greeting, "sum": sum })).await?;
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Carrier>,
    retries: Arc<Retries>,
    ids: Arc<AtomicU64>,
    token: Option<Arc<str>>,
    deadline: Option<Duration>,
    retrying: bool,
    idempotent: bool,
}

/// How long an answer is waited for if nothing else is said: as long as callbox's methods have.
const DEADLINE: Duration = Duration::from_secs(30);

impl Client {
    /// A client whose bodies are carried by a transport of yours.
    pub fn with_transport(transport: impl Transport) -> Self {
        Self {
            transport: Arc::new(transport),
            retries: Arc::new(Retries::new(Retry::default())),
            ids: Arc::new(AtomicU64::new(1)),
            token: None,
            deadline: None,
            retrying: true,
            idempotent: false,
        }
    }

    /// The same client with this token.
    #[must_use]
    pub fn with_token(&self, token: impl Into<Arc<str>>) -> Self {
        Self { token: Some(token.into()), ..self.clone() }
    }

    /// The same client, whose calls have this much time, with all their tries. Default: 30 s.
    ///
    /// The server is told, so that it does not work for a caller who has left. It may have a shorter deadline of its own.
    #[must_use]
    pub fn with_deadline(&self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self.clone() }
    }

    /// The same client with other rules for trying again, and a budget of its own for them.
    #[must_use]
    pub fn with_retry(&self, retry: Retry) -> Self {
        Self { retries: Arc::new(Retries::new(retry)), retrying: true, ..self.clone() }
    }

    /// The same client, whose calls are made once.
    #[must_use]
    pub fn without_retry(&self) -> Self {
        Self { retrying: false, ..self.clone() }
    }

    /// The same client for calls that do no harm when they run twice, so that they are also made again when the connection
    /// broke before the answer came.
    #[must_use]
    pub fn idempotent(&self) -> Self {
        Self { idempotent: true, ..self.clone() }
    }

    /// Calls a method and waits for its result.
    ///
    /// `params` are an object, an array, or `()` for none. `T` may be [`serde_json::Value`], or `Box<RawValue>` for the
    /// result as it was sent. Dropping the future gives the call up.
    ///
    /// # Errors
    /// See [`ClientError`].
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn call<T: DeserializeOwned>(&self, method: &str, params: impl Serialize) -> Result<T, ClientError> {
        // Written at once, so that the future need not hold the parameters.
        let request = self.request(method, &params, true);
        drop(params);
        answer::value(self.alone(request).await)
    }

    /// Sends a notification: the method runs, and nobody is told how it went.
    ///
    /// It is there when this returns, as far as the transport can tell.
    ///
    /// # Errors
    /// See [`ClientError`]; of the method itself nothing is known.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn notify(&self, method: &str, params: impl Serialize) -> Result<(), ClientError> {
        let request = self.request(method, &params, false);
        drop(params);
        self.alone(request).await.map(drop)
    }

    /// Begins a batch: several calls in one body.
    pub fn batch(&self) -> Batch {
        Batch::new(self.clone())
    }

    pub(super) fn request<P: Serialize + ?Sized>(
        &self,
        method: &str,
        params: &P,
        answered: bool,
    ) -> Result<Request, ClientError> {
        Ok(Request {
            method: method.to_owned(),
            params: request::params(params)?,
            id: answered.then(|| self.ids.fetch_add(1, Ordering::Relaxed)),
            idempotent: self.idempotent,
        })
    }

    pub(super) async fn alone(&self, request: Result<Request, ClientError>) -> Outcome {
        let mut outcomes = self.settle(vec![request?], Form::Single).await;
        outcomes.pop().unwrap_or_else(|| Err(ClientError::bad_answer("there is none")))
    }

    /// Sends requests in one body and tries again those that may be, until all have an outcome. In their order.
    pub(super) async fn settle(&self, requests: Vec<Request>, form: Form) -> Vec<Outcome> {
        let deadline = self.deadline();
        let mut outcomes: Vec<Option<Outcome>> = requests.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..requests.len()).collect();
        let mut tries = 0;
        self.retries.called();
        loop {
            let asked: Vec<&Request> = open.iter().map(|at| &requests[*at]).collect();
            let answers = match tokio::time::timeout_at(deadline, self.exchange(&asked, form, deadline)).await {
                Ok(answers) => answers,
                Err(_) => answer::repeat(&ClientError::Deadline(None), asked.len()),
            };
            tries += 1;
            let (mut again, mut wait) = (Vec::new(), Duration::ZERO);
            for (at, outcome) in open.into_iter().zip(answers) {
                if let Err(error) = &outcome
                    && may_repeat(error, requests[at].idempotent)
                {
                    again.push(at);
                    wait = wait.max(error.retry_after().unwrap_or_default());
                }
                outcomes[at] = Some(outcome);
            }
            if again.is_empty() || !self.retrying {
                break;
            }
            let Some(pause) = self.retries.pause(tries, wait, Instant::now(), deadline) else { break };
            log_debug!(calls = again.len(), tries, ?pause, "trying again");
            tokio::time::sleep(pause).await;
            open = again;
        }
        let missing = || Err(ClientError::bad_answer("there is none"));
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
    }

    /// One body there and back.
    async fn exchange(&self, requests: &[&Request], form: Form, deadline: Instant) -> Vec<Outcome> {
        let outgoing = request::body(requests, form).map(|body| Outgoing {
            body,
            token: self.token.clone(),
            timeout: deadline.saturating_duration_since(Instant::now()),
        });
        let carried = match outgoing {
            Ok(outgoing) => self.transport.carry(outgoing).await.map_err(ClientError::from),
            Err(error) => Err(error),
        };
        match carried {
            Ok(incoming) => answer::read(&incoming, requests, form),
            Err(error) => answer::repeat(&error, requests.len()),
        }
    }

    /// What was said of the deadline.
    pub(super) fn own_deadline(&self) -> Option<Duration> {
        self.deadline
    }

    fn deadline(&self) -> Instant {
        let now = Instant::now();
        // Nobody waits for a year; a time that far away cannot always be written.
        let own = now + self.deadline.unwrap_or(DEADLINE).min(Duration::from_secs(365 * 24 * 3600));
        Current::of_thread().map_or(own, |around| own.min(around.deadline))
    }
}

fn may_repeat(error: &ClientError, idempotent: bool) -> bool {
    match error {
        ClientError::Refused(_) | ClientError::Unreachable(_) => true,
        ClientError::Lost(_) => idempotent,
        _ => false,
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("has_token", &self.token.is_some())
            .field("deadline", &self.deadline)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

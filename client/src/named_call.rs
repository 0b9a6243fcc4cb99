//! A call by the name of its method, with options.

use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::pin;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::call_meta::with_meta;
use crate::client_error::{Cause, ClientError};
use crate::progress::{ProgressHandler, ProgressReport};
use crate::request::{BodyShape, RequestObject};
use crate::response::{self, RawResult};
use crate::stream::Feed;
use crate::subscribe;
use crate::subscription::{Subscription, SubscriptionNames};
use crate::untyped::Client;

/// A call by the name of its method, with options that [`Client::call`] does not have: reports of
/// its progress, members of `_meta`, and a result that may be a subscription. Made by
/// [`Client::prepare`].
///
/// ```no_run
/// use callbox::client::Client;
/// use serde_json::json;
///
/// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
/// let import = client.prepare("import", json!({ "file": "orders.csv" }));
/// let imported: u64 = import.on_progress(|report| println!("{}", report.done)).send().await?;
/// # drop(imported);
/// # Ok(()) }
/// ```
#[must_use = "a call is not sent until `send`, `subscribe` or `start`"]
pub struct NamedCall {
    client: Client,
    request: Result<RequestObject, ClientError>,
    progress: Option<ProgressHandler>,
}

impl Client {
    /// Prepares a call, which [`NamedCall::send`], [`NamedCall::subscribe`] or [`NamedCall::start`]
    /// then sends. `params` is as in [`call`](Self::call).
    pub fn prepare(&self, method: &str, params: impl Serialize) -> NamedCall {
        NamedCall { client: self.clone(), request: self.request(method, &params, true), progress: None }
    }
}

impl NamedCall {
    /// Sets a member of `_meta`, with which a caller says something about the call itself: `after`
    /// and `minIntervalMs` of a subscription, for example.
    ///
    /// Only named parameters have a place for it, and calls without parameters. With parameters by
    /// position the call is not sent, and its error is [`ClientError::Params`].
    ///
    /// ```
    /// # fn example(client: callbox::client::Client) {
    /// let prices = client.prepare("prices", ()).with_meta("after", "29045d2c3969a2c0-17");
    /// # drop(prices);
    /// # }
    /// ```
    pub fn with_meta(mut self, name: &str, value: impl Serialize) -> Self {
        if let Ok(request) = &mut self.request {
            match with_meta(request.params.as_deref(), name, &value) {
                Some(params) => request.params = Some(params),
                None => {
                    let cause = format!("`{name}` belongs to named parameters, and these are by position");
                    self.request = Err(ClientError::Params(Cause::new(cause)));
                }
            }
        }
        self
    }

    /// Passes reports of the progress to this function, if the method makes any: the newest ones,
    /// at most 20 a second. They come while the call is awaited, and none after its end.
    ///
    /// That needs parameters that are named or absent, and a transport that is not [one of your
    /// own](crate::Transport). Otherwise the call has no reports.
    pub fn on_progress(mut self, handle: impl Fn(&ProgressReport) + Send + Sync + 'static) -> Self {
        self.progress = Some(ProgressHandler::new(handle));
        self
    }

    /// Returns the id of the call, for the notification `$/cancelRequest`. A cancelled call is
    /// still answered: with -32800, or with its result if that was faster. Dropping the future of
    /// the call cancels it as well, but nobody hears the answer then.
    ///
    /// `None` if the parameters cannot be sent.
    pub fn id(&self) -> Option<u64> {
        self.request.as_ref().ok()?.id
    }

    /// Sends the call and waits for its result.
    ///
    /// # Errors
    /// See [`ClientError`].
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn send<T: DeserializeOwned>(self) -> Result<T, ClientError> {
        let Self { client, request, progress } = self;
        response::value(exchange(&client, request?, progress).await)
    }

    /// Subscribes: sends the call of a method whose result is a subscription. See
    /// [`Client::subscribe`].
    ///
    /// # Errors
    /// See [`ClientError`]. It is [`ClientError::Unsupported`] if the transport of the client is
    /// [one of your own](crate::Transport).
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn subscribe<T: DeserializeOwned + Send + 'static>(self) -> Result<Subscription<T>, ClientError> {
        let Self { client, request, progress } = self;
        let mut request = request?;
        let feed = client.open_feed(&mut request, SubscriptionNames::DEFAULT, BodyShape::Single, true)?;
        subscribe::started(exchange(&client, request, progress).await, Some(feed))
    }

    /// Sends the call and waits for its response, which may be the start of a subscription. For
    /// callers who do not know beforehand what kind of method it is.
    ///
    /// If the connection is lost before [`Started::into_subscription`], the subscription ends: a
    /// plain call is not repeated. Items that arrive until then are kept, up to 65,536.
    ///
    /// ```no_run
    /// use callbox::client::Client;
    /// use futures::StreamExt;
    /// use serde_json::{Value, json};
    ///
    /// # async fn example(client: Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let started = client.prepare("prices", json!({ "symbol": "PEAR" })).start().await?;
    /// println!("the subscription {} has begun", started.result());
    /// let mut prices = started.into_subscription::<Value>()?;
    /// while let Some(price) = prices.next().await {
    ///     println!("{}", *price?);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// See [`ClientError`].
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn start(self) -> Result<Started, ClientError> {
        let Self { client, request, progress } = self;
        let mut request = request?;
        // Opened before the call is sent, since items may follow the response at once.
        let feed = client.open_feed(&mut request, SubscriptionNames::DEFAULT, BodyShape::Single, false).ok();
        let result = exchange(&client, request, progress).await?;
        Ok(Started { result, feed })
    }
}

/// Sends a request, and handles reports of its progress until the response is there.
async fn exchange(client: &Client, mut request: RequestObject, progress: Option<ProgressHandler>) -> RawResult {
    if let Some(progress) = &progress {
        client.ask_progress(&mut request, &progress.slot);
    }
    let mut response = pin!(client.send_single(Ok(request)));
    poll_fn(|cx| {
        if let Some(progress) = &progress {
            progress.poll(cx);
        }
        response.as_mut().poll(cx)
    })
    .await
}

/// The result of a call, which is the id of a subscription if the method is one. Made by
/// [`NamedCall::start`].
///
/// Dropping it ends the subscription. Take what it is soon, since items arrive already.
#[must_use = "dropping it ends the subscription"]
pub struct Started {
    result: Box<RawValue>,
    feed: Option<Feed>,
}

impl Started {
    /// Returns the result as JSON.
    pub fn result(&self) -> &RawValue {
        &self.result
    }

    /// Whether the result is the id of a subscription, if the response says so: over HTTP and NATS.
    /// `None` over a WebSocket, where only the method itself knows.
    pub fn is_subscription(&self) -> Option<bool> {
        self.feed.as_ref()?.is_started()
    }

    /// Takes the result as that of a plain call.
    pub fn into_result(self) -> Box<RawValue> {
        if let Some(feed) = self.feed {
            feed.forget();
        }
        self.result
    }

    /// Takes the result as the id of a subscription, and returns the subscription. `T` is the type
    /// of an item; `Box<RawValue>` is the JSON of an item as the server sent it.
    ///
    /// # Errors
    /// [`ClientError::Unsupported`] if the transport of the client is [one of your
    /// own](crate::Transport).
    pub fn into_subscription<T: DeserializeOwned + Send + 'static>(self) -> Result<Subscription<T>, ClientError> {
        subscribe::started(Ok(self.result), self.feed)
    }
}

impl fmt::Debug for NamedCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NamedCall").field("request", &self.request).finish_non_exhaustive()
    }
}

impl fmt::Debug for Started {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Started").field("result", &self.result).finish_non_exhaustive()
    }
}

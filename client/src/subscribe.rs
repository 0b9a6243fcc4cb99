//! Starting subscriptions over the wire, and asking for reports of progress.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call_meta::with_meta;
use crate::client_error::{Cause, ClientError};
use crate::progress::ProgressSlot;
use crate::request::{BodyShape, RequestObject};
use crate::response::RawResult;
use crate::stream::{Feed, FeedStart};
use crate::subscription::{Subscription, SubscriptionNames};
use crate::untyped::Client;

impl Client {
    /// Subscribes: calls a method whose result is a subscription, and returns the stream of its
    /// items.
    ///
    /// `params` is as in [`call`](Self::call), and `T` is the type of an item. Dropping the
    /// [`Subscription`] ends it. The deadline is that of the start; the stream has none.
    ///
    /// If the connection is lost, the client subscribes again, and the stream goes on. The next
    /// item says what was missed meanwhile, if anything was ([`Item::lag`](crate::Item::lag)). A
    /// server of callbox sends the missed items of a topic, if the parameters are named or absent.
    /// The pauses between attempts grow from 0.1 s to 10 s. An error of the server other
    /// than [`ClientError::Rejected`] ends the stream.
    ///
    /// Over a WebSocket, one of `Client::connect`, all subscriptions and calls share the
    /// connection, and the client keeps up to 1,024 items, or 16 MiB of them, that the program has
    /// not taken, and then leaves out the oldest ones. Over HTTP each subscription is a response of
    /// server-sent events on a connection of its own, from which items are read as the program
    /// takes them. That is for a few subscriptions, or where a proxy lets nothing else through.
    ///
    /// ```no_run
    /// use callbox::client::Client;
    /// use futures::StreamExt;
    /// use serde_json::json;
    ///
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::new("http://127.0.0.1:5000/api")?;
    /// let mut prices = client.subscribe::<f64>("prices", json!({ "symbol": "ACME" })).await?;
    /// while let Some(price) = prices.next().await {
    ///     println!("{}", *price?);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// See [`ClientError`]. It is [`ClientError::Unsupported`] if the transport of the client is
    /// [one of your own](crate::Transport).
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn subscribe<T: DeserializeOwned + Send + 'static>(
        &self,
        method: &str,
        params: impl Serialize,
    ) -> Result<Subscription<T>, ClientError> {
        self.subscribe_with(method, params, SubscriptionNames::DEFAULT).await
    }

    /// Subscribes like [`subscribe`](Self::subscribe) to a server that names the method otherwise
    /// that ends the subscription: `eth_unsubscribe`, for example.
    ///
    /// ```no_run
    /// use callbox::SubscriptionNames;
    /// use serde_json::Value;
    ///
    /// # #[cfg(feature = "websocket")]
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// # let client = callbox::client::Client::connect("ws://127.0.0.1:8546").await?;
    /// let mut names = SubscriptionNames::DEFAULT;
    /// names.unsubscribe = Some("eth_unsubscribe");
    /// let heads = client.subscribe_with::<Value>("eth_subscribe", ["newHeads"], names).await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// Those of [`subscribe`](Self::subscribe).
    ///
    /// # Panics
    /// Panics outside a tokio runtime.
    pub async fn subscribe_with<T: DeserializeOwned + Send + 'static>(
        &self,
        method: &str,
        params: impl Serialize,
        names: SubscriptionNames,
    ) -> Result<Subscription<T>, ClientError> {
        let request = self.request(method, &params, true);
        drop(params);
        let mut request = request?;
        let feed = self.open_feed(&mut request, names, BodyShape::Single, true)?;
        started(self.send_single(Ok(request)).await, Some(feed))
    }

    /// Returns where the items of a subscription will arrive that this request starts, in a body of
    /// this shape.
    pub(crate) fn open_feed(
        &self,
        request: &mut RequestObject,
        names: SubscriptionNames,
        shape: BodyShape,
        is_subscription: bool,
    ) -> Result<Feed, ClientError> {
        let unsupported = |cause: &str| ClientError::Unsupported(Cause::new(cause));
        if !self.transport.has_streams(shape) {
            let has_single = self.transport.has_streams(BodyShape::Single);
            return Err(unsupported(if has_single { NO_BATCHES } else { NO_STREAMS }));
        }
        let call = request.id.ok_or_else(|| unsupported("a subscription is no notification"))?;
        let start = FeedStart {
            call,
            method: request.method.clone(),
            params: request.params.clone(),
            names,
            deadline: self.full_deadline(),
            is_subscription,
        };
        let (feed, streams) = self.transport.open_feed(start).ok_or_else(|| unsupported(NO_STREAMS))?;
        request.streams.items = streams.items;
        Ok(feed)
    }

    /// Asks for reports of the progress of this call, which go into the slot. A transport without
    /// them, and parameters by position, have no place for that: then the call has no reports.
    pub(crate) fn ask_progress(&self, request: &mut RequestObject, slot: &Arc<ProgressSlot>) {
        if !self.transport.has_streams(BodyShape::Single) {
            return;
        }
        let params = request.id.and_then(|call| with_meta(request.params.as_deref(), "progressToken", &call));
        if let Some(params) = params {
            request.params = Some(params);
            request.streams.progress = Some(Arc::clone(slot));
        }
    }
}

/// The cause of the error of a client whose transport has no subscriptions.
const NO_STREAMS: &str = "the transport of this client carries no subscriptions: make the client with `Client::new` or \
                          `Client::connect`, of the features `http` and `websocket` of callbox-client, or `client` of \
                          callbox";

/// The cause of the error of a batch over HTTP.
const NO_BATCHES: &str = "a batch over HTTP starts no subscriptions: subscribe by itself, or make the client with \
                          `Client::connect`, of the feature `websocket` of callbox-client, or `client` of callbox";

/// Returns the subscription of a call that has succeeded.
pub(crate) fn started<T: DeserializeOwned + Send + 'static>(
    result: RawResult,
    feed: Option<Feed>,
) -> Result<Subscription<T>, ClientError> {
    // The transport knows the id by itself.
    result?;
    let feed = feed.ok_or_else(|| ClientError::Unsupported(Cause::new(NO_STREAMS)))?;
    Ok(feed.into_subscription())
}

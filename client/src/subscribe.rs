//! Starting subscriptions over the wire, and where their items arrive.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::call_meta::with_meta;
use crate::client_error::{Cause, ClientError};
use crate::progress::ProgressSlot;
use crate::request::RequestObject;
use crate::response::RawResult;
use crate::subscription::{Subscription, SubscriptionNames};
use crate::untyped::Client;

#[cfg(feature = "websocket")]
pub(crate) use crate::websocket::Feed;

/// Where the items of a subscription arrive. There is none, since no transport of this build has
/// subscriptions.
#[cfg(not(feature = "websocket"))]
#[derive(Debug)]
pub enum Feed {}

#[cfg(not(feature = "websocket"))]
impl Feed {
    fn into_subscription<T>(self) -> Subscription<T> {
        match self {}
    }
}

/// What a transport needs to start a subscription again after it has lost the connection.
#[derive(Debug)]
#[cfg_attr(not(feature = "websocket"), expect(dead_code, reason = "no transport has subscriptions"))]
pub(crate) struct FeedStart {
    /// The id of the call that starts it for the first time.
    pub(crate) call: u64,
    pub(crate) method: String,
    pub(crate) params: Option<Box<RawValue>>,
    pub(crate) names: SubscriptionNames,
    /// Whether the method is known to be a subscription. If not, the call may be any other one, and
    /// is never repeated.
    pub(crate) is_subscription: bool,
}

impl Client {
    /// Subscribes: calls a method whose result is a subscription, and returns the stream of its
    /// items. Only a client over a WebSocket can: one of `Client::connect`.
    ///
    /// `params` is as in [`call`](Self::call), and `T` is the type of an item. Dropping the
    /// [`Subscription`] ends it.
    ///
    /// If the connection is lost, the client subscribes again, and the stream goes on. The next
    /// item says what was missed meanwhile, if anything was ([`Item::lag`](crate::Item::lag)). A
    /// server of callbox sends the missed items of a topic, if the parameters are named or absent.
    /// The client keeps up to 1,024 items that the program has not taken, and then leaves out the
    /// oldest ones.
    ///
    /// ```no_run
    /// use callbox::client::Client;
    /// use futures::StreamExt;
    /// use serde_json::json;
    ///
    /// # #[cfg(feature = "websocket")]
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// let client = Client::connect("ws://127.0.0.1:5000/api").await?;
    /// let mut prices = client.subscribe::<f64>("prices", json!({ "symbol": "ACME" })).await?;
    /// while let Some(price) = prices.next().await {
    ///     println!("{}", *price?);
    /// }
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// See [`ClientError`]. It is [`ClientError::Unsupported`] if the client is not one over a
    /// WebSocket.
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
        let request = request?;
        let feed = self.open_feed(&request, names, true)?;
        started(self.send_single(Ok(request)).await, Some(feed))
    }

    /// Returns where the items of a subscription will arrive that this request starts.
    pub(crate) fn open_feed(
        &self,
        request: &RequestObject,
        names: SubscriptionNames,
        is_subscription: bool,
    ) -> Result<Feed, ClientError> {
        let needs_socket = || ClientError::Unsupported(Cause::new(NEEDS_SOCKET));
        let call = request.id.ok_or_else(needs_socket)?;
        let (method, params) = (request.method.clone(), request.params.clone());
        let start = FeedStart { call, method, params, names, is_subscription };
        self.transport.open_feed(start).ok_or_else(needs_socket)
    }
}

impl Client {
    /// Asks for reports of the progress of this call, which go into the slot. A transport without
    /// them, and parameters by position, have no place for that: then the call has no reports.
    pub(crate) fn ask_progress(&self, request: &mut RequestObject, slot: &Arc<ProgressSlot>) {
        let Some(call) = request.id else { return };
        let params = with_meta(request.params.as_deref(), "progressToken", &call);
        if let Some(params) = params.filter(|_| self.transport.take_progress(call, slot)) {
            request.params = Some(params);
        }
    }
}

/// The cause of the error of a client without subscriptions.
const NEEDS_SOCKET: &str = "a subscription needs a WebSocket: make the client with `Client::connect`, of the feature \
                            `websocket` of callbox-client, or `client` of callbox";

/// Returns the subscription of a call that has succeeded.
pub(crate) fn started<T: DeserializeOwned + Send + 'static>(
    result: RawResult,
    feed: Option<Feed>,
) -> Result<Subscription<T>, ClientError> {
    // The transport knows the id by itself.
    result?;
    let feed = feed.ok_or_else(|| ClientError::Unsupported(Cause::new(NEEDS_SOCKET)))?;
    Ok(feed.into_subscription())
}

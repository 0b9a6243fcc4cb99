//! The connection of a program to NATS.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_nats::connection::State;
use async_nats::{ConnectOptions, Event};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::build_error::BuildError;
use crate::untyped::Client;

use super::builder::NatsBuilder;
use super::micro::MicroService;
use super::replies::Inbox;
use super::service_target::ServiceTarget;
use super::thread::NatsThread;
use super::transport::NatsTransport;
use super::unique_id::unique_id;

/// Longest time between two attempts to connect again. A server that is back has its clients again
/// within seconds.
const MAX_RECONNECT_DELAY: Duration = Duration::from_secs(1);

/// Time without a word of the server after which it is asked whether it is there. The connection is
/// lost when it has not answered two of these.
const PING_INTERVAL: Duration = Duration::from_secs(5);

/// Number of messages that a subscription may hold before it is read. NATS drops further ones
/// without a word; callbox takes each as soon as it is there.
const SUBSCRIPTION_CAPACITY: usize = 65_536;

/// A connection to NATS, over which services are called wherever their instances are. Cheap to
/// clone; clones share the connection, which is closed with the last of them and of its clients.
///
/// It has a thread of its own. When the server is lost, it connects again for as long as it takes.
/// The results of calls that are under way are then [lost](crate::ClientError::Lost), and further
/// calls are [unreachable](crate::ClientError::Unreachable) until there is a connection again, and
/// repeated by the rules of [`Retry`](crate::Retry).
///
/// ```no_run
/// use callbox::client::Nats;
/// # use callbox::service;
/// # struct Orders;
/// # #[service(name = "orders")] impl Orders { #[public_method] fn count(&self) -> u64 { 3 } }
///
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// let nats = Nats::connect("nats://127.0.0.1:4222").await?;
/// let orders = OrdersClient::from(nats.service("orders"));
/// let count = orders.count().await?;
/// # drop(count);
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Nats(Arc<Connection>);

/// The parts of a connection.
pub struct Connection {
    /// The connection itself.
    pub client: async_nats::Client,
    /// The thread that serves it.
    pub thread: NatsThread,
    /// The beginning of all subjects.
    pub prefix: String,
    pub(super) inbox: Arc<Inbox>,
    connected: watch::Receiver<bool>,
    reconnects: Arc<AtomicU64>,
    refused: Arc<OnceLock<String>>,
}

impl Nats {
    /// Connects with all defaults of [`NatsBuilder`]. The address is that of one server, or of
    /// several with commas between. A name and a password may be in it, or a token:
    /// `nats://user:password@10.0.0.7:4222`.
    ///
    /// # Errors
    /// If the address is not valid, and if no server can be reached or lets the program in.
    pub async fn connect(address: &str) -> Result<Self, BuildError> {
        Self::builder(address).connect().await
    }

    /// Returns a builder of a connection.
    pub fn builder(address: &str) -> NatsBuilder {
        NatsBuilder::new(address)
    }

    /// Returns a client of a callbox service by its name, for
    /// [typed clients](crate::ServiceClient) as well. Each call goes to one of the instances.
    ///
    /// A batch is so many calls, each to any instance. The first retry of a call that was rejected
    /// comes at once, since another instance may have room. Names of methods have no namespace.
    pub fn service(&self, name: &str) -> Client {
        let target = ServiceTarget::new(&self.0.prefix, name);
        Client::with_dyn_transport(Arc::new(NatsTransport::new(Arc::clone(&self.0), target)))
    }

    /// Returns a client of any service that uses the protocol for microservices of NATS, by its
    /// name. Its methods are the endpoints of the service.
    ///
    /// The parameters are sent as JSON, and an empty payload for none. A response that is no JSON
    /// is [`BadResponse`](crate::ClientError::BadResponse).
    ///
    /// ```no_run
    /// # async fn example(nats: callbox::client::Nats) -> Result<(), Box<dyn std::error::Error>> {
    /// let math = nats.micro_service("math");
    /// let sum: u64 = math.call("add", [1, 2]).await?;
    /// # drop(sum);
    /// # Ok(()) }
    /// ```
    pub fn micro_service(&self, name: &str) -> Client {
        let target = MicroService::new(name);
        Client::with_dyn_transport(Arc::new(NatsTransport::new(Arc::clone(&self.0), target)))
    }

    /// Whether there is a connection now.
    pub fn is_connected(&self) -> bool {
        self.0.is_connected()
    }

    /// Returns how often the connection was lost and opened again.
    pub fn reconnects(&self) -> u64 {
        self.0.reconnects.load(Ordering::Relaxed)
    }

    /// Returns the parts of the connection. For the engine of callbox alone.
    #[doc(hidden)]
    pub fn parts(&self) -> &Arc<Connection> {
        &self.0
    }
}

impl Connection {
    /// Opens the connection.
    pub(super) async fn open(builder: NatsBuilder) -> Result<Nats, BuildError> {
        let address = builder.address()?;
        let failed =
            |error: &dyn fmt::Display| BuildError::new(format!("cannot connect to NATS at {address}: {error}"));
        let options = builder.options(&address).await.map_err(|error| failed(&error))?;
        let (connected, is_connected) = watch::channel(false);
        let (reconnects, thread) = (Arc::new(AtomicU64::new(0)), NatsThread::start(move || (builder.begin)()));
        let thread = thread.map_err(|error| failed(&error))?;
        let inbox = Inbox::new(&format!("_INBOX.{}", unique_id()));
        let refused = Arc::new(OnceLock::new());
        let watch =
            Watch { inbox: Arc::clone(&inbox), reconnects: Arc::clone(&reconnects), refused: Arc::clone(&refused) };
        let options = watched(options, address.to_string(), connected, watch);
        let (servers, wildcard, delivery) = (address.servers(), inbox.wildcard(), Arc::clone(&inbox));
        let (opened, opening) = oneshot::channel();
        thread.spawn(move || async move {
            let subscribed = async {
                let client = options.connect(servers).await?;
                let arriving = client.subscribe(wildcard).await?;
                Ok::<_, async_nats::Error>((client, arriving))
            };
            match subscribed.await {
                Ok((client, arriving)) => {
                    let is_waited_for = opened.send(Ok(client)).is_ok();
                    if is_waited_for {
                        delivery.deliver(arriving).await;
                    }
                }
                Err(error) => _ = opened.send(Err(error)),
            }
        });
        let opened = timeout(builder.connect_timeout, opening).await;
        let opened = opened.map_err(|_| failed(&"it took too long"))?;
        let gone = |_| failed(&"its thread has ended");
        let client = opened.map_err(gone)?.map_err(|error| failed(&error))?;
        let connected = is_connected;
        Ok(Nats(Arc::new(Self { client, thread, prefix: builder.prefix, inbox, connected, reconnects, refused })))
    }

    /// Whether there is a connection now.
    pub fn is_connected(&self) -> bool {
        self.client.connection_state() == State::Connected
    }

    /// Returns a flag that is true while there is a connection.
    pub fn connected(&self) -> watch::Receiver<bool> {
        self.connected.clone()
    }

    /// Returns how often the connection was opened again.
    pub fn reconnects(&self) -> u64 {
        self.reconnects.load(Ordering::Relaxed)
    }

    /// Returns what NATS has said of the first subscription that the user may not have.
    pub fn refused_subscription(&self) -> Option<&str> {
        self.refused.get().map(String::as_str)
    }

    /// Waits until everything has arrived that was on its way to this connection before. Returns
    /// false if that takes longer than `limit`, or the connection is lost.
    pub async fn fence(&self, limit: Duration) -> bool {
        let mut waiting = self.inbox.call();
        // NATS keeps the order of what one connection sends, and of what it receives.
        let sent = self.client.publish(waiting.subject(), Vec::new().into()).await;
        sent.is_ok() && matches!(timeout(limit, waiting.reply()).await, Ok(Some(_)))
    }

    /// Waits until everything was sent that this connection has to send, for at most `limit`.
    pub(super) async fn flush(&self, limit: Duration) {
        let client = self.client.clone();
        // On the thread, where this comes after messages that are published later.
        let flushed = self.thread.run(|| async move { client.flush().await });
        // If it takes longer, the server is not there.
        let _ = timeout(limit, flushed).await;
    }

    /// Publishes a message without waiting for that, and before the connection is closed.
    pub(super) fn publish_later(&self, subject: String, payload: Vec<u8>) {
        let client = self.client.clone();
        self.thread.spawn_last_words(|| async move {
            // An error means that the connection is gone, and so is whom it concerned.
            if client.publish(subject, payload.into()).await.is_ok() {
                let _ = client.flush().await;
            }
        });
    }
}

/// What changes with the events of a connection.
struct Watch {
    inbox: Arc<Inbox>,
    reconnects: Arc<AtomicU64>,
    refused: Arc<OnceLock<String>>,
}

/// Returns options with which the program learns of the loss of its connection, and waits for a new
/// one.
fn watched(
    options: ConnectOptions,
    address: String,
    connected: watch::Sender<bool>,
    Watch { inbox, reconnects, refused }: Watch,
) -> ConnectOptions {
    let was_connected = AtomicBool::new(false);
    let note = move |event: Event| {
        match event {
            Event::Connected => {
                connected.send_replace(true);
                if was_connected.swap(true, Ordering::Relaxed) {
                    reconnects.fetch_add(1, Ordering::Relaxed);
                    log_line!(INFO, address, "connected to NATS again");
                }
            }
            Event::Disconnected => {
                connected.send_replace(false);
                inbox.lose_all();
                log_line!(WARN, address, "the connection to NATS is lost, and is opened again");
            }
            Event::SlowConsumer(subscription) => {
                log_throttled!(ERROR, subscription, "NATS messages were dropped: the program reads too slowly");
            }
            Event::ServerError(error) => {
                log_throttled!(ERROR, %error, "an error of the NATS server");
                let text = error.to_string();
                if text.to_ascii_lowercase().contains("permissions violation for subscription") {
                    // There may be one before.
                    let _ = refused.set(text);
                }
            }
            Event::ClientError(error) => log_debug!(%error, "an error of the connection to NATS"),
            Event::LameDuckMode => log_line!(INFO, address, "the NATS server is about to stop"),
            Event::Draining | Event::Closed => {}
        }
        std::future::ready(())
    };
    options
        .event_callback(note)
        .max_reconnects(None)
        .ping_interval(PING_INTERVAL)
        .subscription_capacity(SUBSCRIPTION_CAPACITY)
        .reconnect_delay_callback(reconnect_delay)
}

/// Returns the pause before an attempt to connect: twice that of the attempt before.
fn reconnect_delay(attempt: usize) -> Duration {
    let doublings = u32::try_from(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
    if doublings == 0 {
        return Duration::ZERO;
    }
    Duration::from_millis(10).saturating_mul(2_u32.saturating_pow(doublings)).min(MAX_RECONNECT_DELAY)
}

impl fmt::Debug for Nats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Nats")
            .field("prefix", &self.prefix)
            .field("is_connected", &self.is_connected())
            .finish_non_exhaustive()
    }
}

/// The error of options that cannot be used.
pub(super) type OptionsError = io::Error;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_between_attempts_grow_to_a_second() {
        let millis: Vec<_> = [0, 1, 2, 3, 7, 8, 1000].map(|attempt| reconnect_delay(attempt).as_millis()).into();
        assert_eq!(millis, [0, 0, 20, 40, 640, 1000, 1000]);
    }
}

//! The context of a call.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::time::Instant;

use callbox_client::ServiceClient;

use crate::auth::Caller;
use crate::jsonrpc::RpcError;

use super::caller_limit::CallerPlace;
use super::request::{CallTransport, RequestInfo};
use super::{CallTrace, ProgressSlot};
use super::{Directory, Link, RequestNumber, RequestScope};

/// The context of a call: its caller, its method, its deadline, and the request that brought it.
///
/// A method that takes a `&CallContext` receives it. Callers do not send this parameter. A service
/// written [by hand](crate::Handler) gets it with each call, but has the request only for methods
/// whose options say that they [inject](crate::MethodOptions::injects) a parameter that reads it.
///
/// ```
/// use callbox::{CallContext, service};
///
/// struct Clock;
///
/// #[service(name = "clock")]
/// impl Clock {
///     /// Returns the time until the deadline, in milliseconds.
///     #[public_method]
///     fn remaining(&self, call: &CallContext) -> u64 {
///         call.remaining().as_millis() as u64
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CallContext {
    pub(crate) method: &'static str,
    pub(crate) caller: Caller,
    pub(crate) arrived: Instant,
    pub(crate) deadline: Instant,
    pub(crate) notification: bool,
    pub(crate) chain: Option<Arc<Link>>,
    /// The request, for a method that reads it; for others what the log needs of it, if anything.
    pub(crate) request: OnceLock<Arc<RequestInfo>>,
    /// The number of the request; `None` for a call within the process that no request has led to.
    pub(crate) number: Option<RequestNumber>,
    /// The other services, if a parameter of the method needs one.
    pub(crate) services: Option<Arc<Directory>>,
    /// Takes reports of the progress, if the caller has asked for them.
    pub(crate) progress: Option<Arc<ProgressSlot>>,
    /// Whether nobody waits for the result any more.
    pub(crate) cancelled: CancelFlag,
    /// Its place among the calls of its caller, if the method limits these.
    pub(crate) place: CallerPlace,
    /// Whether the call is traced.
    pub(crate) trace: OwnTrace,
}

/// Set once nobody waits for the result of a call.
#[derive(Debug, Default)]
pub(crate) struct CancelFlag(AtomicBool);

impl CancelFlag {
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// A clone is that of another call, which is cancelled by itself.
impl Clone for CancelFlag {
    fn clone(&self) -> Self {
        Self(AtomicBool::new(self.is_set()))
    }
}

/// Whether a call is traced, and its span.
#[derive(Debug, Default)]
pub(crate) struct OwnTrace(pub(crate) CallTrace);

/// A clone is not traced: the span ends with the call, however long the program keeps the clone.
impl Clone for OwnTrace {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl CallContext {
    /// Returns the name of the method as callers write it, with its namespace.
    pub fn method(&self) -> &str {
        self.method
    }

    /// Returns the caller.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// Returns the time until the deadline. Zero after the deadline has passed.
    pub fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Whether nobody waits for the result any more: the caller has cancelled the call or is gone,
    /// or the deadline has passed.
    ///
    /// An async `&self` method ends at its next await then. This is for what has no awaits: a
    /// `compute` method, or a long loop. A clone of the context does not notice what happens after
    /// it was made.
    ///
    /// ```
    /// use callbox::{CallContext, RpcError, service};
    ///
    /// struct Primes;
    ///
    /// #[service(name = "primes")]
    /// impl Primes {
    ///     /// Counts the primes below a number.
    ///     #[public_method(compute)]
    ///     fn count(call: &CallContext, below: u64) -> Result<u64, RpcError> {
    ///         let mut count = 0;
    ///         for number in 2..below {
    ///             if call.is_cancelled() {
    ///                 return Err(RpcError::new(1, "nobody waits for this"));
    ///             }
    ///             count += u64::from((2..number).all(|divisor| number % divisor != 0));
    ///         }
    ///         Ok(count)
    ///     }
    /// }
    /// ```
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_set() || !self.notification && Instant::now() >= self.deadline
    }

    /// Whether the call is a notification, so that nobody receives its result.
    pub fn is_notification(&self) -> bool {
        self.notification
    }

    /// Returns what brought the call here.
    ///
    /// A call that another service of the process makes is [`InProcess`](CallTransport::InProcess),
    /// also if that service was called over HTTP.
    pub fn transport(&self) -> CallTransport {
        self.request().transport()
    }

    /// Returns the address of the client, as the limits of connections and of wrong tokens count
    /// it: an IPv4 address, or the network of 64 bits of an IPv6 address. `None` for a call within
    /// the process.
    ///
    /// It is the address of the socket. Behind a proxy that the server
    /// [trusts](crate::Server::trusted_proxies), it is that of the client that the proxy names;
    /// behind another one it is the proxy's.
    pub fn peer(&self) -> Option<IpAddr> {
        self.request().peer()
    }

    /// Returns the value of a header of the HTTP request, whatever the case of `name`. `None` if
    /// the request has no such header, and for a call within the process: a service does not see
    /// the headers of the request that led another service to call it.
    ///
    /// A header that is sent several times has all its values, with `, ` between them. So a second
    /// value cannot hide the first one, and neither passes as the only one. A value that is not
    /// UTF-8 counts as not sent, and so does the header that has such a value among others.
    ///
    /// Any client can send any header. Trust one only if a proxy in front sets it, and removes the
    /// client's own.
    ///
    /// ```
    /// use callbox::{CallContext, service};
    ///
    /// struct Greeter;
    ///
    /// #[service(name = "greeter")]
    /// impl Greeter {
    ///     /// Says hello in the language that the client prefers.
    ///     #[public_method]
    ///     fn hello(&self, call: &CallContext) -> String {
    ///         let languages = call.header("accept-language").unwrap_or_default();
    ///         if languages.starts_with("de") { "Hallo".into() } else { "Hello".into() }
    ///     }
    /// }
    /// ```
    pub fn header(&self, name: &str) -> Option<&str> {
        self.request().header(name)
    }

    /// Returns the id of the request: that of its header `X-Request-Id`, else one that the server
    /// makes. A call over a WebSocket may have its own, as `requestId` in `_meta`.
    ///
    /// An id of a client is used if it is printable ASCII without spaces and quotes, of at most 128
    /// bytes. All calls of a batch have the id of their HTTP request, and what a method calls or
    /// notifies has the id of that method's request.
    ///
    /// The response has the id in its header `X-Request-Id` if the client sent it or the method
    /// asked for it, and with an internal error; or always, if [the
    /// log](crate::guide::monitoring#requests-in-lines) names requests.
    pub fn request_id(&self) -> &str {
        self.request().id()
    }

    /// Returns a client of another service, for an implementation of
    /// [`FromCall`](crate::FromCall): one that says in [`needs`](crate::FromCall::needs) that it
    /// needs the service. A method takes `&CatalogClient` itself.
    ///
    /// # Errors
    /// Returns -32603 if no parameter of the method says that it needs the service.
    pub fn client<C: ServiceClient>(&self) -> Result<C, RpcError> {
        self.services.as_ref().and_then(|services| services.client()).ok_or_else(|| {
            let name = C::NAME;
            let cause = format_args!("a parameter takes a client of `{name}`, which its FromCall::needs does not name");
            RpcError::internal_in(self.method, &cause)
        })
    }

    /// Returns the value of this type that the server has for its services, for a parameter that
    /// says that it needs something of the server.
    pub(crate) fn server_value<T: Send + Sync + 'static>(&self) -> Option<&T> {
        self.services.as_ref()?.value()
    }

    /// Returns the id of the request for a line of the log, if there is a request. If it has no id
    /// yet, it gets one.
    pub(crate) fn log_id(&self) -> Option<Arc<str>> {
        let known = self.request.get().map(|request| request.shared_id().clone());
        known.or_else(|| self.number.map(RequestNumber::id))
    }

    /// Notes how long the call waited and ran, if the access log has that of its request.
    #[inline]
    pub(crate) fn note_times(&self, wait: Duration, run: Option<Duration>) {
        if let Some(times) = self.request.get().and_then(|request| request.times()) {
            times.note(wait, run);
        }
    }

    /// Makes lines of this thread lines of the request, if it is known, until the scope is dropped.
    pub(crate) fn log_scope(&self) -> Option<RequestScope> {
        self.request.get().map(|request| RequestScope::enter(request.clone()))
    }

    /// Returns the size of what the call keeps of its request, in bytes. Calls of a batch share it,
    /// but each may be the last one that waits.
    #[inline]
    pub(crate) fn request_bytes(&self) -> usize {
        self.request.get().map_or(0, |request| request.bytes())
    }

    fn request(&self) -> &RequestInfo {
        self.request.get_or_init(|| Arc::new(RequestInfo::in_process(None, None).numbered(self.number)))
    }
}

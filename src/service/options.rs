//! The options of a method, which its service sets.

use std::time::Duration;

use callbox_client::__private::{Access, ApiMethod};
use callbox_client::SubscriptionNames;

use crate::auth::Caller;

use super::from_call::{FromCall, ServiceNeeds};

/// The options of a method: who may call it, how many calls may wait and how long, and its share of
/// the service's time.
///
/// The keys of [`#[public_method]`](macro@crate::service) set them. A service by hand passes them
/// to the [`MethodTable`](crate::MethodTable).
///
/// ```
/// use std::time::Duration;
/// use callbox::MethodOptions;
///
/// let max_wait = Duration::from_millis(10);
/// let options = MethodOptions::private().mailbox(256).max_wait(max_wait).weight(4);
/// ```
#[derive(Clone, Debug)]
pub struct MethodOptions {
    pub(crate) access: Access,
    pub(crate) doc: Option<&'static str>,
    pub(crate) mailbox: usize,
    pub(crate) group: Option<&'static str>,
    /// The deadline of the message.
    pub(crate) deadline: Duration,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) weight: u32,
    pub(crate) in_flight: usize,
    pub(crate) per_caller: Option<usize>,
    pub(crate) on_panic: OnPanic,
    pub(crate) asks_caller: bool,
    pub(crate) reads_request: bool,
    pub(crate) reports_progress: bool,
    pub(crate) needs: ServiceNeeds,
    /// Whether the message is idempotent.
    pub(crate) idempotent: bool,
    pub(crate) inline: bool,
    pub(crate) deprecated: bool,
    pub(crate) client: Option<&'static str>,
    pub(crate) streams: StreamUse,
}

/// What a method does with the connection of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StreamUse {
    Nothing,
    /// It starts a subscription: that of the message.
    Subscribes(SubscriptionNames),
    /// It ends one.
    Unsubscribes,
}

/// Whether a caller may call a method with this access.
pub(crate) fn admits(access: Access, caller: &Caller) -> bool {
    match access {
        Access::Public => true,
        Access::Private => caller.is_authenticated(),
        Access::Scope(scope) => caller.has_scope(scope),
    }
}

/// What happens to the state when a `&mut self` method panics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPanic {
    /// The state is dropped, and the factory makes a new one. The default.
    #[default]
    Restart,
    /// The state is kept as the panic left it: for methods that cannot leave it half-changed.
    Keep,
}

impl MethodOptions {
    /// Returns the options of a method that everybody may call.
    pub fn public() -> Self {
        Self::with_access(Access::Public)
    }

    /// Returns the options of a method that requires a valid token.
    pub fn private() -> Self {
        Self::with_access(Access::Private)
    }

    /// Returns the options of a method that requires a valid token with this scope.
    ///
    /// A server whose tokens are checked by a closure does not start with such a method, because
    /// these tokens have no scopes.
    pub fn scoped(scope: &'static str) -> Self {
        Self::with_access(Access::Scope(scope))
    }

    /// Returns the options of a method of an API, which says who may call it.
    #[doc(hidden)]
    pub fn of_api<M: ApiMethod>() -> Self {
        let (doc, deprecated, client) = (M::DOC, M::DEPRECATED, M::CLIENT);
        Self { doc, deprecated, client, ..Self::with_access(M::ACCESS) }
    }

    fn with_access(access: Access) -> Self {
        Self {
            access,
            doc: None,
            mailbox: 1024,
            group: None,
            deadline: Duration::from_secs(30),
            max_wait: None,
            weight: 1,
            in_flight: 64,
            per_caller: None,
            on_panic: OnPanic::default(),
            asks_caller: access != Access::Public,
            reads_request: false,
            reports_progress: false,
            needs: ServiceNeeds::default(),
            idempotent: false,
            inline: true,
            deprecated: false,
            client: None,
            streams: StreamUse::Nothing,
        }
    }

    /// Sets the description of the method, for `get_service_specs` and the OpenRPC document.
    /// Default: none.
    #[must_use]
    pub fn doc(mut self, doc: &'static str) -> Self {
        self.doc = Some(doc);
        self
    }

    /// Sets the maximum number of calls that wait in the method's mailbox. Default: 1,024. At least
    /// 1.
    ///
    /// Further calls are rejected at once, with -32000. The mailbox of a [`group`](Self::group) has
    /// the largest value of its methods.
    #[must_use]
    pub fn mailbox(mut self, capacity: usize) -> Self {
        self.mailbox = capacity.max(1);
        self
    }

    /// Shares one mailbox among all methods of the service that name the same group, so that their
    /// calls run in the order of their arrival. Default: a mailbox of its own.
    #[must_use]
    pub fn group(mut self, name: &'static str) -> Self {
        self.group = Some(name);
        self
    }

    /// Sets the maximum waiting time of a call while the mailbox is overloaded. Default: until the
    /// deadline of the call.
    ///
    /// Without it, a method that receives more calls than it can run fills its mailbox, and then
    /// every call waits for a whole mailbox of calls. With it, once the mailbox has not been empty
    /// for 100 ms, calls that have waited longer, or would, are rejected with -32000. Fewer calls
    /// are admitted, and these are answered quickly. A burst that is processed within 100 ms loses
    /// no calls.
    ///
    /// Set it for callers that would rather call another server than wait. Do not set it for
    /// callers that send many calls at once and want all of them to run.
    #[must_use]
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = Some(wait);
        self
    }

    /// Sets the method's share of the service's time when several methods have waiting calls.
    /// Default: 1. At least 1.
    ///
    /// A [`group`](Self::group) has the largest value of its methods.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight.max(1);
        self
    }

    /// Sets the maximum number of calls of an async `&self` method that run concurrently. Default:
    /// 64. At least 1.
    #[must_use]
    pub fn in_flight(mut self, limit: usize) -> Self {
        self.in_flight = limit.max(1);
        self
    }

    /// Sets the maximum number of calls of one caller that wait or run in the method at once.
    /// Default: no limit but that of the mailbox. At least 1, and at most the capacity of the
    /// mailbox.
    ///
    /// Further calls of that caller are rejected with -32000, so that it cannot fill the mailbox
    /// alone. Members of a batch wait until the caller has fewer calls.
    ///
    /// A caller is counted by its [name](Caller::name), which an authenticator gives it, and else
    /// by the address of the client. So a public method with a limit checks the tokens that it is
    /// sent. A call within the process counts only if its caller has a name.
    #[must_use]
    pub fn per_caller(mut self, limit: usize) -> Self {
        self.per_caller = Some(limit.max(1));
        self.asks_caller = true;
        self
    }

    /// Sets what happens to the state when the method panics. Default: [`OnPanic::Restart`]. Only
    /// for `&mut self` methods.
    #[must_use]
    pub fn on_panic(mut self, on_panic: OnPanic) -> Self {
        self.on_panic = on_panic;
        self
    }

    /// Adds a parameter that is made from the call. Default: none.
    ///
    /// With it, the method has what this parameter needs: the caller, also if the method is public
    /// ([`FromCall::NEEDS_CALLER`]); the request ([`FromCall::READS_REQUEST`]), without which the
    /// [`CallContext`](crate::CallContext) is that of a call within the process; and other services
    /// ([`FromCall::needs`]). A method by hand that uses the context itself adds `CallContext`.
    ///
    /// ```
    /// use callbox::{Caller, MethodOptions};
    ///
    /// let options = MethodOptions::public().injects::<Caller>();
    /// ```
    #[must_use]
    pub fn injects<T: FromCall>(mut self) -> Self {
        self.asks_caller |= T::NEEDS_CALLER;
        self.reads_request |= T::READS_REQUEST;
        self.reports_progress |= T::REPORTS_PROGRESS;
        T::needs(&mut self.needs);
        self
    }

    /// Sets whether short calls of the method may run on the thread where they arrive. Default:
    /// true.
    ///
    /// A method that is usually quick but may block (on a lock, or on a disk) would block the
    /// thread that serves the connection. With `false` all its calls run on the service's own
    /// thread. That costs some microseconds for each call, and a call that blocks there delays only
    /// its own service. See [where a call runs](crate::guide::promises).
    #[must_use]
    pub fn inline(mut self, inline: bool) -> Self {
        self.inline = inline;
        self
    }

    /// Sets whether the OpenRPC document marks the method as deprecated. Default: false.
    #[must_use]
    pub fn deprecated(mut self, deprecated: bool) -> Self {
        self.deprecated = deprecated;
        self
    }

    /// Sets the path of the function of the [typed client](crate::client::ServiceClient) that calls
    /// the method, for the examples in the OpenRPC document and the console. Default: none.
    ///
    /// The arguments of that function must be the method's parameters in their order, with the
    /// `rest` parameter last.
    ///
    /// ```
    /// use callbox::MethodOptions;
    ///
    /// let options = MethodOptions::public().client("GreeterClient::greet");
    /// ```
    #[must_use]
    pub fn client(mut self, function: &'static str) -> Self {
        self.client = Some(function);
        self
    }
}

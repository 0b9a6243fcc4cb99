//! What a service says of a method beside its message.

use std::time::Duration;

use crate::auth::Caller;

/// What a service says of one method: who may call it, how many calls may wait, how long, and with what share.
///
/// The attributes of [`#[public_method]`](macro@crate::service) set these; by hand they are the second half of an entry in
/// the [`MethodTable`](crate::MethodTable).
///
/// ```
/// use std::time::Duration;
/// use callbox::MethodOptions;
///
/// let options = MethodOptions::private().mailbox(256).max_wait(Duration::from_millis(10)).weight(4);
/// ```
#[derive(Clone, Debug)]
pub struct MethodOptions {
    pub(crate) access: Access,
    pub(crate) doc: Option<&'static str>,
    pub(crate) mailbox: usize,
    pub(crate) group: Option<&'static str>,
    /// That of the message.
    pub(crate) deadline: Duration,
    pub(crate) max_wait: Option<Duration>,
    pub(crate) weight: u32,
    pub(crate) in_flight: usize,
    pub(crate) on_panic: OnPanic,
    pub(crate) asks_caller: bool,
    /// As its message says.
    pub(crate) idempotent: bool,
    pub(crate) inline: bool,
    pub(crate) deprecated: bool,
    pub(crate) client: Option<&'static str>,
}

/// Who may call a method.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everybody.
    Public,
    /// Whoever has a valid token.
    Private,
    /// Whoever has a valid token with this scope.
    Scope(&'static str),
}

impl Access {
    /// Whether a caller may call such a method.
    pub(crate) fn admits(self, caller: &Caller) -> bool {
        match self {
            Self::Public => true,
            Self::Private => caller.is_authenticated(),
            Self::Scope(scope) => caller.has_scope(scope),
        }
    }
}

/// What becomes of the state when a `&mut self` method panics.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnPanic {
    /// It is thrown away, and the factory makes a new one. The default.
    #[default]
    Restart,
    /// It is kept as the panic left it: for methods that cannot leave it half-changed.
    Keep,
}

impl MethodOptions {
    /// A method that everybody may call.
    pub fn public() -> Self {
        Self::with_access(Access::Public)
    }

    /// A method that needs a valid token.
    pub fn private() -> Self {
        Self::with_access(Access::Private)
    }

    /// A method that needs a valid token with this scope.
    ///
    /// Tokens checked by a closure have no scopes, so with those the server refuses to start.
    pub fn scoped(scope: &'static str) -> Self {
        Self::with_access(Access::Scope(scope))
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
            on_panic: OnPanic::default(),
            asks_caller: access != Access::Public,
            idempotent: false,
            inline: true,
            deprecated: false,
            client: None,
        }
    }

    /// What the method does, for `get_service_specs`. Default: nothing.
    #[must_use]
    pub fn doc(mut self, doc: &'static str) -> Self {
        self.doc = Some(doc);
        self
    }

    /// How many calls may wait in the method's mailbox. Default: 1,024. At least 1.
    ///
    /// Further calls are answered -32000 at once. In a [`group`](Self::group) the largest value of its methods holds.
    #[must_use]
    pub fn mailbox(mut self, capacity: usize) -> Self {
        self.mailbox = capacity.max(1);
        self
    }

    /// Shares one mailbox among all methods of the service that name the same group, so that their calls run in the order
    /// of their arrival. Default: a mailbox of its own.
    #[must_use]
    pub fn group(mut self, name: &'static str) -> Self {
        self.group = Some(name);
        self
    }

    /// How long a call may wait for its turn while the mailbox is overloaded. Default: until its deadline.
    ///
    /// Without it a method that is offered more than it can do fills its mailbox, and every call waits as long as that takes.
    /// With it, once the mailbox has had calls for 100 ms on end, those that have waited longer, and those that would, are
    /// answered -32000: fewer are let in, and these are answered quickly. A burst that is worked off sooner loses nothing.
    ///
    /// For callers that would rather ask elsewhere than wait. Not for those that send everything at once and want all of it done.
    #[must_use]
    pub fn max_wait(mut self, wait: Duration) -> Self {
        self.max_wait = Some(wait);
        self
    }

    /// The method's share of the service's time when several have calls waiting. Default: 1. At least 1.
    ///
    /// In a [`group`](Self::group) the largest value of its methods holds.
    #[must_use]
    pub fn weight(mut self, weight: u32) -> Self {
        self.weight = weight.max(1);
        self
    }

    /// How many calls of an async `&self` method may be under way at once. Default: 64. At least 1.
    #[must_use]
    pub fn in_flight(mut self, limit: usize) -> Self {
        self.in_flight = limit.max(1);
        self
    }

    /// What becomes of the state when the method panics. Default: [`OnPanic::Restart`].
    #[must_use]
    pub fn on_panic(mut self, on_panic: OnPanic) -> Self {
        self.on_panic = on_panic;
        self
    }

    /// Has the caller's token checked although the method is public, because the method takes [`Caller`](crate::Caller) or
    /// another [`FromCall`](crate::FromCall) type. Private methods always have it checked.
    #[must_use]
    pub fn asks_caller(mut self) -> Self {
        self.asks_caller = true;
        self
    }

    /// Whether short calls of the method may run where they arrive. Default: true.
    ///
    /// A method that is usually quick and may block all the same (a lock that others hold, a disk) takes the thread that serves
    /// its connection with it. With `false` all its calls go to the service's own thread, which costs some microseconds each,
    /// and a call that blocks there holds up its own service only. See [where a call runs](crate::guide::promises).
    #[must_use]
    pub fn inline(mut self, inline: bool) -> Self {
        self.inline = inline;
        self
    }

    /// Whether callers should do without the method from now on, for the OpenRPC document. Default:
    /// false.
    #[must_use]
    pub fn deprecated(mut self, deprecated: bool) -> Self {
        self.deprecated = deprecated;
        self
    }

    /// The function of the [typed client](crate::client::ServiceClient) that calls the method, such as
    /// `GreeterClient::greet`, for the OpenRPC document. Default: none.
    ///
    /// Its arguments are the method's parameters in their order, and the one that takes the rest is
    /// the last.
    #[must_use]
    pub fn client(mut self, function: &'static str) -> Self {
        self.client = Some(function);
        self
    }
}

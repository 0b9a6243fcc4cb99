//! The client of a session.

use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use crate::dispatch::RequestLog;
use crate::service::RequestInfo;

/// What a transport knows of a client.
pub(crate) struct SessionClient {
    pub(crate) token: Option<SessionToken>,
    pub(crate) peer: Option<IpAddr>,
    /// The request that has opened the connection.
    pub(crate) request: Arc<RequestInfo>,
    /// What the log knows of that request, if its lines are to have the id.
    pub(crate) log: Option<Rc<RequestLog>>,
    /// Whether each message has a line in the access log.
    pub(crate) logs_messages: bool,
    /// How long the client waits for a response. This can only shorten a method's deadline.
    pub(crate) timeout: Option<Duration>,
    /// The services of other processes that wait for the response, if the transport knows them.
    pub(crate) chain: Option<String>,
    /// The cursor after which a subscription continues, unless its call has one.
    pub(crate) after: Option<String>,
}

/// A token that a connection keeps.
pub(crate) struct SessionToken(pub(crate) String);

impl std::fmt::Debug for SessionToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SessionToken")
    }
}

/// The limits of one connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionLimits {
    /// Maximum number of bodies whose calls have not ended.
    pub(crate) envelopes: usize,
    /// Maximum number of subscriptions.
    pub(crate) subscriptions: usize,
}

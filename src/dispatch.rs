//! One body in, one body out, for any transport.
//!
//! A body becomes an envelope; the auth actor says who is calling, if anybody needs to know; each call finds its route, is
//! checked against its access rule, and is started; the outcomes go back in the endpoint's dialect.

mod batch;
mod cut;

use std::fmt;
use std::future::poll_fn;
use std::net::IpAddr;
use std::rc::Rc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use crate::auth::{Auth, Caller, Unsure};
use crate::jsonrpc::{Budget, Dialect, Draft, Envelope, Id, Limits, Request, RpcError, parse};
use crate::mailbox::Gathering;
use crate::route::{Outcome, Route, Started, Terms};
use crate::router::Router;
use crate::service::{Access, CallContext};
use crate::sync::Arc;

use cut::{cut_off, unless_cut};

/// What every endpoint of a server shares.
pub(crate) struct Dispatch {
    pub(crate) router: Arc<Router>,
    pub(crate) auth: Option<Auth>,
    pub(crate) limits: Limits,
    /// The most bytes of results in one response.
    pub(crate) response_limit: usize,
    /// Becomes true when the time to drain is over: what has no answer by then will not get one.
    pub(crate) cut: watch::Receiver<bool>,
}

/// What came with a body.
pub(crate) struct Arrival<'a> {
    pub(crate) token: Option<&'a str>,
    /// Where it came from, as far as the transport itself knows: what a caller says of it does not count.
    pub(crate) peer: Option<IpAddr>,
    /// How long the caller waits for answers, which can only shorten a method's deadline.
    pub(crate) timeout: Option<Duration>,
    pub(crate) dialect: Dialect,
}

/// What goes back.
pub(crate) struct Answer {
    /// `None`: there is nothing to answer.
    pub(crate) body: Option<Vec<u8>>,
    /// The code, if the answer is one error.
    pub(crate) error: Option<i32>,
    /// When it may be worth to ask again.
    pub(crate) retry_after: Option<Duration>,
}

/// What all calls of one body have in common.
struct Visit<'a> {
    arrived: Instant,
    arrival: Arrival<'a>,
    who: Result<Caller, Unsure>,
    budget: Rc<Budget>,
}

impl Dispatch {
    /// Answers one body. Dropping the future gives its calls up.
    pub(crate) async fn handle(&self, body: &[u8], arrival: Arrival<'_>) -> Answer {
        let arrived = Instant::now();
        let mut scratch = String::new();
        let envelope = match parse(body, &self.limits, &mut scratch) {
            Ok(envelope) => envelope,
            Err(error) => return Answer::error(arrival.dialect, Id::NULL, &error),
        };
        let asks = || match &envelope {
            Envelope::Single(Err(_)) => false,
            Envelope::Single(Ok(request)) | Envelope::Large(request) => self.asks(request),
            Envelope::Batch(members) => members.iter().flatten().any(|request| self.asks(request)),
        };
        // Without a token nobody need be asked, and no member looked at.
        let who = if arrival.token.is_some() && asks() {
            self.who(arrival.token, arrival.peer).await
        } else {
            Ok(Caller::anonymous())
        };
        let is_batch = matches!(envelope, Envelope::Batch(_));
        let budget = if is_batch { Budget::of_batch } else { Budget::new };
        let visit = Visit { arrived, arrival, who, budget: Rc::new(budget(self.response_limit)) };
        match envelope {
            Envelope::Single(Ok(request)) => self.single(&request, &visit).await,
            Envelope::Single(Err(invalid)) => Answer::error(visit.arrival.dialect, invalid.id, &invalid.error()),
            Envelope::Large(request) => self.large(body, &request, &visit).await,
            Envelope::Batch(members) => self.batch(members, &visit).await,
        }
    }

    /// Who sends a token: anonymous without one, with one that is nobody's, and if nobody checks any.
    ///
    /// # Errors
    /// If it cannot be said.
    pub(crate) async fn who(&self, token: Option<&str>, peer: Option<IpAddr>) -> Result<Caller, Unsure> {
        match (token, &self.auth) {
            (Some(token), Some(auth)) => auth.whose(token, peer).await,
            _ => Ok(Caller::anonymous()),
        }
    }

    /// The body of a refusal that concerns no call in particular.
    pub(crate) fn refuse(dialect: Dialect, error: &RpcError) -> Vec<u8> {
        let mut body = Vec::new();
        dialect.error(&mut body, Id::NULL, error);
        body
    }

    /// Whether somebody may see what callers with a token may: whoever has a valid one, and anybody where none are checked, as
    /// nobody can be told from anybody else there.
    ///
    /// # Errors
    /// -32001 if not, -32003 if it cannot be told.
    pub(crate) async fn admits(&self, token: Option<&str>, peer: Option<IpAddr>) -> Result<(), RpcError> {
        let Some(auth) = &self.auth else { return Ok(()) };
        let token = token.ok_or_else(RpcError::access_denied)?;
        let caller = auth.whose(token, peer).await.map_err(|Unsure| RpcError::unavailable())?;
        if Access::Private.admits(&caller) { Ok(()) } else { Err(RpcError::access_denied()) }
    }

    /// Whether the answer to a request depends on who is calling.
    fn asks(&self, request: &Request<'_>) -> bool {
        self.router.find(&request.method).is_some_and(|route| route.options().asks_caller)
    }

    /// Answers a call whose parameters may turn out not to be JSON, which outweighs all else that is wrong with it.
    async fn large(&self, body: &[u8], request: &Request<'_>, visit: &Visit<'_>) -> Answer {
        let answer = self.single(request, visit).await;
        let not_json = answer.error.and_then(|_| request.not_json(body, &self.limits));
        match not_json {
            Some(error) => Answer::error(visit.arrival.dialect, Id::NULL, &error),
            None => answer,
        }
    }

    async fn single(&self, request: &Request<'_>, visit: &Visit<'_>) -> Answer {
        let dialect = visit.arrival.dialect;
        let gathering = Gathering::begin();
        let Some(id) = dialect.reply_id(request) else {
            self.start_single(request, visit, &mut Vec::new());
            gathering.others_first().await;
            return Answer::nothing(dialect.notification());
        };
        let mut body = Vec::new();
        let draft = Draft::open(dialect, id, &mut body);
        let outcome = match self.start_single(request, visit, &mut body) {
            Started::Done(outcome) => outcome,
            started => {
                gathering.others_first().await;
                unless_cut(&self.cut, ended(started, &mut body)).await.unwrap_or_else(|| Err(cut_off()))
            }
        };
        draft.close(&mut body, outcome.as_ref().copied());
        Answer::new(body, outcome.as_ref().err())
    }

    /// Starts a call that does not wait for room.
    fn start_single(&self, request: &Request<'_>, visit: &Visit<'_>, out: &mut Vec<u8>) -> Started {
        let (route, call) = match self.begin(request, visit) {
            Ok(begun) => begun,
            Err(error) => return Started::Done(Err(error)),
        };
        match route.start(call, request.params, visit.terms(true, out)) {
            Started::NoRoom(call, rejection) => {
                route.reject(call, &rejection);
                Started::Done(Err(rejection.error))
            }
            started => started,
        }
    }

    /// Begins a call; if it is not let in, the log says so.
    fn begin(&self, request: &Request<'_>, visit: &Visit<'_>) -> Result<(&Arc<dyn Route>, CallContext), RpcError> {
        self.find(request, visit).inspect_err(|error| {
            // An unknown name may be as long as a body.
            let method = &request.method[..request.method.floor_char_boundary(100)];
            let notification = visit.arrival.dialect.reply_id(request).is_none();
            log_debug!(method, notification, code = error.code(), "not let in");
        })
    }

    /// Finds the route of a request and checks that its caller may take it.
    fn find(&self, request: &Request<'_>, visit: &Visit<'_>) -> Result<(&Arc<dyn Route>, CallContext), RpcError> {
        let route = self.router.find(&request.method).ok_or_else(RpcError::method_not_found)?;
        let caller = allowed(route, visit)?;
        let notification = visit.arrival.dialect.reply_id(request).is_none();
        // Who does not wait cannot lose patience.
        let patience = visit.arrival.timeout.filter(|_| !notification).unwrap_or(Duration::MAX);
        let call = CallContext {
            method: route.name(),
            caller,
            arrived: visit.arrived,
            deadline: visit.arrived + route.options().deadline.min(patience),
            notification,
            chain: None,
        };
        Ok((route, call))
    }
}

impl fmt::Debug for Dispatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dispatch").field("router", &self.router).field("auth", &self.auth).finish_non_exhaustive()
    }
}

impl Visit<'_> {
    /// The terms of one of its calls, whose result goes behind what is in `out`.
    fn terms<'a>(&'a self, inline: bool, out: &'a mut Vec<u8>) -> Terms<'a> {
        Terms { budget: &self.budget, inline, out }
    }
}

/// The caller as the method is to see it, if the access rule lets it through.
fn allowed(route: &Arc<dyn Route>, visit: &Visit<'_>) -> Result<Caller, RpcError> {
    let options = route.options();
    if !options.asks_caller {
        return Ok(Caller::anonymous());
    }
    let caller = visit.who.as_ref().map_err(|Unsure| RpcError::unavailable())?;
    if options.access.admits(caller) { Ok(caller.clone()) } else { Err(RpcError::access_denied()) }
}

/// Waits for the end of a call, whose result is then behind what is in `out`.
async fn ended(started: Started, out: &mut Vec<u8>) -> Outcome {
    match started {
        Started::Done(outcome) => outcome,
        Started::Waits(mut call) => poll_fn(|cx| call.as_mut().poll(cx, out)).await,
        Started::NoRoom(_, rejection) => Err(rejection.error),
        // A notification, whose answer nobody writes.
        Started::Sent => Ok(()),
    }
}

impl Answer {
    /// One answer, and the error that it tells.
    fn new(body: Vec<u8>, error: Option<&RpcError>) -> Self {
        Self { body: Some(body), error: error.map(RpcError::code), retry_after: error.and_then(RpcError::retry_after) }
    }

    fn error(dialect: Dialect, id: Id<'_>, error: &RpcError) -> Self {
        let mut body = Vec::new();
        dialect.error(&mut body, id, error);
        Self::new(body, Some(error))
    }

    fn nothing(body: Option<&'static [u8]>) -> Self {
        Self { body: body.map(<[u8]>::to_vec), error: None, retry_after: None }
    }
}

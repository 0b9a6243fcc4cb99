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
use crate::jsonrpc::{Budget, Dialect, Draft, Envelope, Id, Limits, Request, RpcError, beginning};
use crate::mailbox::DeferredWake;
use crate::route::{CallOutcome, Route, StartContext, StartResult};
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

/// One call of a body: what it asks for, looked up once.
struct Asked<'a> {
    request: Request<'a>,
    /// `None` if there is no such method.
    route: Option<&'a Arc<dyn Route>>,
    /// The id under which it is answered; none of a notification.
    id: Option<Id<'a>>,
}

impl Dispatch {
    /// Answers one body. Dropping the future gives its calls up.
    pub(crate) async fn handle(&self, body: &[u8], arrival: Arrival<'_>) -> Answer {
        let (arrived, dialect) = (Instant::now(), arrival.dialect);
        let ask = |request| self.ask(request, dialect);
        match Envelope::parse(body, &self.limits) {
            Ok(Envelope::Single(Ok(request))) => {
                let asked = ask(request);
                let budget = Budget::new(self.response_limit);
                let visit = self.visit(arrived, arrival, budget, asked.asks_caller()).await;
                self.single(&asked, &visit).await
            }
            Ok(Envelope::Batch(members)) => {
                let members: Vec<_> = members.into_iter().map(|member| member.map(ask)).collect();
                let asks_caller = || members.iter().flatten().any(Asked::asks_caller);
                let budget = Budget::of_batch(self.response_limit);
                // Without a token nobody need be asked, and no member looked at.
                let asks_caller = arrival.token.is_some() && asks_caller();
                let visit = self.visit(arrived, arrival, budget, asks_caller).await;
                self.batch(&members, &visit).await
            }
            Ok(Envelope::Single(Err(invalid))) => Answer::error(dialect, invalid.id, &invalid.error()),
            Err(error) => Answer::error(dialect, Id::NULL, &error),
        }
    }

    #[inline]
    fn ask<'a>(&'a self, request: Request<'a>, dialect: Dialect) -> Asked<'a> {
        Asked { route: self.router.find(&request.method), id: dialect.reply_id(&request), request }
    }

    /// What the calls of a body have in common; who is calling only if an answer depends on it.
    async fn visit<'a>(&self, arrived: Instant, arrival: Arrival<'a>, budget: Budget, asks_caller: bool) -> Visit<'a> {
        let who = match arrival.token.filter(|_| asks_caller) {
            Some(token) => self.who(Some(token), arrival.peer).await,
            None => Ok(Caller::anonymous()),
        };
        Visit { arrived, arrival, who, budget: Rc::new(budget) }
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

    async fn single(&self, asked: &Asked<'_>, visit: &Visit<'_>) -> Answer {
        let dialect = visit.arrival.dialect;
        let deferred_wake = DeferredWake::begin();
        let mut body = Vec::new();
        let Some(id) = asked.id else {
            asked.start(visit, &mut body);
            deferred_wake.yield_to_others().await;
            return Answer::nothing(dialect.notification());
        };
        let draft = Draft::reply(dialect, id, &asked.request, &mut body);
        let outcome = match asked.start(visit, &mut body) {
            StartResult::Done(outcome) => outcome,
            started => {
                deferred_wake.yield_to_others().await;
                unless_cut(&self.cut, ended(started, &mut body)).await.unwrap_or_else(|| Err(cut_off()))
            }
        };
        let error = draft.close(&mut body, outcome);
        Answer::new(body, error.as_ref())
    }
}

impl<'a> Asked<'a> {
    /// Whether the answer depends on who is calling.
    #[inline]
    fn asks_caller(&self) -> bool {
        self.route.is_some_and(|route| route.options().asks_caller)
    }

    /// Starts a call that does not wait for room.
    fn start(&self, visit: &Visit<'_>, out: &mut Vec<u8>) -> StartResult {
        let (route, call) = match self.let_in(visit) {
            Ok(let_in) => let_in,
            Err(error) => return StartResult::Done(Err(error)),
        };
        match route.start(call, self.request.params, visit.terms(true, out)) {
            StartResult::NoRoom(call, rejection) => {
                route.reject(call, &rejection);
                StartResult::Done(Err(rejection.error))
            }
            started => started,
        }
    }

    /// Lets a call in if its caller may make it; if not, the log says so.
    #[inline]
    fn let_in(&self, visit: &Visit<'_>) -> Result<(&'a Arc<dyn Route>, CallContext), RpcError> {
        self.check(visit).inspect_err(|error| {
            // An unknown name may be as long as a body.
            let method = beginning(&self.request.method, 100);
            log_debug!(method, notification = self.id.is_none(), code = error.code(), "not let in");
        })
    }

    /// The route of a call, and the call itself, if its caller may make it.
    #[inline]
    fn check(&self, visit: &Visit<'_>) -> Result<(&'a Arc<dyn Route>, CallContext), RpcError> {
        let route = self.route.ok_or_else(RpcError::method_not_found)?;
        let caller = allowed(route, visit)?;
        let notification = self.id.is_none();
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
    fn terms<'a>(&'a self, inline: bool, out: &'a mut Vec<u8>) -> StartContext<'a> {
        StartContext { budget: &self.budget, inline, out }
    }
}

/// The caller as the method is to see it, if the access rule lets it through.
#[inline]
fn allowed(route: &Arc<dyn Route>, visit: &Visit<'_>) -> Result<Caller, RpcError> {
    let options = route.options();
    if !options.asks_caller {
        return Ok(Caller::anonymous());
    }
    let caller = visit.who.as_ref().map_err(|Unsure| RpcError::unavailable())?;
    if options.access.admits(caller) { Ok(caller.clone()) } else { Err(RpcError::access_denied()) }
}

/// Waits for the end of a call, whose result is then behind what is in `out`.
async fn ended(started: StartResult, out: &mut Vec<u8>) -> CallOutcome {
    match started {
        StartResult::Done(outcome) => outcome,
        StartResult::Pending(mut call) => poll_fn(|cx| call.as_mut().poll(cx, out)).await,
        StartResult::NoRoom(_, rejection) => Err(rejection.error),
        // A notification, whose answer nobody writes.
        StartResult::Sent => Ok(()),
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

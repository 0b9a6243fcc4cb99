//! A server whose tokens are checked again, with a clock that the test moves.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use actix::System;
use callbox_client::{Subscription, SubscriptionNames};
use futures::future::{LocalBoxFuture, ready};
use futures::stream;
use futures::task::noop_waker_ref;
use serde_json::{Value, json};
use tokio::task::{spawn_blocking, yield_now};

use crate::BoxError;
use crate::auth::{AuthHandle, AuthLimits, Authenticate, Caller};
use crate::jsonrpc::Limits;
use crate::route::{
    CallStart, ItemCounters, MailboxId, RejectReason, Rejection, Route, StartContext, StartedSubscription, StateEnd,
    StateEndGuard,
};
use crate::router::{Router, TokenCheck};
use crate::service::{CallContext, MethodDescription, MethodOptions, SchemaGenerators, ServiceId, StreamUse};

use super::tests::{Kept, client};
use super::*;

/// How the authenticator answers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Answer {
    /// Every token is that of the caller of its name.
    Known,
    /// No token is valid.
    Revoked,
    /// No token can be checked.
    Away,
}

#[derive(Debug)]
struct Tokens {
    answer: Answer,
    generation: u64,
    /// Number of checks of each token.
    checks: HashMap<String, usize>,
}

struct SharedTokens(Arc<Mutex<Tokens>>);

impl Authenticate for SharedTokens {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        let mut tokens = self.0.lock().unwrap();
        *tokens.checks.entry(token.to_owned()).or_default() += 1;
        match tokens.answer {
            Answer::Known => Ok(Some(Caller::named(token))),
            Answer::Revoked => Ok(None),
            Answer::Away => Err("the directory is away".into()),
        }
    }

    fn generation(&self) -> u64 {
        self.0.lock().unwrap().generation
    }
}

/// A method without a service: a call, or a subscription without items.
struct Method {
    name: &'static str,
    options: MethodOptions,
    state_end: StateEnd,
    _state: StateEndGuard,
    counters: Arc<ItemCounters>,
}

impl Method {
    fn route(name: &'static str, options: MethodOptions) -> Self {
        let (state, state_end) = StateEnd::new();
        Self { name, options, state_end, _state: state, counters: Arc::default() }
    }

    fn subscription(name: &'static str, options: MethodOptions) -> Self {
        let streams = StreamUse::Subscribes(SubscriptionNames::DEFAULT);
        Self::route(name, MethodOptions { streams, ..options })
    }
}

impl Route for Method {
    fn name(&self) -> &'static str {
        self.name
    }

    fn options(&self) -> &MethodOptions {
        &self.options
    }

    fn mailbox(&self) -> MailboxId {
        MailboxId(ServiceId::fresh(), 0)
    }

    fn start(&self, _: CallContext, _: Option<&str>, context: StartContext<'_>) -> CallStart {
        let StartContext { budget, subscriber, out, .. } = context;
        let started = subscriber.map_or(Ok("done".to_owned()), |subscriber| {
            subscriber.subscribe(StartedSubscription {
                method: self.name,
                access: self.options.access,
                names: SubscriptionNames::DEFAULT,
                items: Subscription::new(stream::pending::<u64>()).into(),
                state_end: self.state_end.clone(),
                counters: Arc::clone(&self.counters),
            })
        });
        CallStart::Done(started.and_then(|result| budget.write(out, self.name, &result)))
    }

    fn describe(&self, _: &mut SchemaGenerators) -> MethodDescription {
        unreachable!("nobody asks for the OpenRPC document")
    }

    fn reject(&self, _: CallContext, _: &Rejection) {}

    fn room(&self, _: &CallContext, _: RejectReason, _: usize) -> LocalBoxFuture<'_, ()> {
        Box::pin(ready(()))
    }
}

/// A server without connections, whose clock stands still.
pub(super) struct Scene {
    dispatch: Arc<Dispatch>,
    tokens: Arc<Mutex<Tokens>>,
    stopping: watch::Sender<bool>,
}

pub(super) fn run(test: impl AsyncFnOnce(&Scene)) {
    System::new().block_on(async {
        tokio::time::pause();
        // As long as this waits, the clock moves only when the test says so, also while the thread
        // of the authenticator is at work.
        let (_ends, ended) = std::sync::mpsc::channel::<()>();
        let _clock = spawn_blocking(move || ended.recv());
        let tokens = Tokens { answer: Answer::Known, generation: 0, checks: HashMap::new() };
        let tokens = Arc::new(Mutex::new(tokens));
        let mut router = Router::new(256);
        for method in [
            Method::route("secret", MethodOptions::private()),
            Method::subscription("secrets", MethodOptions::private()),
            Method::subscription("numbers", MethodOptions::public()),
        ] {
            router.add(Arc::new(method), TokenCheck::WithScopes).unwrap();
        }
        let (stopping, cut) = watch::channel(false);
        let dispatch = Arc::new(Dispatch {
            router: Arc::new(router),
            auth: Some(AuthHandle::start(SharedTokens(Arc::clone(&tokens)), AuthLimits::new(None))),
            refused: Arc::default(),
            limits: Limits { members: 100, depth: 127, id: 4096 },
            response_limit: 1000,
            cut,
        });
        test(&Scene { dispatch, tokens, stopping }).await;
    });
}

/// Waits for what other threads do, without moving the clock.
async fn until<T>(what: &str, mut get: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(value) = get() {
            return value;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "{what}");
        yield_now().await;
    }
}

impl Scene {
    pub(super) fn connect(&self, token: &str) -> Client {
        let limits = SessionLimits { envelopes: 64, subscriptions: 64 };
        Client(Session::new(Arc::clone(&self.dispatch), client(Some(token)), limits, self.stopping.subscribe()))
    }

    /// From now on the authenticator answers like this. `tells` is whether it also says that what
    /// it has answered before may be wrong.
    pub(super) fn answer(&self, answer: Answer, tells: bool) {
        let mut tokens = self.tokens.lock().unwrap();
        tokens.answer = answer;
        tokens.generation += u64::from(tells);
    }

    /// Returns how often a token was checked since this was last asked.
    pub(super) fn checks(&self, token: &str) -> usize {
        self.tokens.lock().unwrap().checks.remove(token).unwrap_or_default()
    }

    /// Moves the clock by so many seconds, in which a client hears nothing.
    pub(super) async fn pass_quietly(&self, client: &mut Client, seconds: u32) {
        for second in 1..=seconds {
            self.pass_second().await;
            assert_eq!(client.messages(), [] as [Value; 0], "after {second} s");
        }
    }

    /// Moves the clock by a second, and lets everybody finish what they do then.
    pub(super) async fn pass_second(&self) {
        tokio::time::advance(Duration::from_secs(1)).await;
        yield_often().await;
        // The authenticator checks one token after the other.
        let _ = self.dispatch.auth.as_ref().unwrap().authenticate_again("the last").await;
        yield_often().await;
    }
}

/// Lets the other tasks of this thread go on.
pub(super) async fn yield_often() {
    for _ in 0..100 {
        yield_now().await;
    }
}

pub(super) struct Client(pub(super) Session);

impl Client {
    /// Returns what the session has sent since this was last asked.
    pub(super) fn messages(&mut self) -> Vec<Value> {
        let mut kept = Kept::default();
        let _ = self.0.poll(&mut Context::from_waker(noop_waker_ref()), &mut kept);
        kept.0.iter().map(|message| serde_json::from_slice(message).unwrap()).collect()
    }

    /// Returns the next message, which is alone.
    pub(super) async fn message(&mut self) -> Value {
        let mut messages = until("there is a message", || Some(self.messages()).filter(|sent| !sent.is_empty())).await;
        assert_eq!(messages.len(), 1, "{messages:?}");
        messages.remove(0)
    }

    pub(super) async fn call(&mut self, method: &str) -> Value {
        let call = json!({ "jsonrpc": "2.0", "method": method, "id": 1 });
        self.0.start(call.to_string(), &mut Context::from_waker(noop_waker_ref()));
        self.message().await
    }

    pub(super) async fn subscribe(&mut self, method: &str) -> Value {
        let reply = self.call(method).await;
        assert!(reply["result"].is_string(), "{reply}");
        // A timer is due at the end of its millisecond, that of a second later too.
        tokio::time::advance(Duration::from_millis(2)).await;
        yield_often().await;
        reply["result"].clone()
    }

    pub(super) async fn error_code(&mut self, method: &str) -> Value {
        self.call(method).await["error"]["code"].clone()
    }
}

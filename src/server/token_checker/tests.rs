//! Tests over HTTP that nobody is admitted while the authenticator is dead, slow or busy.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::sync::Arc;
use crate::testing::{self, TestServer};
use crate::{BoxError, Caller, Server, service};

use super::*;

/// A service that counts the admitted calls.
struct Guarded {
    ran: Arc<AtomicUsize>,
}

#[service(name = "test.guarded")]
impl Guarded {
    #[public_method]
    fn open(&self) -> u8 {
        1
    }

    #[public_method]
    fn who(&self, caller: &Caller) -> Option<String> {
        self.ran.fetch_add(1, Ordering::SeqCst);
        caller.name().map(str::to_owned)
    }

    #[private_api_method]
    fn private(&self) -> u8 {
        self.ran.fetch_add(1, Ordering::SeqCst);
        2
    }

    #[private_api_method(scope = "admin")]
    fn scoped(&self) -> u8 {
        self.ran.fetch_add(1, Ordering::SeqCst);
        3
    }
}

/// Accepts every token as that of `ann`, who has all scopes. But `death` ends the thread, and
/// `late` waits until the test releases it.
#[derive(Default)]
struct UnreliableAuthenticator {
    release: Notify,
    is_waiting: AtomicBool,
}

struct SharedAuthenticator(Arc<UnreliableAuthenticator>);

impl Authenticate for SharedAuthenticator {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        match token {
            "death" => {
                actix::Arbiter::current().stop();
                std::future::pending::<()>().await;
            }
            "late" => {
                self.0.is_waiting.store(true, Ordering::SeqCst);
                self.0.release.notified().await;
            }
            _ => {}
        }
        Ok(Some(Caller::named("ann").with_scope("admin")))
    }
}

struct GuardedServer {
    server: TestServer,
    ran: Arc<AtomicUsize>,
    weak: Arc<UnreliableAuthenticator>,
}

fn start_with(
    start: impl FnOnce(AuthLimits) -> AuthHandle + Send + 'static,
    weak: Arc<UnreliableAuthenticator>,
) -> GuardedServer {
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let mut server = Server::new(move || Guarded { ran: Arc::clone(&counter) });
    server.token_checker = Some(TokenChecker { check: TokenCheck::WithScopes, start: Box::new(start) });
    GuardedServer { server: testing::start(server), ran, weak }
}

fn start(change: impl FnOnce(&mut AuthLimits) + Send + 'static) -> GuardedServer {
    let weak = Arc::new(UnreliableAuthenticator::default());
    let shared = SharedAuthenticator(Arc::clone(&weak));
    start_with(
        |mut limits| {
            change(&mut limits);
            AuthHandle::start(shared, limits)
        },
        weak,
    )
}

const METHODS: [&str; 5] = ["open", "who", "private", "scoped", "rpc.mailboxes"];

/// Returns the code of the error, or the result; a constant for `rpc.mailboxes`, whose result
/// always differs.
fn outcome(answer: &Value) -> Value {
    match answer["error"].get("code").unwrap_or(&answer["result"]) {
        Value::Array(_) => json!("mailboxes"),
        other => other.clone(),
    }
}

impl GuardedServer {
    /// Returns the outcome of each method with this token, which must be the same alone and in a
    /// batch. Sends notifications as well.
    fn answers(&self, token: &str) -> Vec<Value> {
        let client = self.server.with_token(token);
        let call = |(method, id): (&str, usize)| json!({ "jsonrpc": "2.0", "method": method, "id": id });
        let calls: Vec<_> = METHODS.into_iter().zip(1..).map(call).collect();
        let alone: Vec<_> = calls.iter().map(|call| outcome(&client.rpc(call))).collect();
        let mut batch = calls;
        batch.extend(METHODS.map(|method| json!({ "jsonrpc": "2.0", "method": method })));
        for notification in &batch[METHODS.len()..] {
            assert_eq!(client.rpc(notification), Value::Null);
        }
        let answers = client.rpc(&batch);
        let together: Vec<_> = answers.as_array().expect("answers").iter().map(outcome).collect();
        assert_eq!(alone, together);
        alone
    }

    /// Asserts that with a token that cannot be checked all methods but `open` are unavailable and
    /// none runs, and that without a token each behaves as always.
    fn assert_nobody_is_admitted(&self, token: &str) {
        self.ran.store(0, Ordering::SeqCst);
        assert_eq!(self.answers(token), [json!(1), json!(-32003), json!(-32003), json!(-32003), json!(-32003)]);
        assert_eq!(self.ran.load(Ordering::SeqCst), 0);
        let without = self.answers("");
        assert_eq!(without, [json!(1), Value::Null, json!(-32001), json!(-32001), json!(-32001)]);
        // `who`, four times: alone and in the batch, as a call and as a notification.
        self.server.wait_idle::<Guarded>();
        assert_eq!(self.ran.load(Ordering::SeqCst), 4);
    }

    fn assert_ann_is_admitted(&self) {
        assert_eq!(self.answers("ann"), [json!(1), json!("ann"), json!(2), json!(3), json!("mailboxes")]);
    }
}

#[test]
fn with_a_dead_auth_actor_nobody_is_admitted() {
    let running = start(|_| ());
    running.assert_ann_is_admitted();
    let answer = running.server.with_token("death").rpc(&json!({ "jsonrpc": "2.0", "method": "private", "id": 1 }));
    assert_eq!(outcome(&answer), json!(-32003), "nor is the one that killed it");
    running.assert_nobody_is_admitted("ann");
}

#[test]
fn with_a_slow_authenticator_nobody_is_admitted() {
    let running = start(|limits| limits.timeout = Duration::from_millis(20));
    running.assert_nobody_is_admitted("late");
}

#[test]
fn with_an_authenticator_that_blocks_its_thread_nobody_is_admitted() {
    let (release, held) = std::sync::mpsc::channel::<()>();
    let held = parking_lot::Mutex::new(held);
    // `recv` also returns, with an error, when the test ends.
    let blocks = move |_: &str| held.lock().recv().is_ok();
    let started = |mut limits: AuthLimits| {
        limits.timeout = Duration::from_millis(20);
        AuthHandle::start(blocks, limits)
    };
    let running = start_with(started, Arc::default());
    running.assert_nobody_is_admitted("ann");
    drop(release);
}

#[test]
fn with_too_many_pending_requests_nobody_else_is_admitted() {
    let running = start(|limits| {
        limits.max_pending = 1;
        limits.timeout = Duration::from_secs(60);
    });
    std::thread::scope(|scope| {
        let late = running.server.with_token("late");
        let first = scope.spawn(move || late.rpc(&json!({ "jsonrpc": "2.0", "method": "private", "id": 1 })));
        while !running.weak.is_waiting.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(2));
        }
        running.assert_nobody_is_admitted("ann");
        running.weak.release.notify_one();
        assert_eq!(outcome(&first.join().unwrap()), json!(2), "the one that was there has its answer");
    });
    running.assert_ann_is_admitted();
}

#[test]
fn a_limit_of_zero_wrong_tokens_is_an_error() {
    let server = |limit: Option<u32>| Server::new(|| Guarded { ran: Arc::default() }).token_failures(limit);
    let error = server(Some(0)).resolve().unwrap_err().to_string();
    assert_eq!(error, ".token_failures(0) allows no wrong token: allow one at least, or give None for any number");
    assert!(server(None).resolve().is_ok() && server(Some(1)).resolve().is_ok());
}

//! Over HTTP: whom an authenticator that is dead, slow or busy lets in.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;

use crate::sync::Arc;
use crate::testing::{self, TestServer};
use crate::{BoxError, Caller, Server, service};

use super::*;

/// Counts the calls that were let in.
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

/// Lets anybody in as `ann`, who may do anything; but `death` ends its thread, and `late` waits until the test lets it go.
#[derive(Default)]
struct WeakAuthenticator {
    let_go: Notify,
    has_late: AtomicBool,
}

struct SharedAuthenticator(Arc<WeakAuthenticator>);

impl Authenticate for SharedAuthenticator {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        match token {
            "death" => {
                actix::Arbiter::current().stop();
                std::future::pending::<()>().await;
            }
            "late" => {
                self.0.has_late.store(true, Ordering::SeqCst);
                self.0.let_go.notified().await;
            }
            _ => {}
        }
        Ok(Some(Caller::named("ann").with_scope("admin")))
    }
}

struct GuardedServer {
    server: TestServer,
    ran: Arc<AtomicUsize>,
    weak: Arc<WeakAuthenticator>,
}

fn start_with(
    start: impl FnOnce(AuthLimits) -> AuthHandle + Send + 'static,
    weak: Arc<WeakAuthenticator>,
) -> GuardedServer {
    let ran = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&ran);
    let mut server = Server::new(move || Guarded { ran: Arc::clone(&counter) });
    server.token_checker = Some(TokenChecker { check: TokenCheck::WithScopes, start: Box::new(start) });
    GuardedServer { server: testing::start(server), ran, weak }
}

fn start(change: impl FnOnce(&mut AuthLimits) + Send + 'static) -> GuardedServer {
    let weak = Arc::new(WeakAuthenticator::default());
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

/// The code of the error, or the result; that of `rpc.mailboxes` is never the same twice.
fn outcome(answer: &Value) -> Value {
    match answer["error"].get("code").unwrap_or(&answer["result"]) {
        Value::Array(_) => json!("mailboxes"),
        other => other.clone(),
    }
}

impl GuardedServer {
    /// What each method answers to this token, alone and in a batch, which has to be the same; notifications ride along.
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

    /// With a token nobody can tell of, all but the open method are unavailable, and nothing has run; without one, each is what
    /// it always is.
    fn assert_lets_nobody_in(&self, token: &str) {
        self.ran.store(0, Ordering::SeqCst);
        assert_eq!(self.answers(token), [json!(1), json!(-32003), json!(-32003), json!(-32003), json!(-32003)]);
        assert_eq!(self.ran.load(Ordering::SeqCst), 0);
        let without = self.answers("");
        assert_eq!(without, [json!(1), Value::Null, json!(-32001), json!(-32001), json!(-32001)]);
        // `who`, four times: alone and in the batch, as a call and as a notification.
        self.server.wait_idle::<Guarded>();
        assert_eq!(self.ran.load(Ordering::SeqCst), 4);
    }

    fn assert_lets_ann_in(&self) {
        assert_eq!(self.answers("ann"), [json!(1), json!("ann"), json!(2), json!(3), json!("mailboxes")]);
    }
}

#[test]
fn an_auth_actor_that_is_dead_lets_nobody_in() {
    let running = start(|_| ());
    running.assert_lets_ann_in();
    let answer = running.server.with_token("death").rpc(&json!({ "jsonrpc": "2.0", "method": "private", "id": 1 }));
    assert_eq!(outcome(&answer), json!(-32003), "who killed it is not let in either");
    running.assert_lets_nobody_in("ann");
}

#[test]
fn an_authenticator_that_is_slow_lets_nobody_in() {
    let running = start(|limits| limits.timeout = Duration::from_millis(20));
    running.assert_lets_nobody_in("late");
}

#[test]
fn an_authenticator_that_holds_its_thread_lets_nobody_in() {
    let (let_go, held) = std::sync::mpsc::channel::<()>();
    let held = parking_lot::Mutex::new(held);
    // An error is the end of the test, which lets it go as well.
    let blocks = move |_: &str| held.lock().recv().is_ok();
    let started = |mut limits: AuthLimits| {
        limits.timeout = Duration::from_millis(20);
        AuthHandle::start(blocks, limits)
    };
    let running = start_with(started, Arc::default());
    running.assert_lets_nobody_in("ann");
    drop(let_go);
}

#[test]
fn an_auth_actor_with_too_many_questions_lets_nobody_further_in() {
    let running = start(|limits| {
        limits.max_pending = 1;
        limits.timeout = Duration::from_secs(60);
    });
    std::thread::scope(|scope| {
        let late = running.server.with_token("late");
        let first = scope.spawn(move || late.rpc(&json!({ "jsonrpc": "2.0", "method": "private", "id": 1 })));
        while !running.weak.has_late.load(Ordering::SeqCst) {
            std::thread::sleep(Duration::from_millis(2));
        }
        running.assert_lets_nobody_in("ann");
        running.weak.let_go.notify_one();
        assert_eq!(outcome(&first.join().unwrap()), json!(2), "the one that was there has its answer");
    });
    running.assert_lets_ann_in();
}

#[test]
fn a_limit_of_no_wrong_tokens_is_a_mistake() {
    let server = |limit: Option<u32>| Server::new(|| Guarded { ran: Arc::default() }).token_failures(limit);
    let error = server(Some(0)).resolve().unwrap_err().to_string();
    assert_eq!(error, ".token_failures(0) allows no wrong token: allow one at least, or give None for any number");
    assert!(server(None).resolve().is_ok() && server(Some(1)).resolve().is_ok());
}

//! Panics of user code around a call: in drops, wakers, the texts of errors, an authenticator. None
//! of them ends another call or leaves the service down.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Wake, Waker};
use std::time::Duration;

use callbox::auth::Authenticate;
use callbox::testing::{self, InProcess};
use callbox::{BoxError, Caller, Placement, Server, service};
use callbox_test_support::wait::until;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// Panics when it is dropped.
#[derive(Serialize, Deserialize, JsonSchema)]
struct Bomb {
    size: u64,
}

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("it goes off");
    }
}

struct Range;

#[service(name = "test.range")]
impl Range {
    #[public_method]
    fn ping(&self) -> u64 {
        7
    }

    #[public_method]
    fn hold(&mut self, millis: u64) {
        std::thread::sleep(Duration::from_millis(millis));
    }

    /// Keeps what it gets from going off.
    #[public_method]
    fn take(&self, bomb: Bomb) {
        std::mem::forget(bomb);
    }

    #[public_method]
    fn give(&self) -> Bomb {
        Bomb { size: 3 }
    }

    /// Waits for ever, with one in its hands.
    #[public_method(deadline = "50ms")]
    async fn carry(&self) {
        let _bomb = Bomb { size: 1 };
        std::future::pending::<()>().await;
    }

    /// The same, with time.
    #[public_method]
    async fn carry_on(&self) {
        self.carry().await;
    }
}

fn range(placement: Placement) -> InProcess<Range> {
    testing::in_process_with(|| Range, move |server| server.placement(placement))
}

const BOTH: [Placement; 2] = [Placement::Inline, Placement::Actor];

/// The service is as it was before.
fn assert_well(range: &InProcess<Range>) {
    range.wait_idle();
    assert_eq!(range.call(Range_Ping {}), Ok(7));
    assert!(range.service().stats().iter().all(|method| method.running == 0 && method.depth == 0));
}

fn post(range: &InProcess<Range>, body: &Value) -> Value {
    serde_json::from_str(&range.post(body.to_string()).expect("an answer")).expect("JSON")
}

fn request(id: u64, method: &str, params: &Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params, "id": id })
}

#[test]
fn parameters_that_panic_when_they_are_dropped_unread_cost_their_own_call() {
    for placement in BOTH {
        let range = range(placement);
        let mut holds = vec![request(0, "hold", &json!([2000]))];
        // They expire in the mailbox, where the other member of the batch waits as well.
        holds.push(request(1, "ping", &json!([])));
        std::thread::scope(|scope| {
            let held = scope.spawn(|| post(&range, &Value::from(holds.clone())));
            until("it is held", || range.service().stats().iter().any(|method| method.running == 1));
            let soon = range.service().with_deadline(Duration::from_millis(20));
            let expired = block_on(soon.call(Range_Take { bomb: Bomb { size: 1 } }));
            assert_eq!(expired.expect_err("it has no time").code(), -32002);
            soon.notify(Range_Take { bomb: Bomb { size: 1 } }).expect("there is room");
            let answers = held.join().expect("an answer");
            assert_eq!((&answers[0]["result"], &answers[1]["result"]), (&Value::Null, &json!(7)), "{answers}");
        });
        assert_well(&range);
    }
}

#[test]
fn a_result_that_panics_when_it_is_dropped_is_answered_all_the_same() {
    for placement in BOTH {
        let range = range(placement);
        for _ in 0..20 {
            let batch = [("give", 0), ("ping", 1), ("give", 2), ("give", 3), ("ping", 4)];
            let batch: Vec<_> = batch.into_iter().map(|(method, id)| request(id, method, &json!([]))).collect();
            let answers = post(&range, &Value::from(batch));
            let results: Vec<_> = answers.as_array().expect("a batch").iter().map(|answer| &answer["result"]).collect();
            let (bomb, ping) = (json!({ "size": 3 }), json!(7));
            assert_eq!(results, [&bomb, &ping, &bomb, &bomb, &ping], "{answers}");
        }
        assert_well(&range);
    }
}

#[test]
fn a_future_that_panics_when_it_is_dropped_costs_its_own_call() {
    for placement in BOTH {
        let range = range(placement);
        for _ in 0..3 {
            range.notify(Range_Carry {}).expect("there is room");
            assert_eq!(range.call(Range_Carry {}).expect_err("it has no time").code(), -32002);
            block_on(async {
                let call = range.service().call(Range_CarryOn {});
                // Its caller leaves.
                assert!(tokio::time::timeout(Duration::from_millis(10), call).await.is_err());
            });
        }
        assert_well(&range);
        let ended = |name: &str| {
            let method = range.service().stats().into_iter().find(|method| method.method == name).expect("it is there");
            (method.expired, method.abandoned)
        };
        assert_eq!((ended("carry"), ended("carry_on")), ((6, 0), (0, 3)));
    }
}

#[test]
fn a_caller_that_panics_when_it_is_woken_keeps_no_other_from_its_answer() {
    struct Grumpy;

    impl Wake for Grumpy {
        fn wake(self: Arc<Self>) {
            panic!("not now");
        }
    }

    let range = range(Placement::Actor);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
    let _in_it = runtime.enter();
    let waker = Waker::from(Arc::new(Grumpy));
    std::thread::scope(|scope| {
        let held = scope.spawn(|| range.call(Range_Hold { millis: 100 }));
        until("it is held", || range.service().stats().iter().any(|method| method.running == 1));
        let mut grumpy: Vec<_> = (0..3).map(|_| Box::pin(range.service().call(Range_Ping {}))).collect();
        let polled = grumpy.iter_mut().map(|call| call.as_mut().poll(&mut Context::from_waker(&waker)));
        assert!(polled.into_iter().all(|polled| polled.is_pending()));
        let others: Vec<_> = (0..3).map(|_| scope.spawn(|| range.call(Range_Ping {}))).collect();
        assert_eq!(held.join().expect("an answer"), Ok(()));
        assert!(others.into_iter().all(|other| other.join().expect("an answer") == Ok(7)));
    });
    assert_well(&range);
}

/// An error whose text panics.
#[derive(Debug)]
struct Unspeakable;

impl fmt::Display for Unspeakable {
    fn fmt(&self, _: &mut fmt::Formatter<'_>) -> fmt::Result {
        panic!("there are no words");
    }
}

impl std::error::Error for Unspeakable {}

struct Moody {
    unwell: Arc<AtomicBool>,
}

#[service(name = "test.moody")]
impl Moody {
    #[public_method(message = "Greet")]
    fn greet(&self) -> u64 {
        1
    }

    #[public_method]
    fn stumble(&mut self) {
        self.unwell.store(true, Ordering::SeqCst);
        panic!("it stumbles");
    }

    #[public_method]
    fn explain(&self) -> Result<(), callbox::InternalError> {
        Err(Unspeakable.into())
    }

    #[on_start]
    fn wake_up(&mut self) -> Result<(), Unspeakable> {
        if self.unwell.swap(false, Ordering::SeqCst) { Err(Unspeakable) } else { Ok(()) }
    }
}

#[test]
fn an_error_whose_text_panics_costs_its_own_call_or_one_start() {
    let unwell = Arc::new(AtomicBool::new(false));
    let moody = testing::in_process(move || Moody { unwell: Arc::clone(&unwell) });
    assert_eq!(moody.call(Moody_Explain {}).expect_err("it fails").code(), -32603);
    assert_eq!(moody.call(Greet {}), Ok(1));
    assert_eq!(moody.call(Moody_Stumble {}).expect_err("it panics").code(), -32603);
    until("the next start goes well", || moody.call(Greet {}) == Ok(1));
}

/// A type whose serialization panics now and then.
struct Confused(AtomicU64);

impl Authenticate for Confused {
    async fn authenticate(&self, token: &str) -> Result<Option<Caller>, BoxError> {
        Ok((token == "good").then(|| Caller::named("ann")))
    }

    fn generation(&self) -> u64 {
        assert!(!self.0.fetch_add(1, Ordering::SeqCst).is_multiple_of(7), "it cannot be serialized");
        1
    }
}

struct Vault;

#[service(name = "test.vault")]
impl Vault {
    #[private_api_method]
    fn open(&self) -> u64 {
        9
    }
}

#[test]
fn an_authenticator_that_panics_wherever_it_likes_is_asked_again() {
    let server = testing::start(Server::new(|| Vault).tokens(Confused(AtomicU64::new(0))));
    let client = server.with_token("good");
    let mut answered = [0, 0];
    for _ in 0..50 {
        match client.call(Vault_Open {}) {
            Ok(9) => answered[0] += 1,
            Err(error) if error.code() == -32003 => answered[1] += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!(answered[0] > 0 && answered[1] > 0, "{answered:?}");
}

fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime").block_on(future)
}

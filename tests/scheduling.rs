//! How calls share a service: who overlaps whom, in which order, and where they run.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use callbox::client::{Calls, ClientError};
use callbox::testing::{InProcess, in_process, in_process_with};
use callbox::{Handler, Handles, Placement, RpcError, ServiceRef, service};
use futures::FutureExt;
use futures::future::{join, join_all};
use tokio::time::sleep;

#[derive(Default)]
struct Register {
    count: u64,
    inside: AtomicUsize,
    most: AtomicUsize,
    log: Vec<u32>,
}

impl Register {
    fn enter(&self) {
        let inside = self.inside.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(inside, Ordering::SeqCst);
    }

    fn leave(&self) {
        self.inside.fetch_sub(1, Ordering::SeqCst);
    }
}

#[service(name = "register")]
impl Register {
    #[public_method]
    fn ping(&self) -> u64 {
        self.count
    }

    #[public_method]
    fn increment(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Tells how many readers it met at once.
    #[public_method]
    async fn linger(&self, millis: u64) -> usize {
        self.enter();
        sleep(Duration::from_millis(millis)).await;
        self.leave();
        self.most.load(Ordering::SeqCst)
    }

    #[public_method(in_flight = 3)]
    async fn linger_in_threes(&self, millis: u64) -> usize {
        self.linger(millis).await
    }

    #[public_method(in_flight = 300)]
    async fn linger_in_crowds(&self, millis: u64) -> usize {
        self.linger(millis).await
    }

    /// Adds across an await: another writer in between would be lost.
    #[public_method]
    async fn increment_slowly(&mut self) -> u64 {
        let before = self.count;
        tokio::task::yield_now().await;
        assert_eq!(self.inside.load(Ordering::SeqCst), 0, "a reader is inside");
        self.count = before + 1;
        self.count
    }

    #[public_method(mailbox_group = "log")]
    fn note(&mut self, number: u32) {
        self.log.push(number);
    }

    #[public_method(mailbox_group = "log")]
    async fn note_slowly(&mut self, number: u32) {
        sleep(Duration::from_millis(1)).await;
        self.log.push(number);
    }

    #[public_method(mailbox_group = "log")]
    fn noted(&self) -> Vec<u32> {
        self.log.clone()
    }

    /// Holds the service's thread.
    #[public_method]
    fn block(&mut self, millis: u64) {
        std::thread::sleep(Duration::from_millis(millis));
    }

    #[public_method(compute)]
    fn grind(millis: u64) -> String {
        std::thread::sleep(Duration::from_millis(millis));
        std::thread::current().name().unwrap_or_default().to_owned()
    }

    #[public_method]
    fn thread(&mut self) -> String {
        format!("{:?}", std::thread::current().id())
    }
}

fn register() -> (InProcess<Register>, ServiceRef<Register>) {
    let held = in_process(Register::default);
    let service = held.service().clone();
    (held, service)
}

#[tokio::test]
async fn async_readers_overlap_at_their_awaits() {
    let (_held, register) = register();
    let start = Instant::now();
    let met = join_all((0..64).map(|_| register.call(Register_Linger { millis: 10 }))).await;
    assert!(met.contains(&Ok(64)), "all 64 were inside at once: {met:?}");
    assert!(start.elapsed() < Duration::from_millis(320), "one after another they would take 640 ms");
}

#[tokio::test]
async fn no_more_async_readers_are_inside_than_their_method_and_their_service_allow() {
    let (_held, register) = register();
    let met = join_all((0..9).map(|_| register.call(Register_LingerInThrees { millis: 50 }))).await;
    assert_eq!(met.into_iter().map(Result::unwrap).max(), Some(3));
    let met = join_all((0..300).map(|_| register.call(Register_LingerInCrowds { millis: 200 }))).await;
    assert_eq!(met.into_iter().map(Result::unwrap).max(), Some(256), "a service's limit");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn writers_lose_nothing_however_many_call() {
    let (_held, register) = register();
    let callers = (0..256).map(|caller| {
        let register = register.clone();
        tokio::spawn(async move {
            for _ in 0..40 {
                let done = if caller % 2 == 0 {
                    register.call(Register_Increment {}).await
                } else {
                    register.call(Register_IncrementSlowly {}).await
                };
                done.unwrap();
            }
        })
    });
    for caller in join_all(callers).await {
        caller.unwrap();
    }
    assert_eq!(register.call(Register_Ping {}).await, Ok(256 * 40));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_writer_is_alone_also_among_inline_readers() {
    let (_held, register) = register();
    let readers = async { join_all((0..200).map(|_| register.call(Register_Linger { millis: 1 }))).await };
    let writers = async { join_all((0..50).map(|_| register.call(Register_IncrementSlowly {}))).await };
    let (read, written) = join(readers, writers).await;
    assert!(read.iter().all(Result::is_ok) && written.iter().all(Result::is_ok), "{written:?}");
}

#[tokio::test]
async fn a_writer_that_waits_holds_up_the_readers_that_come_after_it() {
    let (_held, register) = register();
    let reader = register.call(Register_Linger { millis: 300 });
    let others = async {
        while register.stats().iter().all(|method| method.running == 0) {
            sleep(Duration::from_millis(1)).await;
        }
        register.notify(Register_Increment {}).unwrap();
        // A call without state never waits: when it has run, the writer has been tried, and waits.
        register.call(Register_Grind { millis: 0 }).await.unwrap();
        assert_eq!(register.call(Register_Ping {}).await, Ok(1), "readers that keep coming would starve it");
    };
    assert!(join(reader, others).await.0.is_ok());
}

#[tokio::test]
async fn calls_of_a_mailbox_keep_their_order_also_in_a_group_of_methods() {
    let (_held, register) = register();
    for number in 0..100 {
        if number % 3 == 0 {
            register.notify(Register_NoteSlowly { number }).unwrap();
        } else {
            register.notify(Register_Note { number }).unwrap();
        }
    }
    assert_eq!(register.call(Register_Noted {}).await.unwrap(), (0..100).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_short_method_runs_where_it_is_called_once_it_is_known() {
    let (_held, register) = register();
    let here = format!("{:?}", std::thread::current().id());
    assert_ne!(register.call(Register_Thread {}).await.unwrap(), here, "an unknown method goes to the host first");
    // One run may be slow by chance, and then the method is not short for a second.
    let inline = async {
        while register.call(Register_Thread {}).await.unwrap() != here {
            sleep(Duration::from_millis(100)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), inline).await.expect("it runs inline at last");
}

#[tokio::test]
async fn with_placement_actor_every_call_runs_on_the_host() {
    let held = in_process_with(Register::default, |server| server.placement(Placement::Actor));
    let register = held.service();
    let here = format!("{:?}", std::thread::current().id());
    for _ in 0..20 {
        assert_ne!(register.call(Register_Thread {}).await.unwrap(), here);
    }
    assert!(register.stats().iter().all(|method| method.inline == 0));
}

#[tokio::test]
async fn an_inline_call_never_overtakes_one_that_waits() {
    let (_held, register) = register();
    for _ in 0..3 {
        register.call(Register_Increment {}).await.unwrap();
    }
    register.notify(Register_Block { millis: 30 }).unwrap();
    register.notify(Register_Increment {}).unwrap();
    // The state may be free for a moment in between; the waiting increment still runs first.
    assert_eq!(register.call(Register_Increment {}).await, Ok(5));
}

#[tokio::test]
async fn heavy_work_on_the_pool_does_not_hold_up_the_service() {
    let (_held, register) = register();
    let start = Instant::now();
    let grind = register.call(Register_Grind { millis: 300 });
    let pings = async {
        for _ in 0..20 {
            register.call(Register_Ping {}).await.unwrap();
        }
        start.elapsed()
    };
    let (thread, pinged) = join(grind, pings).await;
    assert!(thread.unwrap().starts_with("callbox-compute-"));
    assert!(pinged < Duration::from_millis(300), "20 pings took {pinged:?}");
}

#[tokio::test]
async fn a_flooded_method_does_not_hold_up_another() {
    let (_held, register) = register();
    for _ in 0..200 {
        register.notify(Register_Block { millis: 5 }).unwrap();
    }
    let start = Instant::now();
    for _ in 0..10 {
        register.call(Register_Ping {}).await.unwrap();
    }
    assert!(
        start.elapsed() < Duration::from_millis(500),
        "behind the flood it would take a second: {:?}",
        start.elapsed()
    );
}

#[tokio::test]
async fn an_answer_that_is_ready_does_not_wait_for_a_long_call_that_starts_after_it() {
    let (_held, register) = register();
    register.notify(Register_Block { millis: 200 }).unwrap();
    sleep(Duration::from_millis(50)).await;
    let start = Instant::now();
    // Both wait behind the first; the ping goes before the second, as its mailbox has used less.
    let ping = register.call(Register_Ping {});
    let block = async { register.notify(Register_Block { millis: 1000 }).unwrap() };
    let (answer, ()) = join(ping, block).await;
    assert!(answer.is_ok());
    assert!(start.elapsed() < Duration::from_millis(700), "it took {:?}", start.elapsed());
}

#[tokio::test]
async fn actix_people_may_send_messages_to_the_address() {
    let (_held, register) = register();
    let addr = register.addr().expect("there is a host");
    assert_eq!(addr.send(callbox::ActorMessage(Register_Increment {})).await.unwrap(), Ok(1));
    assert_eq!(register.call(Register_Increment {}).await, Ok(2));
}

struct Other;

#[service(name = "other")]
impl Other {
    #[public_method]
    fn nothing(&self) {}
}

/// A message that its service forgot to list.
#[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
struct Unlisted {}

impl callbox::Message for Unlisted {
    type Output = ();
    type Error = RpcError;
    const NAME: &'static str = "unlisted";
    const PARAMS: &'static [&'static str] = &[];
}

impl Handles<Unlisted> for Other {
    const HANDLER: Handler<Self, Unlisted> = Handler::Read(|_, _, _| Ok(()));
}

impl Calls<Unlisted> for OtherClient {}

#[test]
fn a_message_that_the_service_does_not_list_is_not_found() {
    let other = in_process(|| Other);
    assert_eq!(other.call(Other_Nothing {}), Ok(()));
    assert_eq!(other.call(Unlisted {}).unwrap_err().code(), -32601);

    let client: OtherClient = other.service().client();
    let error = client.call(Unlisted {}).now_or_never().expect("it does not wait").unwrap_err();
    assert!(matches!(&error, ClientError::Server(error) if error.code() == -32601), "{error:?}");
}

#[test]
fn notifications_have_taken_effect_when_the_service_has_settled() {
    let held = Arc::new(in_process(Register::default));
    for _ in 0..500 {
        held.notify(Register_IncrementSlowly {}).unwrap();
    }
    held.wait_idle();
    assert_eq!(held.call(Register_Ping {}), Ok(500));
}

#[test]
fn a_service_is_not_idle_while_it_has_admitted_calls() {
    let held = in_process(Register::default);
    let ran = || held.service().stats().iter().find(|stats| stats.method == "increment_slowly").unwrap().answered;
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // The host is busy all the time, so that some responses are under way when a call arrives.
        scope.spawn(|| {
            while !over.load(Ordering::SeqCst) {
                held.wait_idle();
            }
        });
        let early = (1..=3000).find(|round| {
            held.notify(Register_IncrementSlowly {}).unwrap();
            held.wait_idle();
            ran() < *round
        });
        over.store(true, Ordering::SeqCst);
        assert_eq!(early, None, "it was said to have settled before this one had run");
    });
}
